"""Gated weights whose every entry learns, kept or dropped (SR-STE).

Zhou et al., "Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch", ICLR 2021 (arXiv 2102.04010).
Dropped weights receive the gradient of their place as if they were kept, and a decay that keeps them from drifting.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def straight_through(weight: Tensor, gate: Tensor, decay: float) -> Tensor:
    """Return ``weight · gate`` with SR-STE's gradient.

    The weight's gradient is that of the products, summed over mask groups without the gate, plus ``decay · weight``
    where every group's gate is 0. The gate's gradient is the true one.

    Args:
        weight: (out, in), shared by the mask groups.
        gate: (K, out, in), 0 where a group drops the weight.
        decay: λ_w; 0 is the plain straight-through estimator.

    Returns:
        (K, out, in).
    """
    return _StraightThrough.apply(weight, gate, decay)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, gate: Tensor, decay: float) -> Tensor:
        ctx.save_for_backward(weight, gate)
        ctx.decay = decay
        return weight * gate

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        weight, gate = ctx.saved_tensors
        d_weight = grads[0].sum(0) + ctx.decay * weight * (gate == 0).all(0)
        return d_weight, grads[0] * weight if ctx.needs_input_grad[1] else None, None
