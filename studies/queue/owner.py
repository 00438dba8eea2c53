"""The owner of a row, its heartbeats, and whether that process is still alive: the one liveness rule there is.

Training renews its heartbeat between two steps. A final evaluation of a thousand battles does not, nor does the run of
another seed that waits for its turn: without ``HeartbeatThread`` a worker on another machine would take them for
abandoned.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Row

from studies.db.schema import Owned

ABANDONED_AFTER = 300.0
"""Seconds without a heartbeat after which a run of a process that cannot be looked up counts as abandoned."""
HEARTBEAT_IN_TRAINING = 15.0
"""Seconds between two heartbeats that training writes; calls in between cost nothing."""
HEARTBEAT_IN_BACKGROUND = 60.0
"""Seconds between two heartbeats of the thread."""
_START_TOLERANCE = 5.0
"""Seconds by which two readings of a process's start may differ."""
UNKNOWN = "-/-"
"""Boot and namespace where the system has no /proc."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, distinct from any other that ever had its number."""

    host: str
    """Name of the machine."""
    pid: int
    """Process number."""
    started: str
    """``boot/namespace/seconds``: boot of the machine, process namespace, start of the process in seconds since that
    boot, as the system clock may be set at any time. Where the system has no /proc: ``-/-`` and seconds since 1970.
    """

    @classmethod
    def myself(cls) -> Owner:
        """The calling process."""
        pid, namespace = os.getpid(), _namespace()
        started = _starts(pid)[0 if namespace == UNKNOWN else 1]
        return cls(host=socket.gethostname(), pid=pid, started=f"{namespace}/{started:.2f}")

    def is_alive(self, heartbeat: float, now: float) -> bool:
        """Whether the process still works: by the process table where it can be looked up, else by its heartbeat.

        Args:
            heartbeat: last heartbeat, seconds since 1970.
            now: seconds since 1970.
        """
        running = self.look_up()
        return now - heartbeat < ABANDONED_AFTER if running is None else running

    def look_up(self) -> bool | None:
        """Whether the process table of this machine has the process.

        ``None`` where it cannot say: process numbers mean the same only on the same machine since the same boot and in
        the same namespace, and the table may hide processes of other users.
        """
        namespace, _, started = self.started.rpartition("/")
        if self.host == socket.gethostname() and namespace == _namespace():
            with suppress(psutil.AccessDenied):
                return _is_running(self.pid, float(started))
        return None


def owner_of(row: Owned | Row[Any]) -> Owner | None:
    """Return the process that owns a row, or owned it last."""
    if row.owner_host is None or row.owner_pid is None or row.owner_started is None:
        return None
    return Owner(host=row.owner_host, pid=row.owner_pid, started=row.owner_started)


def set_owner(row: Owned, owner: Owner, now: float) -> None:
    """Make a process the owner of a row, within the caller's transaction."""
    row.owner_host, row.owner_pid, row.owner_started, row.heartbeat = owner.host, owner.pid, owner.started, now


def release(row: Owned) -> None:
    """Release a row, within the caller's transaction."""
    row.owner_host = row.owner_pid = row.owner_started = None


def is_free(row: Owned | Row[Any], now: float) -> bool:
    """Return whether no living process owns a row."""
    owner = owner_of(row)
    return owner is None or not owner.is_alive(row.heartbeat, now)


class HeartbeatThread:
    """Call a function periodically in a thread, from ``start`` to ``stop``.

    Args:
        write_heartbeat: called every ``HEARTBEAT_IN_BACKGROUND``; what it raises is logged, and the next call is made.
    """

    def __init__(self, write_heartbeat: Callable[[], None]) -> None:
        self._write_heartbeat = write_heartbeat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        """Stop after a call in progress."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(HEARTBEAT_IN_BACKGROUND):
            try:
                self._write_heartbeat()
            except Exception as error:  # whatever it is, the next heartbeat may succeed, and silence would lose the run
                _log.warning("a heartbeat could not be written: %s: %s", type(error).__name__, error)


def _namespace() -> str:
    """Boot and process namespace: two containers on one machine can share its name but not its process numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return UNKNOWN


def _is_running(pid: int, started: float) -> bool:
    """Whether that very process runs and is no zombie.

    Raises:
        psutil.AccessDenied: it exists, and this user may not look at it (/proc mounted with hidepid).
    """
    try:
        starts = _starts(pid)
        ended = psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        # since 1970 in rows of earlier versions
        return not ended and any(abs(each - started) < _START_TOLERANCE for each in starts)
    except psutil.NoSuchProcess:
        _raise_if_hidden(pid)
        return False


def _starts(pid: int) -> tuple[float, float]:
    """Start of a process in seconds since 1970, by the system clock of now, and since the boot of the machine."""
    boot = psutil.boot_time()  # first: psutil before 7 computes starts with the boot time that it read last
    since_1970 = psutil.Process(pid).create_time()
    return since_1970, since_1970 - boot


def _raise_if_hidden(pid: int) -> None:
    if os.name != "posix":
        return
    try:
        os.kill(pid, 0)
    except PermissionError:
        raise psutil.AccessDenied(pid) from None
    except OSError:
        return
