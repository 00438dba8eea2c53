"""``kill -9`` of the process that works on a run, found in the database."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path


@contextmanager
def first_owner_killed(database: Path) -> Iterator[None]:
    """Kill the first process that works on a run of this block, which must be seen to work on one."""
    killed: list[bool] = []
    killer = threading.Thread(target=lambda: killed.append(_kill_first_owner(database)))
    killer.start()
    yield
    killer.join()
    assert killed == [True]


def _kill_first_owner(database: Path, patience: float = 120.0) -> bool:
    """Wait until a process works on a run (one of a trial, in a search), and kill it while it does; whether it did."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for pid in _owners(database) - {os.getpid()}:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, signal.SIGSTOP)
                if pid in _owners(database):  # it has not finished its run in the meantime
                    os.kill(pid, signal.SIGKILL)
                    return True
                os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    return False


def _owners(database: Path) -> set[int]:
    question = "SELECT owner_pid FROM k24_runs WHERE state = 'running' AND algorithm != '' AND owner_pid"
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as file:
            return {pid for (pid,) in file.execute(question)}
    except sqlite3.OperationalError:
        return set()  # the tables are not made yet
