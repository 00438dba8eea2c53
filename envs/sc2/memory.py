"""The arrays of a batch in memory that the batch and its workers share.

The memory is a file without a name, kept in RAM where the system has a folder for that; a worker inherits its number.
So nothing is left behind however the processes end, which named segments are.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from envs.batch import Layout, layout
from envs.spec import EnvSpec

ALIGNMENT = 64
"""Bytes of a cache line; no two arrays share one."""
IN_RAM = Path("/dev/shm")


def shared_layout(spec: EnvSpec, num_envs: int) -> Layout:
    """Every array of a batch, the return of a flawless battle, and the actions on their way to the workers."""
    actions = (num_envs, spec.n_agents)
    return layout(spec, num_envs) | {"max_reward": ((num_envs,), np.float64), "actions": (actions, np.int64)}


def allocate(arrays: Layout) -> tuple[int, dict[str, NDArray]]:
    """New memory, all zero.

    Returns:
        The number of the file, for a worker to inherit and the caller to close, and the arrays.
    """
    with tempfile.TemporaryFile(dir=IN_RAM if IN_RAM.is_dir() else None) as file:
        number = os.dup(file.fileno())
    os.ftruncate(number, _places(arrays)[1])
    return number, attach(number, arrays)


def attach(number: int, arrays: Layout) -> dict[str, NDArray]:
    """The arrays in the memory behind this file number; they keep it alive."""
    places, size = _places(arrays)
    memory = mmap.mmap(number, size)
    return {name: np.ndarray(shape, np.dtype(kind), memory, places[name]) for name, (shape, kind) in arrays.items()}


def _places(arrays: Layout) -> tuple[dict[str, int], int]:
    places, size = {}, 0
    for name, (shape, kind) in arrays.items():
        places[name] = size
        size += -(-int(np.prod(shape)) * np.dtype(kind).itemsize // ALIGNMENT) * ALIGNMENT
    return places, max(size, 1)
