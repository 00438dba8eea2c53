"""Real rows only: where each agent's view of a padded batch lies once padding is dropped and unit types are sorted.

Two orders of the same R = V·N rows (V real views of all episodes, N agents) are used:
    *time order*: step by step, longest episode first, agents innermost, so that the GRU's batch only ever shrinks;
    *group order*: mask group by mask group, so that each group's rows are contiguous.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class RowPermutation:
    """Index tables of one batch; with a single group both orders are the same and need no table."""

    views: Tensor
    """(V,) int64: each view, in time order, as an index into the flattened (B, T+1) axes"""
    rows: Tensor
    """(R,) int64: each row, in group order, as an index into the flattened (B, T+1, N) axes"""
    step_sizes: list[int]
    """rows of each time step, never growing"""
    group_sizes: list[int]
    """rows of each mask group"""
    group_step_sizes: list[list[int]]
    """for each mask group, its rows at each time step, as long as it has any"""
    to_group: Tensor | None = None
    """(R,) int64: group-ordered row i is time-ordered row ``to_group[i]``"""
    to_time: Tensor | None = None
    """(R,) int64: the inverse of ``to_group``"""

    def to_group_order(self, x: Tensor) -> Tensor:
        """Bring (R, …) from time order to group order."""
        return x if self.to_group is None else Reorder.apply(x, self.to_group, self.to_time)

    def to(self, device: torch.device) -> RowPermutation:
        """Return the same tables on a device; a GPU is not waited for."""
        if self.views.device == device:
            return self
        tables = {name: getattr(self, name) for name in ("views", "rows", "to_group", "to_time")}
        moved = {name: table.to(device, non_blocking=True) for name, table in tables.items() if table is not None}
        return dataclasses.replace(self, **moved)

    def to_time_order(self, x: Tensor) -> Tensor:
        """Bring (R, …) from group order to time order."""
        return x if self.to_group is None else Reorder.apply(x, self.to_time, self.to_group)


@dataclass(frozen=True, kw_only=True)
class PackedBatch:
    """The real part of a batch, as a learner works through it: R rows in group order, V views in time order."""

    order: RowPermutation
    inputs: Tensor
    """(R, D + A + N) of the agent network"""
    action_mask: Tensor
    """(R, A) bool"""
    action: Tensor
    """(R, 1) int64 taken in this view, 0 in the last one"""
    state: Tensor
    """(V, S)"""
    is_step: Tensor
    """(V,) float: 1 where an action followed, 0 in an episode's last view"""
    living: Tensor
    """(R,) float: 1 where the agent is alive, 0 where action 0 is all it may do and that means dead"""
    living_steps: Tensor
    """(R,) float: 1 where a living agent's action followed"""


class Reorder(torch.autograd.Function):
    """Permute rows; the backward pass permutes back, where autograd's own would scatter and add."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        """Return ``x[index]``."""
        ctx.save_for_backward(inverse)
        return x.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Return the gradient in the old order."""
        (inverse,) = ctx.saved_tensors
        return grads[0].index_select(0, inverse), None, None


def order_rows(lengths: Tensor, groups: Tensor, n_groups: int, views_per_episode: int) -> RowPermutation:
    """Find the real rows of a padded batch in both orders.

    Args:
        lengths: (B,) int64, real views of each episode, 1..views_per_episode.
        groups: (B, N) int64, mask group of each agent, 0..n_groups−1.
        n_groups: G.
        views_per_episode: T+1, the padded length.

    Returns:
        The index tables, on the device of ``lengths``; best the CPU, since sizes are read from them.
    """
    n_agents = groups.shape[1]
    longest_first = torch.argsort(lengths, descending=True, stable=True)
    steps = torch.arange(views_per_episode, device=lengths.device)
    real = steps[:, None] < lengths[longest_first]  # (T+1, B): step by step, longest first
    step, rank = real.nonzero(as_tuple=True)
    episode = longest_first[rank]
    views = episode * views_per_episode + step
    step_sizes = [size * n_agents for size in real.sum(1).tolist() if size]
    rows = (views[:, None] * n_agents + torch.arange(n_agents, device=lengths.device)).flatten()
    if n_groups == 1:
        return RowPermutation(
            views=views,
            rows=rows,
            step_sizes=step_sizes,
            group_sizes=[rows.numel()],
            group_step_sizes=[step_sizes],
        )
    group_of_row = groups[episode].flatten()
    to_group = torch.argsort(group_of_row, stable=True)
    to_time = torch.empty_like(to_group)
    to_time[to_group] = torch.arange(to_group.numel(), device=lengths.device)
    cell = group_of_row * views_per_episode + step.repeat_interleave(n_agents)
    counts = torch.bincount(cell, minlength=n_groups * views_per_episode).view(n_groups, -1)
    return RowPermutation(
        views=views,
        rows=rows[to_group],
        step_sizes=step_sizes,
        group_sizes=counts.sum(1).tolist(),
        group_step_sizes=[[size for size in sizes if size] for sizes in counts.tolist()],
        to_group=to_group,
        to_time=to_time,
    )
