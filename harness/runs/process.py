"""This process: its device, how fast and how repeatable it computes, and the load of others beside it."""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import suppress

import numba
import psutil
import torch

from harness.cli.errors import UsageError

_M_MMAP_THRESHOLD = -3  # name and number of glibc's malloc.h
_LARGE = 2**20


def prepare_process(*, deterministic: bool) -> None:
    """Make the allocator fit, and choose between fast and repeatable operations.

    Args:
        deterministic: use only operations that give the same bits each time on one machine with the same number of
            threads; one that cannot raises instead.
    """
    keep_freed_memory()
    keep_torch_threads()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA's products are first used
    if deterministic != torch.are_deterministic_algorithms_enabled():  # the call itself imports torch's compiler: 2 s
        torch.use_deterministic_algorithms(deterministic)
    # reading memory before writing it would be a fault of ours, filling it first costs time in every operation
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def keep_freed_memory() -> None:
    """Tell malloc to keep small freed memory and to return large pieces at once.

    By default glibc raises the size of what counts as large while a run goes on, so that freed batches stay in pieces
    among living memory, and the process grows. Elsewhere than on glibc nothing is done.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def keep_torch_threads() -> None:
    """Start numba's threads now, with torch's number of threads as it is: numba would set it to its own at that moment.

    Otherwise ``OMP_NUM_THREADS=1`` would hold until the engine's first step, and two processes of one machine could
    round differently.
    """
    threads = torch.get_num_threads()
    numba.set_num_threads(numba.get_num_threads())  # launches them
    torch.set_num_threads(threads)


def parse_device(name: str) -> torch.device:
    """Read the name of a processor or a card, which need not be there.

    Raises:
        UsageError: it is neither.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown --device {name!r}; use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"--device {name!r} is not supported; use auto, cpu, cuda or cuda:N")
    return device


def resolve_device(name: str) -> str:
    """``auto`` becomes ``cuda`` where a device is there, else ``cpu``.

    Raises:
        UsageError: no such device.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    device = parse_device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {name!r}: PyTorch sees {torch.cuda.device_count()} CUDA devices here; use --device cpu"
        )
    return name


LOADED = 0.25
"""Cores of other processes from which a reading counts as made under load."""


class LoadOfOthers:
    """Cores that everything but this process keeps busy from now on; without that a speed says nothing."""

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
