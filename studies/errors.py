"""What can go wrong with a study's database, said so that the reader knows what to type next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError


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
    text = " ".join(str(part) for part in (error, error.__cause__ or "", error.__context__ or "")).lower()
    if "locked" in text or "busy" in text:
        return StorageError(
            f"{path} is locked: another process is writing to it and did not finish in time. Nothing was changed. "
            f"See who holds it with: fuser -v {path} (or lsof {path}); then type the same command again."
        )
    if "readonly" in text or "read-only" in text or "unable to open" in text or "permission" in text:
        return StorageError(
            f"{path} cannot be written. Nothing was changed. Give its folder write permission, or another place: "
            f"--storage sqlite:////a/folder/that/you/own/studies.db"
        )
    if "full" in text:
        return StorageError(
            f"The disk that holds {path} is full. What was stored before is safe; free some space, then type the same "
            f"command again: it goes on where it stopped."
        )
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return damaged(path, str(error.__cause__ or error).splitlines()[0])
    return StorageError(
        f"{path} could not be used: {error}. What was stored before is safe. Look into the file with: "
        f"sqlite3 {path} 'pragma integrity_check', or name another one: --storage sqlite:///studies/new.db"
    )


def damaged(path: Path, found: str) -> StorageError:
    """The error for a file that is no sound SQLite database."""
    return StorageError(
        f"{path} is not a sound SQLite database ({found}). Nothing was changed. Save what can be read with: "
        f"sqlite3 {path} .recover > rescued.sql; then move the file away, or name another one: "
        f"--storage sqlite:///studies/new.db"
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within this block the errors of the database drivers become ``StorageError``."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, sqlite3.Error) as error:
        raise explain(error, path) from error
