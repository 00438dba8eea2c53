"""Optuna's tables in our database, opened so that several processes can share them."""

from __future__ import annotations

import functools
import time
from contextlib import nullcontext
from typing import Any

import optuna
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.exc import IntegrityError

from studies.db.database import engine_options, queue_transactions, reading, reconnect_patiently
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError, repeated
from studies.db.storage_url import StorageUrl

_CALLS = [name for name in dir(BaseStorage) if name.startswith(("get_", "set_"))]
READS = (*(name for name in _CALLS if name.startswith("get_")), "_get_stale_trial_ids", "_get_trials")
REPEATABLE = {*_CALLS, *READS}
"""Calls that may be made again when the server interrupted them: they read, or set what they set before."""


class OurStorage(RDBStorage):
    """Optuna's storage whose reads take no write lock, and whose calls outlive a restart of the server."""

    database: StorageUrl
    """Set by ``open_storage``, from where on errors name it."""

    def close(self) -> None:
        """Release the connections."""
        self.remove_session()
        self.engine.dispose()


def _outliving(name: str) -> Any:
    plain = getattr(RDBStorage, name)

    def once(self: OurStorage, *args: Any, **kwargs: Any) -> Any:
        with reading() if name in READS else nullcontext():
            return plain(self, *args, **kwargs)

    @repeated
    def patiently(self: OurStorage, *args: Any, **kwargs: Any) -> Any:
        with wrap_db_errors(self.database):
            return once(self, *args, **kwargs)

    @functools.wraps(plain)
    def call(self: OurStorage, *args: Any, **kwargs: Any) -> Any:
        on_server = hasattr(self, "database") and self.database.path is None
        return (patiently if on_server else once)(self, *args, **kwargs)

    return call


for _name in REPEATABLE:
    setattr(OurStorage, _name, _outliving(_name))


def open_storage(url: StorageUrl) -> OurStorage:
    """Optuna's storage; its tables are created where missing.

    Its transactions queue like ours: left alone on SQLite, Optuna reads a waiting trial's state and writes it in two
    steps, between which another process can take the same trial.

    Raises:
        StorageError: the database cannot be used, or its Optuna tables are of another version of Optuna.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # workers log how trials end, a line each
    address = url.address.replace("{", "{{").replace("}", "}}")  # Optuna fills in what stands in braces
    for last_try in (False, False, False, False, True):
        try:
            with wrap_db_errors(url):
                storage = OurStorage(address, engine_kwargs=engine_options(url))
        except StorageError as error:
            # Optuna looks which tables are missing and then creates them: two first starts at once collide there.
            collided = isinstance(error.__cause__, IntegrityError) or "already exists" in str(error.__cause__)
            if last_try or not collided:
                raise
            time.sleep(0.1)
        except RuntimeError as error:  # the Optuna tables have another version
            raise StorageError(f"{url} and the installed Optuna do not fit: {error} Nothing was changed.") from error
        else:
            queue_transactions(storage.engine)
            reconnect_patiently(storage.engine, url)
            storage.database = url
            storage.engine.dispose()  # connections from before would begin their transactions in the old way
            return storage
    raise AssertionError("the last try either returns or raises")
