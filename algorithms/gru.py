"""A GRU over sequences of different lengths, stored without padding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.layers import fan_in_uniform


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
        if hidden is None:
            hidden = x.new_zeros(step_sizes[0], self.hidden_size)
        gates = F.linear(x, self.weight_ih, self.bias_ih)
        return _Recurrence.apply(gates, self.weight_hh, self.bias_hh, hidden, step_sizes)


class _Recurrence(torch.autograd.Function):
    """The recurrent half with its own backward pass.

    Autograd would record a dozen small nodes a step and add up a weight gradient a step; here the weight gradient is
    one product over all rows, and what does not depend on the incoming gradient is computed for all rows at once.
    """

    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, weight: Tensor, bias: Tensor, hidden: Tensor, step_sizes: list[int]
    ) -> Tensor:
        """Return all hidden states (R, H) for input-side gates (R, 3H)."""
        size = hidden.shape[1]
        rows = gates.shape[0]
        states, previous, new, recurrent_new = (gates.new_empty(rows, size) for _ in range(4))
        reset_update = gates.new_empty(rows, 2 * size)
        start = 0
        for count in step_sizes:
            at = slice(start, start + count)
            hidden = previous[at].copy_(hidden[:count])
            recurrent = torch.addmm(bias, hidden, weight.t())
            ru = torch.add(gates[at, : 2 * size], recurrent[:, : 2 * size], out=reset_update[at]).sigmoid_()
            rn = recurrent_new[at].copy_(recurrent[:, 2 * size :])
            n = torch.addcmul(gates[at, 2 * size :], ru[:, :size], rn, out=new[at]).tanh_()
            hidden = torch.lerp(n, hidden, ru[:, size:], out=states[at])
            start += count
        ctx.save_for_backward(weight, previous, reset_update, new, recurrent_new)
        ctx.step_sizes = step_sizes
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Walk back through time; the initial state is a constant and gets no gradient."""
        weight, previous, reset_update, new, recurrent_new = ctx.saved_tensors
        size = previous.shape[1]
        reset, update = reset_update.split(size, dim=1)
        # d(pre-activation of each gate) per unit of d(state), for all rows at once
        to_new = (1 - update) * (1 - new * new)
        to_update = (previous - new) * update * (1 - update)
        to_reset = recurrent_new * reset * (1 - reset)
        d_gates = torch.empty(previous.shape[0], 3 * size, dtype=new.dtype, device=new.device)
        d_recurrent = torch.empty_like(d_gates)
        end = previous.shape[0]
        carried = previous.new_zeros(0, size)
        for count in reversed(ctx.step_sizes):
            at = slice(end - count, end)
            d_state = grads[0][at].clone()
            d_state[: carried.shape[0]] += carried
            d_new = torch.mul(d_state, to_new[at], out=d_gates[at, 2 * size :])
            torch.mul(d_state, to_update[at], out=d_gates[at, size : 2 * size])
            torch.mul(d_new, to_reset[at], out=d_gates[at, :size])
            step = d_recurrent[at]
            step[:, : 2 * size] = d_gates[at, : 2 * size]
            torch.mul(d_new, reset[at], out=step[:, 2 * size :])
            carried = torch.addcmul(step @ weight, d_state, update[at])
            end -= count
        return d_gates, d_recurrent.t() @ previous, d_recurrent.sum(0), None, None
