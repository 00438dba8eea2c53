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
from numpy.typing import DTypeLike, NDArray

from envs.spec import EnvSpec

Layout = dict[str, tuple[tuple[int, ...], str]]
"""Name -> shape and type of an array."""
ALIGNMENT = 64
"""Bytes of a cache line; no two arrays share one."""
IN_RAM = Path("/dev/shm")


def layout(spec: EnvSpec, num_envs: int) -> Layout:
    """Every array of ``envs.protocol.BatchedEnv``, and the actions on their way to the workers."""
    e, n = num_envs, spec.n_agents
    shapes: dict[str, tuple[tuple[int, ...], DTypeLike]] = {}
    for prefix in ("", "final_"):
        shapes |= {
            f"{prefix}obs": ((e, n, spec.obs_size), np.float32),
            f"{prefix}state": ((e, spec.state_size), np.float32),
            f"{prefix}action_mask": ((e, n, spec.n_actions), np.bool_),
        }
    flags = ("terminated", "truncated", "battle_won", "battle_lost", "aborted")
    shapes |= dict.fromkeys(flags, ((e,), np.bool_))
    shapes |= dict.fromkeys(("dead_allies", "dead_enemies", "battle_id"), ((e,), np.int64))
    shapes |= {
        "reward": ((e,), np.float32),
        "max_reward": ((e,), np.float64),
        "unit_type": ((e, n), np.int64),
        "actions": ((e, n), np.int64),
    }
    return {name: (shape, np.dtype(kind).str) for name, (shape, kind) in shapes.items()}


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
