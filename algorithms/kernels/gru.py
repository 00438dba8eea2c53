"""A GRU over sequences of different lengths, stored without padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from algorithms.kernels.matmul import ROWS, chunked_matmul, chunked_weight_grad
from algorithms.q_learning.layers import fan_in_uniform


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
    if len(step_sizes) == 1 and len(x) < ROWS:
        # acting: one call, in half the time of the operations below; many rows are faster by ``chunked_matmul``
        return torch.gru_cell(x, hidden.detach(), weight_ih, weight_hh, bias_ih, bias_hh)
    return _Unroll.apply(x, weight_ih, weight_hh, bias_ih, bias_hh, hidden, step_sizes)


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
        # without a backward pass to come, every step may overwrite what the one before leaves behind
        keep = any(ctx.needs_input_grad)
        gates = chunked_matmul(x, weight_ih.t(), torch.cat([bias_ih[both] + bias_hh[both], bias_ih[new]]))
        recurrent_new = gates.new_empty(len(gates) if keep else step_sizes[0], size)
        states = gates.new_empty(len(gates), size)
        columns = (gates[:, both], gates[:, :size], gates[:, size : 2 * size], gates[:, new], states)
        recurrent = recurrent_new.split(step_sizes) if keep else [recurrent_new[:count] for count in step_sizes]
        weight_both, weight_new, initial = weight_hh[both].t(), weight_hh[new].t(), hidden
        for ru, r, u, n, state, rn in zip(*(c.split(step_sizes) for c in columns), recurrent, strict=True):
            hidden = hidden[: len(state)]
            ru.addmm_(hidden, weight_both).sigmoid_()
            torch.addmm(bias_hh[new], hidden, weight_new, out=rn)
            tanh_(n.addcmul_(r, rn))
            hidden = torch.lerp(n, hidden, u, out=state)
        ctx.save_for_backward(x, weight_ih, weight_hh, initial, gates, recurrent_new, states)
        ctx.step_sizes = step_sizes
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor, Tensor, Tensor, Tensor, None, None]:
        """Walk back through time; the initial state is a constant and gets no gradient."""
        x, weight_ih, weight_hh, initial, gates, recurrent_new, states = ctx.saved_tensors
        sizes, size = ctx.step_sizes, states.shape[1]
        before = zip(states.split(sizes), sizes[1:], strict=False)
        previous = torch.cat([initial, *(state[:count] for state, count in before)])
        d_recurrent, d_new = _local_gradients(gates, recurrent_new, previous)
        d_states = grads[0].clone()
        steps = [d_states.split(sizes), d_recurrent.split(sizes), gates[:, size : 2 * size].split(sizes)]
        for t in range(len(sizes) - 1, -1, -1):
            d_state, d_gates, u = (each[t] for each in steps)
            d_gates.view(-1, 3, size).mul_(d_state.unsqueeze(1))
            if t > 0:
                steps[0][t - 1][: sizes[t]].addcmul_(d_state, u).addmm_(d_gates, weight_hh)
        d_weight_hh, d_bias_hh = chunked_weight_grad(d_recurrent, previous), d_recurrent.sum(0)
        # on the input side only the new gate differs: there the reset gate stands between input and recurrence
        d_recurrent[:, 2 * size :] = d_new.mul_(d_states)
        d_x = chunked_matmul(d_recurrent, weight_ih) if ctx.needs_input_grad[0] else None
        d_bias_ih = torch.cat([d_bias_hh[: 2 * size], d_new.sum(0)])
        return d_x, chunked_weight_grad(d_recurrent, x), d_weight_hh, d_bias_ih, d_bias_hh, None, None


_MINUS_ONE = torch.tensor(-1.0)


def tanh_(x: Tensor) -> Tensor:
    """Replace x, of any shape, by its tanh; on a CPU as ``2σ(2x) − 1``, three to five times as fast as PyTorch's tanh.

    Within 2⁻²² of it: what is lost are digits of values near 0, which no sum of gates would keep.
    """
    if x.device.type != "cpu":
        return x.tanh_()
    return torch.add(_MINUS_ONE, x.mul_(2).sigmoid_(), alpha=2, out=x)


def _local_gradients(gates: Tensor, recurrent_new: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients within a step, for a gradient of one at the state after it.

    Args:
        gates: (R, 3H) r, u, n.
        recurrent_new: (R, H) the recurrent part of the new gate, before r.
        previous: (R, H) states before the step.

    Returns:
        (R, 3H) of the recurrent sums behind r, u and n, and (R, H) of the sum inside n's tanh.
    """
    size = previous.shape[1]
    d_recurrent, d_new = torch.empty_like(gates), torch.empty_like(previous)
    # a few rows at a time, so that the dozen passes over them find them in the cache
    chunks = (each.split(_CACHED_ROWS) for each in (gates, recurrent_new, previous, d_recurrent, d_new))
    for gate, rn, h, d_gate, d_n in zip(*chunks, strict=True):
        (r, u, n), (d_r, d_u, d_rn) = gate.split(size, 1), d_gate.split(size, 1)
        kept = 1 - u
        torch.addcmul(kept, kept, n * n, value=-1, out=d_n)
        torch.mul(d_n, r, out=d_rn)
        torch.mul(d_rn, rn, out=d_r).mul_(1 - r)
        torch.mul(kept.mul_(u), h - n, out=d_u)
    return d_recurrent, d_new


_CACHED_ROWS = 1024
