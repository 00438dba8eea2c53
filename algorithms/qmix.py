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
from algorithms.settings.checks import require


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


class QMix(QLearner):
    """The learner as it is, with dense layers and the monotone mixer (``nq_learner`` over ``n_rnn_1R3``)."""

    config: QMixConfig

    def make_mixer(self) -> QMixer:
        """Make the monotone mixer."""
        config = self.config
        return QMixer(
            self.spec.n_agents, self.spec.state_size, config.mixing_embed_dim, config.hypernet_embed, self._init_rng
        )
