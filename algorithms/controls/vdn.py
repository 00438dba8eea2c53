"""VDN: the joint value is the plain sum of the agents' values.

Sunehag et al., "Value-Decomposition Networks For Cooperative Multi-Agent Learning", AAMAS 2018 (arXiv 1706.05296).
All else is QMIX's, as PyMARL2 runs it (``mixer: vdn``), so that the two differ in the mixer alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from algorithms.q_learning.config import QLearnerConfig
from algorithms.q_learning.learner import QLearner
from algorithms.qmix import SMOKE, SPACE
from algorithms.registry import PyMARLNames, register


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
        return VDNMixer()


NAMES = PyMARLNames(
    learner="nq_learner",
    mixer="vdn",
    mac=("n_mac",),
    agent=("n_rnn_1R3",),
    unused=("mixing_embed_dim", "hypernet_embed"),
    parts={"VDNMixer": "algorithms.controls.vdn:VDNMixer"},
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
