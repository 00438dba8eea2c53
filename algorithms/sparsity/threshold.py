"""Kaleidoscope's masked layer: one shared weight, one learnable threshold per mask group and entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.network.layers import GroupLinear
from algorithms.sparsity.resets import put_fresh, reset_weights


@dataclass(frozen=True, kw_only=True)
class ThresholdInit:
    """Where raw thresholds start: −(bias + scale · U[0, 1])."""

    scale: float
    bias: float

    def draw(self, *shape: int, generator: torch.Generator) -> Tensor:
        """Draw raw thresholds; far below zero, so that almost nothing is masked at first."""
        return -(self.bias + self.scale * torch.rand(*shape, generator=generator))


class KaleiLinear(GroupLinear):
    """``W_k = sign(W) · relu(|W| − sigmoid(s_k))``: small weights of each group become exact zeros.

    Args:
        in_features, out_features: as of ``GroupLinear``.
        n_groups: K, masks kept.
        init: distribution of the raw thresholds at the start.
        generator: draws weight, bias and thresholds.
        reset: distribution of the raw thresholds of weights that are reset; None: ``init``.

    Source: Li et al., Kaleidoscope, NeurIPS 2024; repository LXXXXR/Kaleidoscope, folder Kalei_SMACv2.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        n_groups: int,
        init: ThresholdInit,
        generator: torch.Generator,
        *,
        reset: ThresholdInit | None = None,
    ) -> None:
        super().__init__(in_features, out_features, generator)
        self.reset = reset or init
        self.thresholds = nn.Parameter(init.draw(n_groups, out_features, in_features, generator=generator))

    def effective_weights(self) -> Tensor:
        """Return shrunk weights (K, out, in), differentiable in the weight and the thresholds."""
        return self.weight.sign() * F.relu(self.weight.abs() - self.thresholds.sigmoid())

    def weighted_masks(self) -> Tensor:
        """Return masks (K, out, in) of 0 and 1 times |W|; only thresholds get a gradient, straight through."""
        magnitude = self.weight.detach().abs()
        mask: Tensor = _SquashedStep.apply(magnitude - self.thresholds.sigmoid())
        return mask * magnitude

    @torch.no_grad()
    def reset_unused(self, ratio: float, generator: torch.Generator) -> int:
        """Redraw a random share of the weights that every group masks, and their thresholds.

        Args:
            ratio: probability that such a weight resets, 0..1.
            generator: draws the choice and the fresh values.

        Returns:
            How many weights reset.
        """
        chosen = reset_weights(self, (self.effective_weights() == 0).all(0), ratio, generator)
        put_fresh(self.thresholds, chosen, self.reset.draw(*self.thresholds.shape, generator=generator))
        return int(chosen.sum())


class _SquashedStep(torch.autograd.Function):
    """1 where the input is positive, else 0; the gradient passes through tanh, so that no entry gets more than 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return grads[0].tanh()
