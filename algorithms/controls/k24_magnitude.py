"""K24's control for its scores: the two largest weights of every four are kept, trained straight through (SR-STE).

Zhou et al., "Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch", ICLR 2021 (arXiv 2102.04010);
see ``sparsity/straight_through.py``. The mask follows from the shared weight, so all unit types have the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.configs import require
from algorithms.network.layers import GroupLinear
from algorithms.q_learning.learner import UpdateWeights
from algorithms.qmix import SMOKE, SPACE, QMixConfig
from algorithms.registry import register
from algorithms.sparsity.pattern24 import Pattern24Matrix
from algorithms.sparsity.sparse_qmix import Pattern24QMix
from algorithms.sparsity.straight_through import straight_through


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
    """QMIX over magnitude-masked 2:4 layers, one mask for all agents."""

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
