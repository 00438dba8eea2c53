"""Storage of a study, as ``--storage`` names it: a SQLite file or a database of a PostgreSQL server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from studies.db.errors import StorageError

DEFAULT_STORAGE = "sqlite:///studies/studies.db"
EXAMPLE = f"--storage {DEFAULT_STORAGE}"
_SERVER = "--storage postgresql://user@host/database"
_LAST_PORT = 65535
BUSY_SECONDS = 60.0
"""How long to wait for another process's write before giving up."""
_ARTIFACTS = Path("studies") / "artifacts"
_PASSWORDS = (
    (re.compile(r"(://[^:/@\s]*):(?:[^/\s]+|[^@\s]+)@"), r"\1:***@"),
    (re.compile(r"([?&](?:ssl)?password=)[^&\s'\"]+"), r"\1***"),
)


@dataclass(frozen=True)
class StorageUrl:
    """A database, as messages call it and as the drivers reach it."""

    parsed: URL
    """Of SQLAlchemy, driver included."""
    path: Path | None
    """The SQLite file; ``None``: a server keeps it."""
    busy_seconds: float = BUSY_SECONDS
    """How long its connections wait for another process's write."""

    def __str__(self) -> str:
        if self.path:
            return str(self.path)
        return without_passwords(self.parsed.set(drivername="postgresql").render_as_string())

    @property
    def redacted(self) -> str:
        """The URL with its password as ``***``."""
        return without_passwords(self.parsed.render_as_string())

    @property
    def address(self) -> str:
        """The URL in full, password included."""
        return self.parsed.render_as_string(hide_password=False)

    @property
    def artifact_folder(self) -> Path:
        """Folder of the files shown with trials: beside the database's file.

        For a server ``studies/artifacts``, which workers on several machines should share.
        """
        return self.path.parent / "artifacts" if self.path else _ARTIFACTS


def without_passwords(text: str) -> str:
    """``text``, a URL or a whole command line, with each password in it as ``***``: to be shown or stored."""
    for pattern, redacted in _PASSWORDS:
        text = pattern.sub(redacted, text)
    return text


def parse_storage_url(storage: str, busy_seconds: float = BUSY_SECONDS) -> StorageUrl:
    """Take a storage URL apart.

    Raises:
        StorageError: it names neither a plain SQLite file nor a PostgreSQL database.
    """
    redacted = repr(without_passwords(storage))
    try:
        url = make_url(storage)
    except (ArgumentError, ValueError):
        as_url = f"--storage sqlite:///{storage}" if storage and "://" not in storage else EXAMPLE
        raise StorageError(f"Storage {redacted} is not a URL. Type: {as_url}") from None
    kind = url.get_backend_name()
    if kind == "postgresql":
        if not url.database:
            raise StorageError(f"Storage {redacted} names no database of the server. Type: {_SERVER}")
        if url.port is not None and not 1 <= url.port <= _LAST_PORT:
            raise StorageError(
                f"Storage {redacted} names port {url.port}, a port is 1 to {_LAST_PORT}. Type: {_SERVER}"
            )
        url = url.set(drivername="postgresql+psycopg")  # one driver, whichever SQLAlchemy prefers
        return StorageUrl(url, None, busy_seconds)
    if kind != "sqlite":
        raise StorageError(
            f"Storage {redacted} starts with {url.drivername!r}; studies are kept in SQLite files or on a PostgreSQL "
            f"server. Type: {EXAMPLE} or {_SERVER}"
        )
    if not url.database or url.database == ":memory:" or url.query or url.database.startswith("file:"):
        raise StorageError(
            f"Storage {redacted} names no plain file, and a study must outlive the program. Type: {EXAMPLE}"
        )
    return StorageUrl(url, Path(url.database), busy_seconds)
