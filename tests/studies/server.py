"""A PostgreSQL server of Debian's for the tests, in a folder of its own, gone at their end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Restart = Callable[[float], None]
"""Stops the server at once and starts it again after so many seconds, without waiting for that."""
NOBODY = 65534
"""The server refuses to run as root."""


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; Debian keeps them off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@contextmanager
def server() -> Iterator[tuple[str, Restart]]:
    """The storage URL of an empty database on a fresh server, and what restarts it; skips where none can be started."""
    psycopg = pytest.importorskip(
        "psycopg", reason="the extra 'postgres' is not installed: pip install psycopg[binary]"
    )
    binaries = programs()
    if binaries is None:
        pytest.skip("no PostgreSQL server to start: apt-get install postgresql")
    someone: dict[str, Any] = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="k24-pg-") as made:
        folder = Path(made)
        if someone:
            os.chown(folder, NOBODY, NOBODY)
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **someone}
        new = [str(binaries / "initdb"), "-D", f"{folder}/data", "-U", "k24", "-A", "trust", "-N"]
        new += ["--locale=C", "-E", "UTF8"]
        subprocess.run(new, check=True, timeout=120, **quiet)
        start = [str(binaries / "postgres"), "-D", f"{folder}/data", "-k", str(folder), "-F", "-c", "listen_addresses="]
        running = [subprocess.Popen(start, **quiet)]
        timers: list[threading.Timer] = []

        def restart(after: float) -> None:
            running[-1].send_signal(signal.SIGINT)  # which throws its clients out
            running[-1].wait(timeout=30)
            timers.append(threading.Timer(after, lambda: running.append(subprocess.Popen(start, **quiet))))
            timers[-1].start()

        try:
            _create(psycopg, f"host={folder} user=k24 dbname=postgres")
            yield f"postgresql://k24@/studies?host={folder}", restart
        finally:
            for timer in timers:
                timer.join()
            running[-1].send_signal(signal.SIGINT)
            running[-1].wait(timeout=30)


def _create(psycopg: Any, address: str) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("CREATE DATABASE studies")
            return
        except psycopg.OperationalError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.05)
