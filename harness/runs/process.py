"""Settings of this process that decide how fast and how repeatable training is, made once before it begins."""

from __future__ import annotations

import ctypes
import os

import numba
import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h
_NEVER = 2**31 - 1


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
    torch.use_deterministic_algorithms(deterministic)
    # reading memory before writing it would be a fault of ours, filling it first costs time in every operation
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def keep_freed_memory() -> bool:
    """Tell malloc to hand freed memory out again instead of returning it to the system; whether it understood.

    An update frees and takes some hundred MB. By default glibc returns them each time, and the system fills every page
    with zeros again when it is next touched: about a tenth of an update. Elsewhere than on glibc nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return mallopt(_M_MMAP_MAX, 0) == 1 and mallopt(_M_TRIM_THRESHOLD, _NEVER) == 1


def keep_torch_threads() -> None:
    """Start numba's threads now, with torch's number of threads as it is: numba would set it to its own at that moment.

    Otherwise ``OMP_NUM_THREADS=1`` would hold until the engine's first step, and two processes of one machine could
    round differently.
    """
    threads = torch.get_num_threads()
    numba.set_num_threads(numba.get_num_threads())  # launches them
    torch.set_num_threads(threads)
