"""``kill -9`` of the process that works on a run, found in the database."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path


def kill_first_owner(database: Path, patience: float = 120.0) -> bool:
    """Wait until a process works on a run (one of a trial, in a search), and kill it while it does; whether it did."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for pid in owners(database) - {os.getpid()}:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, signal.SIGSTOP)
                if pid in owners(database):  # it has not finished its run in the meantime
                    os.kill(pid, signal.SIGKILL)
                    return True
                os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    return False


def owners(database: Path) -> set[int]:
    """Processes that work on runs."""
    question = "SELECT owner_pid FROM k24_runs WHERE state = 'running' AND algorithm != '' AND owner_pid"
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as file:
            return {pid for (pid,) in file.execute(question)}
    except sqlite3.OperationalError:
        return set()  # the tables are not made yet
