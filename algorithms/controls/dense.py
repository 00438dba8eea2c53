"""Dense learners beside QMIX: another network, a network per unit type, a sum in the mixer's place."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from algorithms.network.layers import GroupLinear, fan_in_uniform
from algorithms.protocol import PolicyLayers
from algorithms.q_learning.config import QLearnerConfig
from algorithms.q_learning.learner import QLearner
from algorithms.qmix import SMOKE, SPACE, QMix
from algorithms.registry import PyMARLNames, register


class QMixNRnn(QMix):
    """QMIX with the network of PyMARL2, ``n_rnn``: one layer after the GRU, where ``n_rnn_1R3`` has three.

    The published runs of SMACv2's authors logged their settings (benellis3/pymarl2, ``results_smac2_unit_ranges``):
    this network, and every other setting as the defaults here, with four battles side by side where the harness has
    eight. So this is the learner to lay beside their curves. The comparison's ``qmix`` has the network that
    Kaleidoscope prunes: dense and sparse differ in nothing but their masks.
    """

    head_layers = 1


register(
    "qmix-n-rnn",
    base="qmix",
    entry_point=QMixNRnn,
    source="Hu et al., arXiv 2102.03479 (PyMARL2)",
    pymarl=PyMARLNames(learner="nq_learner", mac=("n_mac",), agent=("n_rnn",)),
)


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
    """QMIX with one dense network per unit type, the GRU included: no weight is shared.

    Sharing one network is one extreme, a network for each type the other; masks lie between. A type that is rarely
    drawn learns from its own rows alone. Where a world has fewer than two unit types this is QMIX.
    """

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


@dataclass(frozen=True, kw_only=True)
class VDNConfig(QLearnerConfig):
    """The common settings; a sum has none of its own."""


class VDNMixer(nn.Module):
    """Adds up, whatever the state."""

    def forward(self, q: Tensor, state: Tensor) -> Tensor:
        """Sum (V, N) agent values to (V,) joint values."""
        return q.sum(-1)


class VDN(QLearner):
    """VDN: the joint value is the plain sum of the agents' values.

    Sunehag et al., "Value-Decomposition Networks For Cooperative Multi-Agent Learning", AAMAS 2018 (arXiv 1706.05296).
    All else is QMIX's, as PyMARL2 runs it (``mixer: vdn``), so that the two differ in the mixer alone.
    """

    config: VDNConfig

    def make_mixer(self) -> VDNMixer:
        return VDNMixer()


NAMES = PyMARLNames(
    learner="nq_learner",
    mixer="vdn",
    mac=("n_mac",),
    agent=("n_rnn_1R3",),
    unused=("mixing_embed_dim", "hypernet_embed"),
    parts={"VDNMixer": "algorithms.controls.dense:VDNMixer"},
)

register(
    "vdn",
    entry_point=VDN,
    config=VDNConfig,
    source="Sunehag et al., AAMAS 2018 (arXiv 1706.05296)",
    smoke=SMOKE,
    space=SPACE,
    pymarl=NAMES,
)


class VDNNRnn(VDN):
    """VDN over PyMARL2's own network, as its ``vdn.yaml`` has it."""

    head_layers = 1


register(
    "vdn-n-rnn",
    base="vdn",
    entry_point=VDNNRnn,
    source="Hu et al., arXiv 2102.03479 (PyMARL2)",
    pymarl=replace(NAMES, agent=("n_rnn",), parts={}),
)
