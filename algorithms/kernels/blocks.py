"""Which sequences are walked through time together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEQUENCE = np.dtype([("row", np.int64), ("action", np.int64), ("agent", np.int64), ("steps", np.int64)], align=True)
"""One agent's way through one episode: its first row in arrays of (B, T + 1, N, …), its first place in those of
(B, T, N), the agent's number, and how many env_steps it has."""

MOST, FEWEST, AIM = 48, 12, 24
"""Sequences of a block: at most, at least where there are enough; and how many blocks an update should have."""


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """K blocks of sequences of one mask group each, the longest first."""

    sequences: list[np.ndarray]
    """K arrays (S,) of ``SEQUENCE``, longest first"""
    counts: list[np.ndarray]
    """K arrays (T + 1,) int64: sequences that have a view at each time step"""
    groups: list[int]
    """mask group of each block"""
    first_rows: list[int]
    """where each block's rows begin when all blocks' rows lie one after the other"""
    rows: int
    """R, of all blocks"""


def make_blocks(steps: np.ndarray, views: np.ndarray, groups: np.ndarray, most_steps: int) -> Blocks:
    """Sort the sequences of a batch into blocks.

    The result depends on the batch alone, not on the machine, so sums over blocks are the same with any threads.

    Args:
        steps: (B,) env_steps of each episode.
        views: (B,) views that matter of each episode: its steps, and one more where the last view has a value.
        groups: (B, N) mask group of each agent.
        most_steps: T, the padded length.
    """
    episodes, agents = groups.shape
    episode, agent = np.divmod(np.arange(episodes * agents), agents)
    sequences = np.empty(episodes * agents, SEQUENCE)
    sequences["row"] = episode * (most_steps + 1) * agents + agent
    sequences["action"] = episode * most_steps * agents + agent
    sequences["agent"] = agent
    sequences["steps"] = steps[episode]
    length, group = views[episode], groups.reshape(-1)
    order = np.lexsort((-length, group))
    size = min(MOST, max(FEWEST, -(-len(order) // AIM // 6) * 6))
    found = []
    for number in np.unique(group):
        members = order[group[order] == number]
        pieces = -(-len(members) // size)
        each = -(-len(members) // pieces // 6) * 6  # whole tiles
        found += [(int(number), members[start : start + each]) for start in range(0, len(members), each)]
    found.sort(key=lambda block: -int(length[block[1]].sum()))
    counts = [(length[part][None, :] > np.arange(most_steps + 1)[:, None]).sum(1) for _, part in found]
    sizes = [int(each.sum()) for each in counts]
    return Blocks(
        sequences=[sequences[part] for _, part in found],
        counts=counts,
        groups=[number for number, _ in found],
        first_rows=np.cumsum([0, *sizes[:-1]]).tolist(),
        rows=sum(sizes),
    )
