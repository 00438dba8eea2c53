"""QMIX: dense, shared weights, monotone mixing of the agents' values.

Rashid et al., "QMIX: Monotonic Value Function Factorisation for Deep Multi-Agent Reinforcement Learning", ICML 2018
(arXiv 1803.11485). Settings: the published SMACv2 runs, as kept in the repository LXXXXR/Kaleidoscope
(``qmix_rnn_1R3.yaml``, learner ``nq_learner``, agent ``n_rnn_1R3``): PyMARL2's QMIX with two more layers after the GRU.
Rewards are used as they come: that configuration does not standardise them. Deviations: those of ``learner.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.q_learning.config import QLearnerConfig
from algorithms.q_learning.learner import QLearner
from algorithms.q_learning.mixer import QMixer
from algorithms.registry import PyMARLNames, register
from common.space import Choice, Range, Space
from common.values import require


@dataclass(frozen=True, kw_only=True)
class QMixConfig(QLearnerConfig):
    """Settings of QMIX.

    Raises:
        ValueError: a value is out of its range, or two values contradict each other.
    """

    mixing_embed_dim: int = 32
    """Width of the mixing layer. Source: qmix_rnn_1R3.yaml."""
    hypernet_embed: int = 64
    """Hidden width of the mixer's weight hypernetworks. Source: qmix_rnn_1R3.yaml."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mixing_embed_dim", "hypernet_embed"):
            require(self, name, getattr(self, name) >= 1, "at least 1")


SPACE: Space = {
    "lr": Range(low=5e-4, high=2e-3, log=True),  # the published 1e-3, halved and doubled
    "td_lambda": Choice(values=(0.3, 0.6)),  # both are published, each for some maps
    "epsilon_anneal_time": Choice(values=(100_000, 500_000)),  # likewise
}
"""What a search changes. Source: PyMARL2's settings files and their comments."""
SMOKE = {"batch_size": 8}
"""Settings of runs that end before a full batch of the usual size has been played."""


class QMix(QLearner):
    """The learner as it is, with dense layers and the monotone mixer (``nq_learner`` over ``n_rnn_1R3``)."""

    config: QMixConfig

    def make_mixer(self) -> QMixer:
        config = self.config
        return QMixer(
            self.spec.n_agents, self.spec.state_size, config.mixing_embed_dim, config.hypernet_embed, self._init_rng
        )


register(
    "qmix",
    entry_point=QMix,
    config=QMixConfig,
    source="Rashid et al., ICML 2018 (arXiv 1803.11485); settings of PyMARL2 and SMACv2",
    smoke=SMOKE,
    space=SPACE,
    pymarl=PyMARLNames(
        learner="nq_learner",
        mac=("n_mac",),
        agent=("n_rnn_1R3",),
        aliases=("nq_learner", "qmix_rnn_1R3"),
        parts={
            "n_rnn_1R3": "algorithms.network.agent_net:AgentNet",
            "NRNNAgent_1R3": "algorithms.network.agent_net:AgentNet",
            "n_mac": "algorithms.network.agent_net:mask_groups",
            "nq_learner": "algorithms.qmix:QMix",
            "NQLearner": "algorithms.qmix:QMix",
            "nmix": "algorithms.q_learning.mixer:QMixer",
            "qmix_rnn_1R3": "algorithms.qmix:QMixConfig",
        },
    ),
)
