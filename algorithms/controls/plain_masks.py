"""2:4 masks that are not learned: the two largest weights of every four, trained straight through, and random ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.network.layers import GroupLinear
from algorithms.q_learning.learner import UpdateWeights
from algorithms.qmix import SMOKE, SPACE, QMixConfig
from algorithms.registry import register
from algorithms.sparsity.linear24 import straight_through
from algorithms.sparsity.pattern24 import Pattern24Matrix
from algorithms.sparsity.sparse_qmix import Pattern24QMix
from common.values import require


@dataclass(frozen=True, kw_only=True)
class K24MagnitudeConfig(QMixConfig):
    """Settings of QMIX and of SR-STE.

    Raises:
        ValueError: a value is out of its range.
    """

    decay: float = 2e-4
    """λ_w, strength of the decay of dropped weights; 0 is the plain straight-through estimator. Source: the paper."""
    mask_gru: bool = False
    """Keep 2 of 4 in the GRU's two matrices as well, as ``k24.mask_gru`` does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "decay", self.decay >= 0, "0 or larger")


class MagnitudeLinear24(GroupLinear):
    """``W · mask`` with the mask of the two largest |W| of every four inputs.

    Args:
        in_features, out_features: as of ``GroupLinear``.
        decay: λ_w.
        generator: draws weight and bias.
    """

    def __init__(self, in_features: int, out_features: int, decay: float, generator: torch.Generator) -> None:
        super().__init__(in_features, out_features, generator)
        self.decay = decay
        self.pattern = Pattern24Matrix(in_features)

    @torch.no_grad()
    def mask(self) -> Tensor:
        """Return the mask (1, out, in) bool in force now."""
        return self.pattern.hard(self.pattern.logits(self.weight.abs().unsqueeze(0))).bool()

    def chosen_patterns(self) -> Tensor:
        """Return which pattern each group of four inputs follows: (1, out, ⌈in/4⌉) int64, 0..5."""
        return self.pattern.chosen(self.mask())

    def effective_weights(self) -> Tensor:
        """Return the weights (1, out, in) under the mask, for acting and the target network."""
        return self.weight * self.mask()

    def trained_weights(self) -> Tensor:
        """Return the same with SR-STE's gradient."""
        return straight_through(self.weight, self.mask(), self.decay)


class K24Magnitude(Pattern24QMix):
    """QMIX over magnitude-masked 2:4 layers: K24's control for its scores.

    Zhou et al., "Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch", ICLR 2021 (arXiv
    2102.04010). The mask follows from the shared weight, so all unit types have the same one.
    """

    config: K24MagnitudeConfig
    n_groups = 1
    """One mask for all: it follows from the weight, which all share."""

    def make_linear(self, in_features: int, out_features: int) -> MagnitudeLinear24:
        return MagnitudeLinear24(in_features, out_features, self.config.decay, self._init_rng)

    def update_weights(self, env_steps: int) -> UpdateWeights:
        """Multiply with masked weights that pass their gradient to all weights."""
        online = {name: layer.trained_weights() for name, layer in self.layers().items()}
        return UpdateWeights(online=online, target=self.target_weights())


register(
    "k24-magnitude",
    entry_point=K24Magnitude,
    config=K24MagnitudeConfig,
    source="Zhou et al., ICLR 2021 (arXiv 2102.04010)",
    smoke=SMOKE,
    space=SPACE,
)


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
    """QMIX over layers with fixed random 2:4 masks: K24's control for learned masks.

    The difference to ``k24`` is that of learned masks and the straight-through gradient together (``k24-magnitude`` has
    the gradient without α); the difference to ``qmix`` is what the capacity lost to 2:4 costs.
    """

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
