"""The static facts of a world: counts, sizes, limit, unit types.

Axis letters used in every docstring of this project:
    E battles run side by side    B episodes in a batch    T steps of an episode    N agents    M enemies
    A actions    D observation features    S state features    H hidden units    K unit types
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EnvSpec:
    """Everything a learner may know about a world before the first battle.

    Raises:
        ValueError: a count or size is not positive.
    """

    id: str
    """The registered scenario, for example ``terran_5_vs_5``."""
    n_agents: int
    """N: allied units, each commanded by one agent."""
    n_enemies: int
    """M: scripted enemy units (0 in a world without enemies)."""
    n_actions: int
    """A: size of each agent's discrete action space."""
    obs_size: int
    """D: length of one agent's float32 observation."""
    state_size: int
    """S: length of the float32 global state."""
    episode_limit: int
    """T: env_steps after which an episode is truncated."""
    unit_types: tuple[str, ...] = ()
    """K names; ``unit_type`` arrays index into it. Fewer than two: masks are kept per agent instead of per type."""
    only_noop_means_dead: bool = True
    """Whether an agent whose only legal action is 0 is dead, as in SMAC; False: it may just have nothing to do."""
    can_be_won: bool = True
    """Whether a battle can be won; if not, win rates mean nothing here and the return counts."""

    def __post_init__(self) -> None:
        for name in ("n_agents", "n_actions", "obs_size", "state_size", "episode_limit"):
            if getattr(self, name) < 1:
                raise ValueError(f"EnvSpec {self.id!r}: {name} is {getattr(self, name)}, it must be at least 1")

    @property
    def n_mask_groups(self) -> int:
        """Number of weight masks that a sparse algorithm keeps: one per unit type, or one per agent below two types."""
        return len(self.unit_types) if len(self.unit_types) >= 2 else self.n_agents
