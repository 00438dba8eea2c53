"""Every switch of a battle. Names and defaults are those of smacv2's environment where it has them."""

from __future__ import annotations

from dataclasses import dataclass

from envs.battle.readings import Readings
from envs.checks import SHARE, Range, check_fields

CHOICES = {
    "rules": ("2024", "2023"),
    "max_reward_from": ("first_battle", "each_battle"),
    "illegal_actions": ("raise", "noop"),
}
"""Options that are one of a few words."""
REWARD = Range(-1e6, 1e6)
"""Rewards are float32 sums over at most 80 units."""
RANGES = {
    "move_amount": Range(0, 64, above=True),
    "step_mul": Range(1, 1000),
    "min_attack_range": Range(0, 64),
    "num_fov_actions": Range(1, 360),
    "prob_obs_enemy": SHARE,
    "attack_lower_bound": SHARE,
    "attack_upper_bound": SHARE,
    "health_lower_bound": SHARE,
    "health_upper_bound": SHARE,
    "kill_unit_step_mul": Range(0, 1000),
    "mask_probability": SHARE,
    "reward_death_value": REWARD,
    "reward_win": REWARD,
    "reward_defeat": REWARD,
    "reward_negative_scale": REWARD,
    "reward_scale_rate": Range(0, 1e6, above=True),
}
"""Options that are numbers."""


@dataclass(frozen=True, kw_only=True)
class BattleOptions(Readings):
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
    obs_pathing_grid: bool = False
    """Whether eight cells around the agent are ground, in the observation; needs a whole ``move_amount``."""
    obs_terrain_height: bool = False
    """Heights of nine cells around the agent (255 units of the game's grid are 1), in the observation."""
    obs_starcraft: bool = True
    """Everything but the time in the observation; without it only ``obs_timestep_number`` is left."""
    obs_instead_of_state: bool = False
    """The state is the observations of all agents, one after the other; the other state options do nothing then."""
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
    stochastic_attack: bool = False
    """An agent's attack or heal is sent with a probability drawn per agent and battle (capability ``attack``)."""
    attack_lower_bound: float = 0.0
    """Least probability that an attack is sent."""
    attack_upper_bound: float = 1.0
    """Greatest probability that an attack is sent."""
    observe_attack_probs: bool = True
    """Whether other agents see the probability; zero for them otherwise."""
    stochastic_health: bool = False
    """An agent dies below a share of its life that is drawn per agent and battle (capability ``health``); its health
    counts from there."""
    health_lower_bound: float = 0.0
    """Least share of life at which an agent dies."""
    health_upper_bound: float = 0.5
    """Greatest share of life at which an agent dies, below 1."""
    observe_teammate_health: bool = True
    """Whether other agents see that share, and the health that counts from it; zero for them otherwise."""
    kill_unit_step_mul: int = 2
    """Ticks of a step that are left when agents die that were below their share as the step began."""
    observe_teammate_types: bool = True
    """Whether agents see the type bits of others on their side; zero otherwise."""
    mask_enemies: bool = False
    """Health and type of some enemies are hidden from some agents, drawn per pair and battle (capability
    ``enemy_mask``)."""
    mask_probability: float = 0.5
    """Probability that an agent is *shown* health and type of an enemy: smacv2 gives it to the mask value 0."""
    fully_observable: bool = False
    """Every living unit is observed at any distance (for debugging)."""
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
    continuing_episode: bool = False
    """Whether the PettingZoo environment's ``infos`` say ``episode_limit`` when the limit ended a battle. A batch
    always keeps ``truncated`` apart; whether a learner bootstraps there is the learner's setting."""
    max_reward_from: str = "first_battle"
    """The battle whose enemies set max_reward: the slot's ``first_battle`` (the benchmark's way) or ``each_battle``."""
    illegal_actions: str = "raise"
    """``raise`` names the legal ones; ``noop`` takes an illegal action as no order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, RANGES, CHOICES)
        if self.rules == "2023" and self.prob_obs_enemy != 1:
            raise ValueError(
                'option prob_obs_enemy needs the sighting tags of rules="2024"; leave it at 1.0 with rules="2023"'
            )
        self._check_capabilities()
        self._check_views()

    def _check_capabilities(self) -> None:
        for capability in ("attack", "health"):
            lower, upper = getattr(self, f"{capability}_lower_bound"), getattr(self, f"{capability}_upper_bound")
            if lower > upper:
                raise ValueError(
                    f"options {capability}_lower_bound and {capability}_upper_bound are {lower} and {upper}, "
                    "allowed is 0 <= lower <= upper <= 1"
                )
        if self.health_upper_bound == 1:
            raise ValueError("option health_upper_bound is 1, it must be below: at 1 nobody could live")
        if self.stochastic_health and not self.reward_only_positive:
            raise ValueError(
                "option stochastic_health needs reward_only_positive=True: smacv2 has no penalty for lives cut short"
            )
        if self.stochastic_health and not 1 <= self.kill_unit_step_mul < self.step_mul:
            raise ValueError(
                f"option kill_unit_step_mul is {self.kill_unit_step_mul}, with stochastic_health it must lie in "
                f"1..{self.step_mul - 1}, below step_mul"
            )

    def check_scale(self, id: str, flawless: float) -> None:
        """Refuse rewards that cannot be scaled by what a flawless battle returns.

        Raises:
            ValueError: the message says what to give instead.
        """
        if self.reward_scale and not self.reward_sparse and flawless <= 0:
            raise ValueError(
                f"{id}: a flawless battle returns {flawless:g} with these rewards, by which they cannot be scaled; "
                "give larger ones (reward_win, reward_death_value) or reward_scale=False"
            )

    def _check_views(self) -> None:
        if not self.obs_starcraft and not self.obs_timestep_number:
            raise ValueError(
                "option obs_starcraft=False leaves an empty observation; set obs_timestep_number=True as well"
            )
        for name in ("obs_pathing_grid", "obs_terrain_height"):
            if getattr(self, name) and self.move_amount != int(self.move_amount):
                raise ValueError(
                    f"option {name} looks at cells whole moves away: move_amount is {self.move_amount}, "
                    "it must be a whole number"
                )

    @property
    def n_fov_actions(self) -> int:
        """Look actions that exist: none without the cone."""
        return self.num_fov_actions if self.conic_fov else 0
