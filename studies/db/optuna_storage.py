"""Optuna's tables in our database, opened so that several processes can share them."""

from __future__ import annotations

import time
from typing import Any

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from studies.db.database import engine_options, queue_transactions, reconnect_patiently
from studies.db.errors import StorageError, translated
from studies.db.storage_url import Place


def open_storage(place: Place, busy_seconds: float, kind: type[RDBStorage] = RDBStorage, **options: Any) -> RDBStorage:
    """Optuna's storage; its tables are created where missing.

    Its transactions queue like ours: left alone on SQLite, Optuna reads a waiting trial's state and writes it in two
    steps, between which another process can take the same trial.

    Args:
        place: the database.
        busy_seconds: how long to wait for another process's write.
        kind: a class of storage.
        options: for it, beside the address.

    Raises:
        StorageError: the database cannot be used, or its Optuna tables are of another version of Optuna.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # whoever works on trials tells how they end, in a line each
    url = place.address.replace("{", "{{").replace("}", "}}")  # Optuna fills in what stands in braces
    for last_try in (False, False, False, False, True):
        try:
            storage = kind(url, engine_kwargs=engine_options(place, busy_seconds), **options)
        except (OperationalError, ProgrammingError, IntegrityError) as error:
            # Optuna looks which tables are missing and then creates them: two first starts at once collide there.
            collided = isinstance(error, IntegrityError) or "already exists" in str(error)
            if last_try or not collided:
                with translated(place):
                    raise
            time.sleep(0.1)
        except ImportError:
            with translated(place):
                raise
        except RuntimeError as error:  # the Optuna tables have another version
            raise StorageError(f"{place} and the installed Optuna do not fit: {error} Nothing was changed.") from error
        else:
            queue_transactions(storage.engine)
            reconnect_patiently(storage.engine, place, busy_seconds)
            storage.engine.dispose()  # connections from before would begin their transactions in the old way
            return storage
    raise AssertionError("the last try either returns or raises")


def close_storage(storage: RDBStorage) -> None:
    """Release the connections."""
    storage.remove_session()
    storage.engine.dispose()
