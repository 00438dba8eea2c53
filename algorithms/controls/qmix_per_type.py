"""QMIX with one dense network per unit type: no weight is shared, the other end of what masks can do.

Sharing one network is one extreme, a network for each type the other; masks lie between. A type that is rarely drawn
learns from its own rows alone. Where a world has fewer than two unit types this is QMIX.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from algorithms.network.layers import GroupLinear, fan_in_uniform
from algorithms.protocol import PolicyLayers
from algorithms.qmix import QMix
from algorithms.registry import register


class OwnLinear(GroupLinear):
    """A weight and a bias for each group, none shared.

    Args:
        in_features, out_features: as of ``GroupLinear``.
        n_groups: G.
        generator: draws weights and biases.
    """

    def __init__(self, in_features: int, out_features: int, n_groups: int, generator: torch.Generator) -> None:
        super().__init__(in_features, out_features, generator)
        shape = (n_groups, out_features)
        self.weight = nn.Parameter(fan_in_uniform(*shape, in_features, fan_in=in_features, generator=generator))
        self.bias = nn.Parameter(fan_in_uniform(*shape, fan_in=in_features, generator=generator))

    def effective_weights(self) -> Tensor:
        """Return all weights (G, out, in)."""
        return self.weight


class QMixPerType(QMix):
    """QMIX over layers that no two unit types share; the GRU's are among them."""

    grouped_gru = True

    @property
    def n_groups(self) -> int:
        """One network per unit type."""
        return max(1, len(self.spec.unit_types))

    def make_linear(self, in_features: int, out_features: int) -> OwnLinear:
        return OwnLinear(in_features, out_features, self.n_groups, self._init_rng)

    def policy_layers(self) -> PolicyLayers | None:
        """Return None: there is no shared weight that masks could be compared with."""
        return None


register("qmix-per-type", base="qmix", entry_point=QMixPerType)
