"""Turn the database drivers' errors into errors that say what to type next."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from common.errors import quoted
from studies.db.errors import ConnectionLost, StorageError
from studies.db.storage_url import StorageUrl

_ELSEWHERE = "name another place: --storage sqlite:////a/folder/that/you/own/studies.db"


def to_storage_error(error: Exception, url: StorageUrl) -> StorageError:
    """Turn a database driver's error into one that says what to do.

    Args:
        error: what SQLite, PostgreSQL, SQLAlchemy or Optuna raised.
        url: the database.
    """
    root: BaseException = error
    while root.__cause__ is not None:  # outer ones quote SQL and the user's own texts, the innermost says what happened
        root = root.__cause__
    if isinstance(root, ImportError):
        return StorageError(
            f"A PostgreSQL server is reached through the package psycopg, which is not installed ({root}). "
            f"Type: pip install 'psycopg[binary]' (or install this project with its extra: .[postgres])"
        )
    return _server_error(root, url) if url.path is None else _file_error(root, url)


def _file_error(root: BaseException, url: StorageUrl) -> StorageError:
    path = url.path
    assert path is not None, "a server is explained elsewhere"
    code = getattr(root, "sqlite_errorname", "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageError(
            f"{path} is locked: another process is writing to it and did not finish in time. Nothing was changed. "
            f"See who holds it with: fuser -v {quoted(path)} (or lsof {quoted(path)}); then type the same "
            f"command again."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StorageError(
            f"{path} cannot be written ({root}). Nothing was changed. Look at its permissions with: "
            f"ls -ld {quoted(path.parent)} {quoted(path)}; or {_ELSEWHERE}"
        )
    if code.startswith("SQLITE_FULL"):
        return StorageError(
            f"The disk that holds {path} is full. What was stored before is safe; free some space, then type the same "
            f"command again: it goes on where it stopped."
        )
    if code.startswith("SQLITE_IOERR"):
        return StorageError(
            f"{path} could not be read or written ({root}): the disk is full, a limit on file sizes was met, or the "
            f"disk is broken. What was stored before is safe. Look with: df -h {quoted(path.parent)}; ulimit -f; then "
            f"type the same command again: it goes on where it stopped."
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return damaged(url, str(root))
    return StorageError(
        f"{path} could not be used: {root}. What was stored before is safe. Look into the file with: "
        f"sqlite3 {quoted(path)} 'pragma integrity_check'; or {_ELSEWHERE}"
    )


def _server_error(root: BaseException, url: StorageUrl) -> StorageError:
    """By PostgreSQL's error classes; a server that was not reached has no class."""
    code, message = getattr(root, "sqlstate", None) or "", " ".join(str(root).split())
    if code.startswith("53"):  # insufficient resources: disk, memory, connections
        return StorageError(
            f"The server of {url} has no room ({message}). What was stored before is safe; free some, then type the "
            f"same command again: it goes on where it stopped."
        )
    if code.startswith(("55P03", "40")):  # a lock was not had in time; a deadlock
        return ConnectionLost(
            f"{url} is locked: another process is writing to it and did not finish in time ({message}). Nothing was "
            f"changed. See who with: select * from pg_stat_activity; then type the same command again."
        )
    if not code or code.startswith(("08", "28", "3D", "57P")):  # connection, password, no such database, shutdown
        kind = StorageError if code.startswith(("28", "3D")) else ConnectionLost
        return kind(
            f"{url} cannot be reached ({message}). What was stored before is safe. Try psql with this address; a "
            f"missing database is made with: createdb {quoted(url.parsed.database or 'NAME')}; then type the same "
            f"command again."
        )
    return StorageError(f"{url} could not be used: {message}. What was stored before is safe.")


def damaged(url: StorageUrl, found: str) -> StorageError:
    """The error for a file that is no sound SQLite database."""
    return StorageError(
        f"{url} is not a sound SQLite database ({found}). Nothing was changed. Save what can be read with: "
        f"sqlite3 {quoted(url)} .recover > rescued.sql; then move the file away, or {_ELSEWHERE}"
    )


@contextmanager
def wrap_db_errors(url: StorageUrl) -> Iterator[None]:
    """Within this block the errors of the database drivers become ``StorageError``."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, sqlite3.Error, ImportError) as error:
        raise to_storage_error(error, url) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:  # of text that was read, whose bytes were changed
        raise damaged(url, f"a text in it cannot be read: {error}") from error
