"""VDN: the joint value is the plain sum of the agents' values.

Sunehag et al., "Value-Decomposition Networks For Cooperative Multi-Agent Learning", AAMAS 2018 (arXiv 1706.05296).
All else is QMIX's, as PyMARL2 runs it (``mixer: vdn``), so that the two differ in the mixer alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from algorithms.q_learning.config import QLearnerConfig
from algorithms.q_learning.learner import QLearner


@dataclass(frozen=True, kw_only=True)
class VDNConfig(QLearnerConfig):
    """The common settings; a sum has none of its own."""


class VDNMixer(nn.Module):
    """Adds up, whatever the state."""

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Sum (V, N) agent values to (V,) joint values."""
        return q.sum(-1)


class VDN(QLearner):
    """The learner with dense layers and a sum for a mixer."""

    config: VDNConfig

    def make_mixer(self) -> VDNMixer:
        """Make the sum."""
        return VDNMixer()
