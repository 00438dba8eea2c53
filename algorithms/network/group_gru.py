"""A GRU whose two matrices differ by mask group: each group's sequences are unrolled with its own weights.

A sequence belongs to one mask group from its first step to its last, so in group order (see ``rows.py``) every group's
rows are contiguous and in time order: each slice is a batch of sequences of its own, and no row has to move.
"""

from __future__ import annotations

import torch
from torch import Tensor

from algorithms.network.gru import unroll
from algorithms.network.rows import RowPermutation


def unroll_groups(
    parts: list[Tensor],
    weights_ih: Tensor,
    weights_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
    order: RowPermutation,
    hidden: Tensor | None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Compute the hidden states of all rows, mask group by mask group.

    Args:
        parts: G tensors (R_g, in).
        weights_ih: (G, 3H, in).
        weights_hh: (G, 3H, H).
        bias_ih: (3H,), shared by all groups, or (G, 3H).
        bias_hh: likewise.
        order: row tables of the batch.
        hidden: (rows of the first step, H) in time order; zeros when left out.

    Returns:
        G tensors (R_g, H) of states after each row, and G tensors (R_g, H) of states before it, without gradient.
    """
    sizes = order.group_step_sizes
    starts = _starts(parts, sizes, order, hidden, weights_hh.shape[2])
    biases_ih, biases_hh = (bias.expand(len(parts), -1).unbind(0) for bias in (bias_ih, bias_hh))
    after, before = [], []
    for part, w_ih, w_hh, b_ih, b_hh, steps, start in zip(
        parts, weights_ih.unbind(0), weights_hh.unbind(0), biases_ih, biases_hh, sizes, starts, strict=True
    ):
        # a group that nobody in the batch belongs to has no step to unroll
        states = unroll(part, w_ih, w_hh, b_ih, b_hh, steps, start) if steps else start
        after.append(states)
        earlier = states.detach().split(steps)
        before.append(torch.cat([start, *(rows[:count] for rows, count in zip(earlier, steps[1:], strict=False))]))
    return after, before


def _starts(
    parts: list[Tensor], sizes: list[list[int]], order: RowPermutation, hidden: Tensor | None, hidden_size: int
) -> list[Tensor]:
    """Each group's states before the first step."""
    first = [steps[0] if steps else 0 for steps in sizes]
    if hidden is None:
        return [part.new_zeros(count, hidden_size) for part, count in zip(parts, first, strict=True)]
    if order.to_group is not None:
        hidden = hidden[order.to_group[order.to_group < order.step_sizes[0]]]
    return list(hidden.split(first))
