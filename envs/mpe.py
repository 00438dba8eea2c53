"""The multi-agent particle worlds of the package ``mpe2``: the worked example of a foreign environment.

Lowe et al., "Multi-Agent Actor-Critic for Mixed Cooperative-Competitive Environments", NeurIPS 2017 (arXiv 1706.02275).
"""

from __future__ import annotations

from dataclasses import dataclass

from envs.checks import SHARE, Range, check_fields
from envs.parallel_batch import ParallelBatch, TeamReward


@dataclass(frozen=True, kw_only=True)
class SpreadOptions:
    """Options of simple_spread: agents that are to cover as many landmarks without running into each other.

    Raises:
        ValueError: a value is out of its range.
    """

    n_agents: int = 3
    """N, agents and landmarks. Source: mpe2."""
    local_ratio: float = 0.5
    """Weight of each agent's own collisions against the distances that all share, 0..1. Source: mpe2."""
    max_cycles: int = 25
    """env_steps of an episode. Source: mpe2."""
    team_reward: TeamReward = "sum"
    """Team reward of a step from the agents' rewards: ``sum`` or ``mean``. Source: EPyMARL sums."""

    def __post_init__(self) -> None:
        check_fields(self, {"n_agents": Range(1, 1000), "local_ratio": SHARE, "max_cycles": Range(1, 1_000_000)}, {})


def simple_spread(
    *, id: str, scenario: None, num_envs: int, seed: int | None, first_slot: int, options: SpreadOptions
) -> ParallelBatch:
    """Entry point of ``mpe2/simple_spread_v3``; every agent has five moves, and no one wins."""
    from mpe2 import simple_spread_v3

    def world() -> simple_spread_v3.parallel_env:
        return simple_spread_v3.parallel_env(
            N=options.n_agents, local_ratio=options.local_ratio, max_cycles=options.max_cycles, continuous_actions=False
        )

    return ParallelBatch(
        world,
        id=id,
        num_envs=num_envs,
        seed=seed,
        first_slot=first_slot,
        episode_limit=options.max_cycles,
        team_reward=options.team_reward,
    )
