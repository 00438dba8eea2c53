"""Settings that every learner of the QMIX family has, and how numbers in env_steps scale to the length of a run."""

from __future__ import annotations

from dataclasses import dataclass

from common.values import require


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
        counts = "rnn_hidden_dim", "batch_size", "episodes_per_update", "target_update_interval", "epsilon_anneal_time"
        for name in counts:
            require(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("lr", "grad_norm_clip"):
            require(self, name, getattr(self, name) > 0, "larger than 0")
        for name in ("gamma", "td_lambda", "epsilon_start"):
            require(self, name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        require(self, "epsilon_finish", 0 <= self.epsilon_finish <= self.epsilon_start, "between 0 and epsilon_start")
        require(self, "buffer_size", self.buffer_size >= self.batch_size, f"at least batch_size ({self.batch_size})")


PAPER_ENV_STEPS = 10_050_000
"""Length of the published runs, in env_steps; at this length every scaled schedule keeps its published number."""


def scaled(steps: int, total_env_steps: int) -> int:
    """Scale a number of env_steps that holds at the published run length to a run of another length (at least 1)."""
    return max(1, round(steps * total_env_steps / PAPER_ENV_STEPS))


def epsilon_length(anneal_time: int, total_env_steps: int) -> int:
    """Return the length of the exploration ramp: the published one, at most half the run, at least 1 env_step."""
    return max(1, min(anneal_time, total_env_steps // 2))


def linear(start: float, finish: float, length: float, env_steps: int) -> float:
    """Go from ``start`` to ``finish`` over ``length`` env_steps, then stay."""
    return start + (finish - start) * min(1.0, max(0.0, env_steps / length))
