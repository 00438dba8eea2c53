"""Load of other processes while this one works: without it a speed says nothing."""

from __future__ import annotations

import time

import psutil

LOADED = 0.25
"""Cores of other processes from which a reading counts as made under load."""


class LoadOfOthers:
    """Cores that other processes keep busy from now on; everything that the system does but this process."""

    def __init__(self) -> None:
        self._begun, self._busy, self._own = time.perf_counter(), *_cpu_seconds()

    def cores(self) -> float:
        """Return their mean number so far, 0 or more."""
        busy, own = _cpu_seconds()
        passed = max(time.perf_counter() - self._begun, 1e-9)
        return max(0.0, (busy - self._busy - (own - self._own)) / passed)


def _cpu_seconds() -> tuple[float, float]:
    """Seconds that all cores together were busy since the system's start, and those of this process."""
    all_cores, own = psutil.cpu_times(), psutil.Process().cpu_times()
    idle = all_cores.idle + getattr(all_cores, "iowait", 0.0)
    guests = getattr(all_cores, "guest", 0.0) + getattr(all_cores, "guest_nice", 0.0)  # part of user and nice
    return sum(all_cores) - idle - guests - getattr(all_cores, "steal", 0.0), own.user + own.system
