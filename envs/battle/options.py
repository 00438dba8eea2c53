"""Every switch of a battle. Names and defaults are those of smacv2's environment where it has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BattleOptions:
    """Options of one environment; the defaults are SMACv2's published settings for the generated scenarios.

    Raises:
        ValueError: a value outside what is allowed, or two values that exclude each other.
    """

    rules: str = "2024"
    """Release of the benchmark: ``2024`` (today's) or ``2023`` (no sighting tags, attacks sent out of range)."""
    move_amount: float = 2.0
    """Cells a move order aims ahead."""
    step_mul: int = 8
    """Ticks per env_step, 16 ticks a game second."""
    use_unit_ranges: bool = True
    """Shooting range and sight by unit type; otherwise 6 and 9 for all."""
    min_attack_range: float = 2.0
    """Least shooting range in the action mask, in cells."""
    obs_all_health: bool = True
    """Health (and shield) of visible units in the observation."""
    obs_own_health: bool = True
    """Own health in the observation; implied by ``obs_all_health``."""
    obs_own_pos: bool = True
    """Own position in the observation."""
    obs_last_action: bool = False
    """Last actions of visible allies in the observation."""
    obs_timestep_number: bool = False
    """Share of the episode limit that has passed, in the observation."""
    state_last_action: bool = True
    """Last actions of all agents in the state."""
    state_timestep_number: bool = False
    """Share of the episode limit that has passed, in the state."""
    conic_fov: bool = False
    """Agents see and shoot only within a cone that they turn by look actions."""
    num_fov_actions: int = 12
    """Look directions, evenly spaced; the cone is one direction wide."""
    prob_obs_enemy: float = 1.0
    """Probability that agents other than an enemy's first sighter may see it (0: extended partial observability)."""
    action_mask: bool = True
    """Whether attacks out of range are illegal; if not they are legal and do nothing (rules 2024)."""
    fully_observable: bool = False
    """Everybody alive is observed whatever the distance (for debugging)."""
    reward_sparse: bool = False
    """+1 for a win, −1 for a defeat and nothing else."""
    reward_only_positive: bool = True
    """No penalty for own losses."""
    reward_death_value: float = 10.0
    """Reward for an enemy killed (and penalty for an ally lost unless only positive)."""
    reward_win: float = 200.0
    """Reward for a win."""
    reward_defeat: float = 0.0
    """Reward for a defeat."""
    reward_negative_scale: float = 0.5
    """Weight of own losses unless only positive."""
    reward_scale: bool = True
    """Divide rewards by max_reward / reward_scale_rate."""
    reward_scale_rate: float = 20.0
    """Return of a flawless battle after scaling."""
    heuristic_ai: bool = False
    """Scripted agents: each attacks the nearest enemy until it dies, medivacs heal. The actions given are replaced."""
    heuristic_rest: bool = False
    """Scripted agents attack only what the action mask allows and walk towards the rest; nothing without the former."""
    max_reward_from: str = "first_battle"
    """The battle whose enemies set max_reward: the slot's ``first_battle`` (the benchmark's way) or ``each_battle``."""
    illegal_actions: str = "raise"
    """``raise`` names the legal ones; ``noop`` takes an illegal action as no order."""
    unit_order: str = "simultaneous"
    """``simultaneous``: who kill each other in one tick both die; ``random``: one after the other, as the game does."""
    enemy_medivacs: str = "hover"
    """An enemy medivac with nobody to heal: ``hover`` in place or ``follow`` a comrade (a guess: undocumented)."""

    def __post_init__(self) -> None:
        choices = {
            "rules": ("2024", "2023"),
            "max_reward_from": ("first_battle", "each_battle"),
            "illegal_actions": ("raise", "noop"),
            "unit_order": ("simultaneous", "random"),
            "enemy_medivacs": ("hover", "follow"),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"option {name} is {getattr(self, name)!r}, allowed: {', '.join(allowed)}")
        if not 0 <= self.prob_obs_enemy <= 1:
            raise ValueError(f"option prob_obs_enemy is {self.prob_obs_enemy}, a probability lies in 0..1")
        for name, least in (("step_mul", 1), ("num_fov_actions", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"option {name} is {getattr(self, name)}, it must be at least {least}")
        for name in ("move_amount", "reward_scale_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"option {name} is {getattr(self, name)}, it must be above 0")
        if self.rules == "2023" and self.prob_obs_enemy != 1:
            raise ValueError(
                'option prob_obs_enemy needs the sighting tags of rules="2024"; leave it at 1.0 with rules="2023"'
            )

    @property
    def n_fov_actions(self) -> int:
        """Look actions that exist: none without the cone."""
        return self.num_fov_actions if self.conic_fov else 0
