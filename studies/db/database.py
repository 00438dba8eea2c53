"""A database opened with care: checked before anything is written, and every transaction whole or not at all.

The SQLite file keeps its rollback journal rather than write-ahead logging: it stays a single file that can be copied,
it works on the network folders of a cluster, and a few commits a second need no more. After ``kill -9`` the next
opener rolls the broken transaction back.

Transactions that write queue: each takes the write lock at once (``BEGIN IMMEDIATE``; on PostgreSQL an advisory lock),
so that two processes wait for each other instead of failing halfway, and what one has read still holds when it writes.
Reading takes no lock.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from optuna.storages._rdb.models import BaseModel as OptunaModel
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from common.errors import quoted
from studies.db.driver_errors import damaged, wrap_db_errors
from studies.db.errors import FIRST_PAUSE, ContentError, StorageError, try_for
from studies.db.migrate import bring_up_to_date, refuse_newer, schema_version, version_in
from studies.db.storage_url import EXAMPLE, StorageUrl

_OPTUNAS = frozenset(OptunaModel.metadata.tables)
"""Names of Optuna's tables, which it makes one by one: another process may find only some of them."""
_LOCK = 24
"""The advisory lock of our transactions; it belongs to one database of the server."""
_log = logging.getLogger(__name__)
_CHECKED_ALWAYS = 16 * 10**6
"""Bytes up to which a file is checked whenever it is opened; larger ones take seconds, and are on suspicion."""
_READING: ContextVar[bool] = ContextVar("reading", default=False)
"""Whether transactions that begin now only read."""
T = TypeVar("T")


def prepare_file(url: StorageUrl) -> None:
    """Create the folder of a database that is to be written, and read a file that is there (``inspect_file``).

    Raises:
        StorageError: the folder cannot be created, the database's own path is a folder, or as of ``inspect_file``.
    """
    if url.path:
        _make_folder(url.path)
    inspect_file(url)


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {path.parent} for the database cannot be made ({error.strerror}). Nothing was changed. "
            f"Name a place that you can write to: --storage sqlite:////a/folder/that/you/own/studies.db"
        ) from error
    if path.is_dir():
        raise StorageError(
            f"{path} is a folder, not a database. Type: --storage {quoted(f'sqlite:///{path}/studies.db')}"
        )


def inspect_file(url: StorageUrl) -> None:
    """Read an existing file before anyone writes to it; a server looks after its own.

    Raises:
        StorageError: it is damaged, locked, no database, a database of something else, or of a newer program.
    """
    path = url.path
    if path is None or not path.exists() or path.stat().st_size == 0:
        return
    # A missing file is not created, a broken transaction is rolled back.
    address = f"{path.absolute().as_uri()}?mode=rw"
    with wrap_db_errors(url), closing(sqlite3.connect(address, timeout=url.busy_seconds, uri=True)) as file:
        file.text_factory = lambda text: text.decode(errors="replace")  # a damaged file may hold any bytes for text
        if _is_suspicious(path):
            faults = [row[0] for row in file.execute("PRAGMA quick_check(1)")]
            if faults != ["ok"]:
                raise damaged(url, str(faults[0]).splitlines()[-1])
        tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        version = version_in(tables, lambda question: file.execute(question).fetchone())
    if version is None and "version_info" not in tables and not tables <= _OPTUNAS:
        raise StorageError(
            f"{path} is a database of another program (tables: {', '.join(sorted(tables)[:4])}). Nothing was changed. "
            f"Name another file: {EXAMPLE}"
        )
    refuse_newer(url, version)


def _is_suspicious(path: Path) -> bool:
    """Whether to walk through the whole file: it takes no time, a process died while writing, or it was cut."""
    size = path.stat().st_size
    if size <= _CHECKED_ALWAYS or path.with_name(f"{path.name}-journal").exists():
        return True
    with path.open("rb") as file:
        header = file.read(100)
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    return header[:16] != b"SQLite format 3\0" or pages * (65536 if page == 1 else page) != size


def connect(url: StorageUrl) -> Database:
    """Open our tables, which are created where missing, or brought to this program's version.

    Raises:
        StorageError: the database cannot be reached or written, or is of a newer program.
    """
    return _open(url, lambda connection: bring_up_to_date(connection, url))[0]


def connect_to_read(url: StorageUrl) -> tuple[Database, int | None]:
    """Open our tables without waiting for a write lock, and look for their version; ``None``: there are none.

    Raises:
        StorageError: the database cannot be reached or read.
    """
    with reading():
        return _open(url, schema_version)


def _open(url: StorageUrl, begin: Callable[[Connection], T]) -> tuple[Database, T]:
    """Return a database, with what its first transaction found."""
    with wrap_db_errors(url):
        engine = create_engine(url.parsed, **engine_options(url))
    queue_transactions(engine)
    try:
        with wrap_db_errors(url), engine.begin() as connection:
            found = begin(connection)
    except StorageError:
        engine.dispose()
        raise
    reconnect_patiently(engine, url)
    return Database(engine, url), found


def reconnect_patiently(engine: Engine, url: StorageUrl) -> None:
    """From now on let this engine wait for a server that went away: it may be restarted during hours of training.

    A server that was never reached is not waited for, since its address or a password is wrong more often than not.
    """
    if url.path is not None:
        return

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, _record: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        def warn(error: Exception) -> None:
            message = " ".join(str(error).split())
            _log.warning("%s cannot be reached (%s); tried again for %g s", url, message, url.busy_seconds)

        lost = dialect.loaded_dbapi.OperationalError
        return try_for(url.busy_seconds, lambda: dialect.connect(*arguments, **options), lost, warn)


def engine_options(url: StorageUrl) -> dict[str, Any]:
    """Return each driver's options for how long to wait for others."""
    if url.path is not None:
        return {"connect_args": {"timeout": url.busy_seconds}}
    waiting = {"options": f"-c lock_timeout={round(1000 * url.busy_seconds)}", "connect_timeout": 10}
    waiting["client_encoding"] = "utf8"  # else a server without an encoding hands out bytes
    return {"connect_args": waiting, "pool_pre_ping": True}  # a connection may have been lost meanwhile


def queue_transactions(engine: Engine) -> None:
    """Let every transaction of this engine take the write lock when it begins."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    else:
        event.listen(engine, "begin", _take_lock)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # else the driver begins transactions itself, and later than we ask
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if _READING.get() else "BEGIN IMMEDIATE")


def _take_lock(connection: Connection) -> None:
    """Take the lock, and note the transaction's number, by which a lost COMMIT is looked up."""
    connection.info["k24_xid"] = None
    if not _READING.get():
        found = connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK}), txid_current()").one()
        connection.info["k24_xid"] = int(found[1])


def clock(session: Session) -> float:
    """Seconds since 1970 (UTC). On a server by its clock, since those of the machines that share it may differ."""
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


@contextmanager
def reading() -> Iterator[None]:
    """Within this block transactions take no write lock."""
    before = _READING.set(True)
    try:
        yield
    finally:
        _READING.reset(before)


@dataclass(frozen=True)
class Database:
    """A database as this process reaches it."""

    engine: Engine
    url: StorageUrl

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose work is committed at the end, or not at all; drivers' errors become ``StorageError``.

        Raises:
            ConnectionLost: the server interrupted it, and nothing is stored; ``errors.repeated`` begins it again.
        """
        with wrap_db_errors(self.url), Session(self.engine, expire_on_commit=False) as session:
            number = session.connection().info.get("k24_xid")
            yield session
            session.flush()
            session.expunge_all()  # what was read outlives the transaction, also one that seemed lost
            try:
                session.commit()
            except SQLAlchemyError:
                if number is None or not self._is_committed(number):
                    raise

    @contextmanager
    def read_transaction(self) -> Iterator[Session]:
        """Yield a session that takes no write lock: it reads, or writes by a single statement on a server.

        Raises:
            StorageError: the database cannot be read, or holds values that this program does not store.
        """
        try:
            with (
                reading(),
                wrap_db_errors(self.url),
                Session(self.engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
        except ContentError as error:
            raise StorageError(
                f"{self.url} holds what this program does not store: {error}. Another program changed it, or it is "
                "damaged; go on from a copy of it, or delete that run: python -m harness.delete --help"
            ) from error

    def _is_committed(self, number: int) -> bool:
        """Ask the server whether a transaction was stored whose COMMIT was not answered."""
        with reading(), self.engine.connect() as connection:
            while (state := connection.execute(text(f"SELECT txid_status({number})")).scalar_one()) == "in progress":
                time.sleep(FIRST_PAUSE)
            return bool(state == "committed")

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()
