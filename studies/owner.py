"""Who works on a run, and whether that process still lives.

Optuna's heartbeats need ``study.optimize``; runs here are asked and told, so their liveness is kept by this module.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from studies.db.schema import Owned

HEARTBEAT_BOUND = 300.0
"""Seconds without a sign of life after which a run of a process that cannot be looked up counts as abandoned."""

_IMPORTED = time.time()


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, told apart from any other that ever had its number."""

    host: str
    """Name of the machine."""
    pid: int
    """Process number."""
    started: str
    """``boot/namespace/ticks``: boot of the machine, process namespace, start time; ``-/-/seconds`` without /proc."""

    @classmethod
    def myself(cls) -> Owner:
        """The calling process."""
        pid = os.getpid()
        ticks = _start_ticks(pid)
        started = f"{_place()}/{ticks}" if ticks is not None else f"-/-/{_IMPORTED}"
        return cls(host=socket.gethostname(), pid=pid, started=started)

    def is_alive(self, heartbeat: float, now: float) -> bool:
        """Whether the process still works, as far as can be told from here.

        Where process numbers mean the same as here (same machine, same boot, same namespace) the process table knows;
        elsewhere a heartbeat within ``HEARTBEAT_BOUND`` is taken as a sign of life.

        Args:
            heartbeat: last sign of life, seconds since 1970.
            now: seconds since 1970.
        """
        place, _, ticks = self.started.rpartition("/")
        if self.host == socket.gethostname() and place == _place() and place != "-/-":
            found = _start_ticks(self.pid)
            if found is not None or not _is_hidden(self.pid):
                return found == ticks
        return now - heartbeat < HEARTBEAT_BOUND


def owner_of(row: Owned) -> Owner | None:
    """The process that holds a row, or held it last."""
    if row.owner_host is None or row.owner_pid is None or row.owner_started is None:
        return None
    return Owner(host=row.owner_host, pid=row.owner_pid, started=row.owner_started)


def is_free(row: Owned, now: float) -> bool:
    """Whether no living process holds a row."""
    holder = owner_of(row)
    return holder is None or not holder.is_alive(row.heartbeat, now)


def _place() -> str:
    """Boot and process namespace: two containers on one machine can share its name but not its process numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "-/-"


def _start_ticks(pid: int) -> str | None:
    """Clock ticks from boot to the start of a process; ``None`` when it is gone, a zombie, or cannot be looked up."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *numbers = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if state in "ZX" else numbers[18]


def _is_hidden(pid: int) -> bool:
    """Whether a process exists that /proc does not show us (another user's, where /proc is mounted with hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return False
