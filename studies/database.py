"""One SQLite file, opened with care: checked before anything is written, and every transaction whole or not at all.

The file keeps SQLite's rollback journal rather than write-ahead logging: it stays a single file that can be copied, it
works on the network folders of a cluster, and a few commits a second need no more. After ``kill -9`` the next opener
rolls the broken transaction back. Our transactions take the write lock at once (``BEGIN IMMEDIATE``), so that two
processes queue for it instead of failing halfway through.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from studies.errors import StorageError, damaged, translated
from studies.schema import SCHEMA_VERSION, Base, Schema

_EXAMPLE = "--storage sqlite:///studies/studies.db"


def database_path(storage: str) -> Path:
    """The file that a storage URL names.

    Raises:
        StorageError: the URL is no ``sqlite:///file`` URL.
    """
    try:
        url = make_url(storage)
    except ArgumentError:
        as_url = f"--storage sqlite:///{storage}" if storage else _EXAMPLE
        raise StorageError(f"Storage {storage!r} is not a URL. Type: {as_url}") from None
    if url.get_backend_name() != "sqlite":
        raise StorageError(
            f"Storage {storage!r} starts with {url.drivername!r}; studies are kept in SQLite files. Type: {_EXAMPLE}"
        )
    if not url.database or url.database == ":memory:" or url.query or url.database.startswith("file:"):
        raise StorageError(
            f"Storage {storage!r} names no plain file, and a study must outlive the program. Type: {_EXAMPLE}"
        )
    return Path(url.database)


def make_folder(path: Path) -> None:
    """Create the folder of the database.

    Raises:
        StorageError: it cannot be created, or the database's own path is a folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {path.parent} for the database cannot be made ({error.strerror}). Nothing was changed. "
            f"Name a place that you can write to: --storage sqlite:////a/folder/that/you/own/studies.db"
        ) from error
    if path.is_dir():
        raise StorageError(f"{path} is a folder, not a database. Type: --storage sqlite:///{path}/studies.db")


def inspect_file(path: Path, busy_seconds: float) -> None:
    """Read an existing file before anyone writes to it.

    Raises:
        StorageError: it is damaged, locked, no database, a database of something else, or of a newer program.
    """
    if not path.exists() or path.stat().st_size == 0:
        return
    address = (
        f"{path.absolute().as_uri()}?mode=rw"  # a missing file is not created, a broken transaction is rolled back
    )
    with translated(path), closing(sqlite3.connect(address, timeout=busy_seconds, uri=True)) as file:
        faults = [row[0] for row in file.execute("PRAGMA quick_check(1)")]
        if faults != ["ok"]:
            raise damaged(path, str(faults[0]).splitlines()[-1])
        tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = file.execute("SELECT max(version) FROM k24_schema").fetchone() if "k24_schema" in tables else None
    if tables and not tables & {"k24_schema", "version_info"}:
        raise StorageError(
            f"{path} is a database of another program (tables: {', '.join(sorted(tables)[:4])}). Nothing was changed. "
            f"Name another file: {_EXAMPLE}"
        )
    if version is not None and version[0] is not None and version[0] > SCHEMA_VERSION:
        raise StorageError(
            f"{path} was written by a newer version of this program (its tables have version {version[0]}, this "
            f"program knows up to {SCHEMA_VERSION}). Nothing was changed. Update the program (git pull && make test), "
            f"or name another file: --storage sqlite:///studies/new.db"
        )


def connect(path: Path, busy_seconds: float) -> Engine:
    """An engine for our tables, which are created where missing."""
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin_immediate)
    try:
        with transaction(engine, path) as session:
            Base.metadata.create_all(session.connection())
            if session.get(Schema, 1) is None:
                session.add(Schema(id=1, version=SCHEMA_VERSION))
    except StorageError:
        engine.dispose()
        raise
    return engine


def _prepare_connection(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # else the driver begins transactions itself, and later than we ask
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine, path: Path) -> Iterator[Session]:
    """A session whose work is committed at the end, or not at all; the driver's errors become ``StorageError``."""
    with translated(path), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
