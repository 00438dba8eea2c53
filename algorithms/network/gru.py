"""A GRU over sequences of different lengths, stored without padding, in PyTorch's operations.

Its two matrices may differ by mask group (``unroll_groups``). A sequence belongs to one mask group from its first step
to its last, so in group order (see ``rows.py``) every group's rows are contiguous and in time order: each slice is a
batch of sequences of its own, and no row has to move.

On a processor, in float32, the compiled passes (``kernels/agent_pass.py``) take its place.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from algorithms.network.layers import fan_in_uniform
from algorithms.network.rows import RowPermutation


class SequenceGRU(nn.Module):
    """A GRU cell run over whole sequences at once; gates in the order reset, update, new.

    The input side of all gates is one product over every row; only the recurrent side walks through time. Rows are in
    time order (see ``rows.py``): the batch of step t is the first rows of that of step t−1, so finished sequences cost
    nothing. Parameters, their shapes and initial distribution are those of ``torch.nn.GRUCell``.

    Args:
        in_features: width of the input.
        hidden_size: H.
        generator: draws the initial parameters.
    """

    def __init__(self, in_features: int, hidden_size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.hidden_size = hidden_size

        def draw(*shape: int) -> nn.Parameter:
            return nn.Parameter(fan_in_uniform(*shape, fan_in=hidden_size, generator=generator))

        self.weight_ih = draw(3 * hidden_size, in_features)
        self.weight_hh = draw(3 * hidden_size, hidden_size)
        self.bias_ih = draw(3 * hidden_size)
        self.bias_hh = draw(3 * hidden_size)

    def forward(self, x: Tensor, step_sizes: list[int], hidden: Tensor | None = None) -> Tensor:
        """Unroll over packed rows.

        Args:
            x: (R, in) inputs in time order.
            step_sizes: rows of each time step, never growing, summing to R.
            hidden: (step_sizes[0], H) state before the first step; zeros when left out. It receives no gradient.

        Returns:
            (R, H) states after each step, in time order.
        """
        return unroll(x, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, step_sizes, hidden)


def unroll(
    x: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
    step_sizes: list[int],
    hidden: Tensor | None,
) -> Tensor:
    """Compute ``SequenceGRU.forward`` with weights from elsewhere, masked ones for example."""
    if hidden is None:
        hidden = x.new_zeros(step_sizes[0], weight_hh.shape[1])
    if len(step_sizes) == 1:
        return torch.gru_cell(x, hidden.detach(), weight_ih, weight_hh, bias_ih, bias_hh)
    return _Unroll.apply(x, weight_ih, weight_hh, bias_ih, bias_hh, hidden, step_sizes)


def unroll_groups(
    parts: list[Tensor],
    weights_ih: Tensor,
    weights_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
    order: RowPermutation,
    hidden: Tensor | None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Compute the hidden states of all rows, mask group by mask group, each with its own weights.

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


class _Unroll(torch.autograd.Function):
    """The whole unroll with its own backward pass.

    Autograd would record a dozen small nodes a step and add up a weight gradient a step. Here the time loops hold only
    what depends on the step before, six operations forwards and three backwards, and every weight gradient is one
    product over all rows. ``r``, ``u`` and ``n`` are the gates; with ``y = x W_ih + h W_hh`` and biases left out:

        r, u = σ(y_r), σ(y_u)    n = tanh(x W_in + r · (h W_hn))    next h = n + u · (h − n)
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        hidden: Tensor,
        step_sizes: list[int],
    ) -> Tensor:
        """Return the states (R, H) for inputs (R, in)."""
        size = hidden.shape[1]
        both, new = slice(2 * size), slice(2 * size, 3 * size)
        gates = torch.addmm(torch.cat([bias_ih[both] + bias_hh[both], bias_ih[new]]), x, weight_ih.t())
        recurrent_new, states = (gates.new_empty(len(gates), size) for _ in range(2))
        columns = (gates[:, both], *gates.split(size, 1), recurrent_new, states)
        weight_both, weight_new, initial = weight_hh[both].t(), weight_hh[new].t(), hidden
        for ru, r, u, n, rn, state in zip(*(column.split(step_sizes) for column in columns), strict=True):
            hidden = hidden[: len(state)]
            ru.addmm_(hidden, weight_both).sigmoid_()
            torch.addmm(bias_hh[new], hidden, weight_new, out=rn)
            n.addcmul_(r, rn).tanh_()
            hidden = torch.lerp(n, hidden, u, out=state)
        ctx.save_for_backward(x, weight_ih, weight_hh, initial, gates, recurrent_new, states)
        ctx.step_sizes = step_sizes
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor, None, None]:
        """Walk back through time; the initial state is a constant and gets no gradient."""
        x, weight_ih, weight_hh, initial, gates, recurrent_new, states = ctx.saved_tensors
        sizes, size = ctx.step_sizes, states.shape[1]
        earlier = zip(states.split(sizes), sizes[1:], strict=False)
        before = torch.cat([initial, *(state[:count] for state, count in earlier)])
        r, u, n = gates.split(size, 1)
        # gradients within a step, for a gradient of one at the state after it
        d_new = (1 - u) * (1 - n * n)
        d_recurrent = torch.cat([d_new * recurrent_new * r * (1 - r), (1 - u) * u * (before - n), d_new * r], 1)
        d_states = grads[0].clone()
        steps = [d_states.split(sizes), d_recurrent.split(sizes), u.split(sizes)]
        for t in range(len(sizes) - 1, -1, -1):
            d_state, d_gates, update = (each[t] for each in steps)
            d_gates.view(-1, 3, size).mul_(d_state.unsqueeze(1))
            if t > 0:
                steps[0][t - 1][: sizes[t]].addcmul_(d_state, update).addmm_(d_gates, weight_hh)
        d_weight_hh, d_bias_hh = d_recurrent.t() @ before, d_recurrent.sum(0)
        # on the input side only the new gate differs: there the reset gate stands between input and recurrence
        d_recurrent[:, 2 * size :] = d_new.mul_(d_states)
        d_x = d_recurrent @ weight_ih if ctx.needs_input_grad[0] else None
        d_bias_ih = torch.cat([d_bias_hh[: 2 * size], d_new.sum(0)])
        return d_x, d_recurrent.t() @ x, d_weight_hh, d_bias_ih, d_bias_hh, None, None
