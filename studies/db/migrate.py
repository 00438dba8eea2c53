"""Migrate older databases to the present tables; refuse those of a newer program.

The version stands in ``k24_alembic_version``, since Optuna keeps an ``alembic_version`` of its own in the same
database. Each step is a file in ``migrations/versions``, named by its version. Before alembic (version 1) the number
stood in ``k24_schema``; that table stays as it is now for good, because programs of that time look there to refuse.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from common.errors import quoted
from studies.db.errors import StorageError
from studies.db.schema import SCHEMA_VERSION, Base
from studies.db.storage_url import StorageUrl

VERSION_TABLE = "k24_alembic_version"
_BEFORE_ALEMBIC = "k24_schema"
_SCRIPTS = Path(__file__).parent / "migrations"
_log = logging.getLogger(__name__)


def version_in(tables: Collection[str], ask: Callable[[str], Any]) -> int | None:
    """Return the version of our tables in a database; ``None``: it has none of them.

    Args:
        tables: all its tables.
        ask: gives the first row of a query's answer, or ``None``.
    """
    for table, question in (
        (VERSION_TABLE, f"SELECT version_num FROM {VERSION_TABLE}"),
        (_BEFORE_ALEMBIC, f"SELECT max(version) FROM {_BEFORE_ALEMBIC}"),
    ):
        row = ask(question) if table in tables else None
        if row is not None and row[0] is not None:
            return int(row[0])
    return None


def schema_version(connection: Connection) -> int | None:
    """Return the same through SQLAlchemy."""
    tables = inspect(connection).get_table_names()
    return version_in(tables, lambda question: connection.execute(text(question)).first())


def refuse_newer(url: StorageUrl, version: int | None) -> None:
    """Raise where a newer program wrote the tables.

    Raises:
        StorageError: it did; the message says what to do.
    """
    if version is not None and version > SCHEMA_VERSION:
        raise StorageError(
            f"{url} was written by a newer version of this program (its tables have version {version}, this "
            f"program knows up to {SCHEMA_VERSION}). Nothing was changed. Update the program (git pull && make test), "
            f"or name another file: --storage sqlite:///studies/new.db"
        )


def bring_up_to_date(connection: Connection, url: StorageUrl) -> None:
    """Create the tables or migrate them to this program's version, in the caller's transaction.

    A SQLite file is copied first; a line on the log names the copy.

    Raises:
        StorageError: the tables are of a newer program, or the copy cannot be written.
    """
    version = schema_version(connection)
    refuse_newer(url, version)
    if version is None:
        Base.metadata.create_all(connection)
        connection.execute(text(f"INSERT INTO {_BEFORE_ALEMBIC} (id, version) VALUES (1, 2)"))
        _alembic(connection, "stamp")
    elif version < SCHEMA_VERSION:
        kept = f"the file as it was is kept as {_copy(url.path, version)}" if url.path else "in one transaction"
        if version == 1:
            _alembic(connection, "stamp", "0001")
        _alembic(connection, "upgrade")
        _log.warning("%s: tables brought from version %d to %d; %s", url, version, SCHEMA_VERSION, kept)


def _alembic(connection: Connection, command: str, revision: str = "head") -> None:
    """Run one of alembic's commands on a connection, inside its transaction."""
    from alembic import command as commands  # here, since it is needed once in a database's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(commands, command)(config, revision)


def _copy(path: Path, version: int) -> Path:
    """Copy a database file to a new name beside it; the caller's transaction has written nothing yet."""
    names = (path.with_name(f"{path.name}.version-{version}{f'-{n}' if n else ''}") for n in count())
    kept = next(name for name in names if not name.exists())
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        kept.unlink(missing_ok=True)
        raise StorageError(
            f"{path} is of an older version of this program and would be brought up to date, but its copy {kept} "
            f"cannot be written ({error}). Nothing was changed. Free some space (df -h {quoted(path.parent)}), then "
            f"type the same command again"
        ) from error
    return kept
