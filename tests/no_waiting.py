"""SQLite without its waits for the disk: no test's database must survive a power cut, and ``kill -9`` costs it nothing.

Imported for its effect, by the tests' own process and by those that they start.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event


@event.listens_for(Engine, "connect")
def _do_not_wait(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
