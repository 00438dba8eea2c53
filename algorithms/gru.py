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
    """``SequenceGRU.forward`` with weights from elsewhere, masked ones for example."""
    if hidden is None:
        hidden = x.new_zeros(step_sizes[0], weight_hh.shape[1])
    return _Recurrence.apply(F.linear(x, weight_ih, bias_ih), weight_hh, bias_hh, hidden, step_sizes)


class _Recurrence(torch.autograd.Function):
    """The recurrent half with its own backward pass.

    Autograd would record a dozen small nodes a step and add up a weight gradient a step. Here the weight gradient is
    one product over all rows, and each step's elementwise work stays in buffers small enough for the cache.
    """

    @staticmethod
    def forward(ctx: Any, gates: Tensor, weight: Tensor, bias: Tensor, hidden: Tensor, step_sizes: list[int]) -> Tensor:
        """Return all hidden states (R, H) for input-side gates (R, 3H)."""
        rows, size = gates.shape[0], hidden.shape[1]
        states = gates.new_empty(rows, size)
        # without a backward pass to come, every step may overwrite the intermediate values of the one before
        keep = any(ctx.needs_input_grad)
        held = rows if keep else step_sizes[0]
        previous, new, recurrent_new = (gates.new_empty(held, size) for _ in range(3))
        reset_update = gates.new_empty(held, 2 * size)
        start = 0
        for count in step_sizes:
            at = slice(start, start + count)
            to = at if keep else slice(count)
            hidden = previous[to].copy_(hidden[:count])
            recurrent = torch.addmm(bias, hidden, weight.t())
            ru = torch.add(gates[at, : 2 * size], recurrent[:, : 2 * size], out=reset_update[to]).sigmoid_()
            rn = recurrent_new[to].copy_(recurrent[:, 2 * size :])
            n = torch.addcmul(gates[at, 2 * size :], ru[:, :size], rn, out=new[to]).tanh_()
            hidden = torch.lerp(n, hidden, ru[:, size:], out=states[at])
            start += count
        ctx.save_for_backward(weight, previous, reset_update, new, recurrent_new)
        ctx.step_sizes = step_sizes
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Walk back through time; the initial state is a constant and gets no gradient."""
        weight, previous, reset_update, new, recurrent_new = ctx.saved_tensors
        d_states = grads[0]
        rows, size = previous.shape
        weight_ru, weight_n = weight[: 2 * size], weight[2 * size :]
        d_gates = previous.new_empty(rows, 3 * size)
        d_recurrent_new = previous.new_empty(rows, size)
        # gradient of the state before the step; sequences join as the walk reaches their last step
        carried = previous.new_zeros(ctx.step_sizes[0], size)
        end = rows
        for count in reversed(ctx.step_sizes):
            at = slice(end - count, end)
            reset, update, n = reset_update[at, :size], reset_update[at, size:], new[at]
            d_state = carried[:count].add_(d_states[at])
            kept = d_state * update
            d_new = _tanh_backward(d_state - kept, n, grad_input=d_gates[at, 2 * size :])
            _sigmoid_backward((previous[at] - n).mul_(d_state), update, grad_input=d_gates[at, size : 2 * size])
            _sigmoid_backward(d_new * recurrent_new[at], reset, grad_input=d_gates[at, :size])
            d_rn = torch.mul(d_new, reset, out=d_recurrent_new[at])
            torch.addmm(kept, d_gates[at, : 2 * size], weight_ru, out=d_state).addmm_(d_rn, weight_n)
            end -= count
        d_ru = d_gates[:, : 2 * size]
        d_weight = torch.cat([d_ru.t() @ previous, d_recurrent_new.t() @ previous])
        d_bias = torch.cat([d_ru.sum(0), d_recurrent_new.sum(0)])
        return d_gates, d_weight, d_bias, None, None


_tanh_backward = torch.ops.aten.tanh_backward.grad_input
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
