"""QMIX: dense, shared weights, monotone mixing of the agents' values.

Rashid et al., "QMIX: Monotonic Value Function Factorisation for Deep Multi-Agent Reinforcement Learning", ICML 2018
(arXiv 1803.11485). Settings: the published SMACv2 runs, as kept in the repository LXXXXR/Kaleidoscope
(``qmix_rnn_1R3.yaml``, learner ``nq_learner``, agent ``n_rnn_1R3``): PyMARL2's QMIX with two more layers after the GRU.
Rewards are used as they come: that configuration does not standardise them. Deviations: those of ``learner.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.q_learning.learner import QLearner
from algorithms.q_learning.mixer import QMixer


@dataclass(frozen=True, kw_only=True)
class QLearnerConfig:
    """Settings of every learner of this family; each default is the published one for SMACv2.

    Raises:
        ValueError: a value is out of its range, or two values contradict each other.
    """

    rnn_hidden_dim: int = 64
    """H, width of the agent network. Source: PyMARL2's default."""
    obs_last_action: bool = True
    """Whether the agent network's input holds the agent's last action. Source: PyMARL2's default."""
    obs_agent_id: bool = True
    """Whether it holds the agent's number. Source: PyMARL2's default."""
    lr: float = 1e-3
    """Adam's step size. Source: qmix_rnn_1R3.yaml."""
    grad_norm_clip: float = 10.0
    """Largest L2 norm of the gradient of all parameters together. Source: PyMARL2's default."""
    gamma: float = 0.99
    """Discount per env_step. Source: PyMARL2's default."""
    td_lambda: float = 0.6
    """λ of the TD(λ) targets, 0..1. Source: qmix_rnn_1R3.yaml (0.3 is suggested there for 6h_vs_8z)."""
    bootstrap_at_limit: bool = False
    """Whether a time limit bootstraps from the last view. Source: SMACv2's ``continuing_episode: False`` ends there."""
    batch_size: int = 128
    """Episodes per update. Source: qmix_rnn_1R3.yaml."""
    buffer_size: int = 5000
    """Episodes kept in the replay. Source: qmix_rnn_1R3.yaml."""
    episodes_per_update: int = 4
    """Finished episodes per update. Source: qmix_rnn_1R3.yaml (``batch_size_run``)."""
    target_update_interval: int = 200
    """Finished episodes between copies into the target network. Source: qmix_rnn_1R3.yaml."""
    epsilon_start: float = 1.0
    """Exploration rate at the start. Source: qmix_rnn_1R3.yaml."""
    epsilon_finish: float = 0.05
    """Exploration rate after the ramp. Source: qmix_rnn_1R3.yaml."""
    epsilon_anneal_time: int = 100_000
    """Length of the linear ramp in env_steps, at most half the run. Source: qmix_rnn_1R3.yaml."""

    def __post_init__(self) -> None:
        for name in ("rnn_hidden_dim", "batch_size", "episodes_per_update"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("target_update_interval", "epsilon_anneal_time"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("lr", "grad_norm_clip"):
            require(self, name, getattr(self, name) > 0, "larger than 0")
        for name in ("gamma", "td_lambda", "epsilon_start"):
            require(self, name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        require(self, "epsilon_finish", 0 <= self.epsilon_finish <= self.epsilon_start, "between 0 and epsilon_start")
        require(self, "buffer_size", self.buffer_size >= self.batch_size, f"at least batch_size ({self.batch_size})")


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


def require(config: object, name: str, holds: bool, allowed: str) -> None:
    """Raise ``ValueError`` unless the field's value is allowed."""
    if not holds:
        raise ValueError(f"{type(config).__name__}: {name} is {getattr(config, name)!r}, it must be {allowed}")


class QMix(QLearner):
    """The learner as it is, with dense layers and the monotone mixer (``nq_learner`` over ``n_rnn_1R3``)."""

    config: QMixConfig

    def make_mixer(self) -> QMixer:
        """Make the monotone mixer."""
        config = self.config
        return QMixer(
            self.spec.n_agents, self.spec.state_size, config.mixing_embed_dim, config.hypernet_embed, self._parameters
        )
