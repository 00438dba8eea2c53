"""K24's control for learned masks: 2:4 masks drawn at random before training, one per mask group, never changed.

The difference to ``k24`` is that of learned masks and the straight-through gradient together (``k24-magnitude`` has the
gradient without α); the difference to ``qmix`` is what the capacity lost to 2:4 costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.network.layers import GroupLinear
from algorithms.qmix import SMOKE, SPACE, QMixConfig
from algorithms.registry import register
from algorithms.sparsity.pattern24 import Pattern24Matrix
from algorithms.sparsity.sparse_qmix import Pattern24QMix


@dataclass(frozen=True, kw_only=True)
class K24StaticConfig(QMixConfig):
    """Settings of QMIX; the masks have none but where they lie."""

    mask_gru: bool = False
    """Keep 2 of 4 in the GRU's two matrices as well, as ``k24.mask_gru`` does."""


class StaticLinear24(GroupLinear):
    """``W_k = W · mask_k``, every mask a uniformly drawn pattern for each group of four inputs.

    Args:
        in_features, out_features: as of ``GroupLinear``.
        n_groups: K, masks kept.
        generator: draws weight, bias and masks.
    """

    mask: Tensor
    """(K, out, in) bool"""

    def __init__(self, in_features: int, out_features: int, n_groups: int, generator: torch.Generator) -> None:
        super().__init__(in_features, out_features, generator)
        self.pattern = Pattern24Matrix(in_features)
        allowed = self.pattern.allowed
        draws = torch.rand(n_groups, out_features, *allowed.shape, generator=generator)
        self.register_buffer("mask", self.pattern.hard(draws.masked_fill(~allowed, -torch.inf)).bool())

    def chosen_patterns(self) -> Tensor:
        """Return which pattern each group of four inputs follows: (K, out, ⌈in/4⌉) int64, 0..5."""
        return self.pattern.chosen(self.mask)

    def effective_weights(self) -> Tensor:
        """Return the weights (K, out, in) under the masks."""
        return self.weight * self.mask


class K24Static(Pattern24QMix):
    """QMIX over layers with fixed random 2:4 masks."""

    config: K24StaticConfig

    def make_linear(self, in_features: int, out_features: int) -> StaticLinear24:
        return StaticLinear24(in_features, out_features, self.n_groups, self._init_rng)


register(
    "k24-static",
    entry_point=K24Static,
    config=K24StaticConfig,
    smoke=SMOKE,
    space=SPACE,
)
