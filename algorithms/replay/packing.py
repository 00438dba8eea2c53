"""Episodes as compact bytes, and the blocks of memory that hold many of them end to end.

Most numbers of an observation or a state are zero: units that are dead, out of sight, or of another type. So only the
non-zero entries of both are kept, each with its column, and everything else in the narrowest format that holds it.
Nothing is rounded: what is unpacked equals what was packed bit for bit.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from algorithms.episode import Episode

BLOCK_BYTES = 32 * 2**20
"""Memory of one block: some tens to some hundreds of episodes."""
_ALIGNMENT = 8


class PackedSize(NamedTuple):
    """The counts that decide how many bytes an episode takes."""

    steps: int
    """L"""
    obs_values: int
    """non-zero entries of all its observations"""
    state_values: int
    """non-zero entries of all its states"""


@dataclass(frozen=True, kw_only=True)
class EpisodeLayout:
    """What the bytes of a packed episode mean; one layout serves all episodes of a world."""

    n_agents: int
    n_actions: int
    obs_width: int
    """N · D"""
    state_width: int
    """S"""

    @classmethod
    def of(cls, episode: Episode) -> EpisodeLayout:
        """Return the layout for this episode's world."""
        _, n_agents, n_actions = episode.action_mask.shape
        return cls(
            n_agents=n_agents,
            n_actions=n_actions,
            obs_width=n_agents * episode.obs.shape[2],
            state_width=episode.state.shape[1],
        )

    def pack(self, episode: Episode) -> tuple[PackedSize, dict[str, np.ndarray]]:
        """Take an episode apart into the arrays of ``views``."""
        steps = len(episode.reward)
        arrays = {
            "reward": episode.reward,
            "unit_type": episode.unit_type,
            "actions": episode.actions,
            "action_mask": episode.action_mask,
            "ending": np.array([episode.terminated, episode.truncated]),
        }
        for name, matrix in (("obs", episode.obs), ("state", episode.state)):
            flat = np.ascontiguousarray(matrix, np.float32).reshape(steps + 1, -1)
            kept = flat.view(np.uint32) != 0  # by its bits, so that a negative zero is kept as well
            row, arrays[f"{name}_columns"] = np.nonzero(kept)
            arrays[f"{name}_values"] = flat[kept]
            arrays[f"{name}_counts"] = np.bincount(row, minlength=steps + 1)
        return PackedSize(steps, len(arrays["obs_values"]), len(arrays["state_values"])), arrays

    def views(self, memory: np.ndarray, size: PackedSize) -> dict[str, np.ndarray]:
        """Return the arrays of an episode where they lie in its ``nbytes(size)`` bytes of memory."""
        found, start = {}, 0
        for name, kind, shape in self._arrays(size):
            stop = start + kind.itemsize * math.prod(shape)
            found[name] = memory[start:stop].view(kind).reshape(shape)
            start = stop
        return found

    def nbytes(self, size: PackedSize) -> int:
        """Return the bytes of an episode."""
        return sum(kind.itemsize * math.prod(shape) for _, kind, shape in self._arrays(size))

    def _arrays(self, size: PackedSize) -> list[tuple[str, np.dtype, tuple[int, ...]]]:
        """Name, format and shape of each array in the order of the bytes: wide formats first, so that all align."""
        steps, n = size.steps, self.n_agents
        real, small, truth = np.dtype(np.float32), np.dtype(np.int16), np.dtype(np.bool_)
        # holds any column and any number of values in a row
        index = np.dtype(np.uint16 if max(self.obs_width, self.state_width) < 2**16 else np.uint32)
        return [
            ("obs_values", real, (size.obs_values,)),
            ("state_values", real, (size.state_values,)),
            ("reward", real, (steps,)),
            ("obs_columns", index, (size.obs_values,)),
            ("state_columns", index, (size.state_values,)),
            ("obs_counts", index, (steps + 1,)),
            ("state_counts", index, (steps + 1,)),
            ("unit_type", small, (n,)),
            ("actions", small, (steps, n)),
            ("action_mask", truth, (steps + 1, n, self.n_actions)),
            ("ending", truth, (2,)),
        ]


@dataclass
class _Block:
    memory: np.ndarray
    records: int = 0
    """that have not left"""


class BlockQueue:
    """Memory for records of any size that leave in the order they came.

    Records lie end to end in large blocks. A block whose records have all left is used again, so a queue that stays
    about as full as it is takes no more memory from the system and leaves no holes in it.

    Args:
        block_bytes: size of a block; a record that is larger gets a block of its own size.
    """

    def __init__(self, block_bytes: int = BLOCK_BYTES) -> None:
        self._block_bytes = block_bytes
        self._blocks: deque[_Block] = deque()
        """the oldest first; the last one is being filled, and no other is empty"""
        self._spare: list[np.ndarray] = []
        self._used = 0
        """bytes of the last block"""

    @property
    def nbytes(self) -> int:
        """Memory of all blocks."""
        return sum(block.memory.nbytes for block in self._blocks) + sum(memory.nbytes for memory in self._spare)

    def append(self, nbytes: int) -> np.ndarray:
        """Make room for a record and return it, (nbytes,) uint8 of unspecified content."""
        if not self._blocks or self._used + nbytes > self._blocks[-1].memory.nbytes:
            self._open(nbytes)
        block = self._blocks[-1]
        record = block.memory[self._used : self._used + nbytes]
        block.records += 1
        self._used += nbytes + -nbytes % _ALIGNMENT
        return record

    def popleft(self) -> None:
        """Give up the oldest record; its memory may be handed out again."""
        oldest = self._blocks[0]
        oldest.records -= 1
        if oldest.records == 0:
            self._spare.append(self._blocks.popleft().memory)

    def _open(self, nbytes: int) -> None:
        """Begin a block that the record fits in."""
        large_enough = (number for number, memory in enumerate(self._spare) if memory.nbytes >= nbytes)
        number = next(large_enough, None)
        memory = np.empty(max(nbytes, self._block_bytes), np.uint8) if number is None else self._spare.pop(number)
        self._blocks.append(_Block(memory))
        self._used = 0
