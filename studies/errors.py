"""What can go wrong with a study's database, said so that the reader knows what to type next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

_ELSEWHERE = "name another place: --storage sqlite:////a/folder/that/you/own/studies.db"


class StorageError(ValueError):
    """The study's database cannot be used as asked; the message says what was found and what to type next."""


class RunTakenOver(StorageError):
    """Another process continues this run, since this one gave no sign of life for too long."""


def explain(error: Exception, path: Path) -> StorageError:
    """Turn a database driver's error into one that says what to do.

    Args:
        error: what SQLite, SQLAlchemy or Optuna raised.
        path: the database file.
    """
    root: BaseException = error
    while (
        root.__cause__ is not None
    ):  # the outer ones quote SQL and the user's own texts, the innermost says what happened
        root = root.__cause__
    code = getattr(root, "sqlite_errorname", "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageError(
            f"{path} is locked: another process is writing to it and did not finish in time. Nothing was changed. "
            f"See who holds it with: fuser -v {path} (or lsof {path}); then type the same command again."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StorageError(
            f"{path} cannot be written ({root}). Nothing was changed. Look at its permissions with: "
            f"ls -ld {path.parent} {path}; or {_ELSEWHERE}"
        )
    if code.startswith("SQLITE_FULL"):
        return StorageError(
            f"The disk that holds {path} is full. What was stored before is safe; free some space, then type the same "
            f"command again: it goes on where it stopped."
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return damaged(path, str(root))
    return StorageError(
        f"{path} could not be used: {root}. What was stored before is safe. Look into the file with: "
        f"sqlite3 {path} 'pragma integrity_check'; or {_ELSEWHERE}"
    )


def damaged(path: Path, found: str) -> StorageError:
    """The error for a file that is no sound SQLite database."""
    return StorageError(
        f"{path} is not a sound SQLite database ({found}). Nothing was changed. Save what can be read with: "
        f"sqlite3 {path} .recover > rescued.sql; then move the file away, or {_ELSEWHERE}"
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within this block the errors of the database drivers become ``StorageError``."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, sqlite3.Error) as error:
        raise explain(error, path) from error
