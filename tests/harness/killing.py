"""``kill -9`` of the process that works on a run, found in the database."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path


def kill_first_owner(database: Path, patience: float = 120.0) -> None:
    """Wait until a process works on a run (one of a trial, in a search), and kill it."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            with closing(sqlite3.connect(database, timeout=10)) as file:
                found = file.execute(
                    "SELECT owner_pid FROM k24_runs WHERE state = 'running' AND algorithm != ''"
                ).fetchone()
        except sqlite3.OperationalError:
            found = None  # the tables are not made yet
        if found and found[0] and found[0] != os.getpid():
            os.kill(found[0], signal.SIGKILL)
            return
        time.sleep(0.02)
