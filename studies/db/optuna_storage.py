"""Optuna's tables in our database, opened so that several processes can share them."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from studies.db.database import engine_options, queue_transactions, reading, reconnect_patiently
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError
from studies.db.retrying import repeated
from studies.db.storage_url import StorageUrl

READS = (
    "get_all_studies",
    "get_all_trials",
    "get_best_trial",
    "get_n_trials",
    "get_study_directions",
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_system_attrs",
    "get_study_user_attrs",
    "get_trial",
    "get_trial_id_from_study_id_trial_number",
    "get_trial_number_from_id",
    "get_trial_param",
    "get_trial_params",
    "get_trial_system_attrs",
    "get_trial_user_attrs",
    "_get_stale_trial_ids",
    "_get_trials",
)
REPEATABLE = (
    *READS,
    "set_study_system_attr",
    "set_study_user_attr",
    "set_trial_intermediate_value",
    "set_trial_param",
    "set_trial_state_values",
    "set_trial_system_attr",
    "set_trial_user_attr",
)
"""Calls that may be made again when the server interrupted them: they read, or set what they set before."""


class OurStorage(RDBStorage):
    """Optuna's storage whose reads take no write lock, and whose calls outlive a restart of the server."""

    database: StorageUrl
    """Set by ``open_storage``, from where on errors name it."""


def _outliving(name: str) -> Any:
    plain = getattr(RDBStorage, name)

    @functools.wraps(plain)
    def call(self: OurStorage, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self, "database") or self.database.path is not None:
            return once(self, *args, **kwargs)
        return repeated(_translating)(self.database, once, self, *args, **kwargs)

    def once(self: OurStorage, *args: Any, **kwargs: Any) -> Any:
        if name not in READS:
            return plain(self, *args, **kwargs)
        with reading():
            return plain(self, *args, **kwargs)

    return call


def _translating(url: StorageUrl, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with wrap_db_errors(url):
        return call(*args, **kwargs)


for _name in REPEATABLE:
    setattr(OurStorage, _name, _outliving(_name))


def open_storage(url: StorageUrl, busy_seconds: float) -> OurStorage:
    """Optuna's storage; its tables are created where missing.

    Its transactions queue like ours: left alone on SQLite, Optuna reads a waiting trial's state and writes it in two
    steps, between which another process can take the same trial.

    Args:
        url: the database.
        busy_seconds: how long to wait for another process's write.

    Raises:
        StorageError: the database cannot be used, or its Optuna tables are of another version of Optuna.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # workers log how trials end, a line each
    address = url.address.replace("{", "{{").replace("}", "}}")  # Optuna fills in what stands in braces
    for last_try in (False, False, False, False, True):
        try:
            storage = OurStorage(address, engine_kwargs=engine_options(url, busy_seconds))
        except (OperationalError, ProgrammingError, IntegrityError) as error:
            # Optuna looks which tables are missing and then creates them: two first starts at once collide there.
            collided = isinstance(error, IntegrityError) or "already exists" in str(error)
            if last_try or not collided:
                with wrap_db_errors(url):
                    raise
            time.sleep(0.1)
        except (ImportError, StorageInternalError):
            with wrap_db_errors(url):
                raise
        except RuntimeError as error:  # the Optuna tables have another version
            raise StorageError(f"{url} and the installed Optuna do not fit: {error} Nothing was changed.") from error
        else:
            queue_transactions(storage.engine)
            reconnect_patiently(storage.engine, url, busy_seconds)
            storage.database = url
            storage.engine.dispose()  # connections from before would begin their transactions in the old way
            return storage
    raise AssertionError("the last try either returns or raises")


def close_storage(storage: RDBStorage) -> None:
    """Release the connections."""
    storage.remove_session()
    storage.engine.dispose()
