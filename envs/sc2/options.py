"""Every switch of a battle that StarCraft II plays, and the arguments of ``smacv2``'s wrapper that they become.

The switches are the built-in engine's, as far as the package has them, and more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from envs.battle import readings
from envs.battle.options import BattleOptions
from envs.battle.scenarios import TYPE_ORDER, Scenario, fixed_scenarios
from envs.battle.smacv2.capabilities import BOUNDED
from envs.battle.state import MAP_CELLS
from envs.checks import Range, check_fields

CHOICES = {"difficulty": tuple("123456789A"), "game_version": ("4.10", "latest")}
RANGES = {
    "start_timeout": Range(0, 86_400, above=True),
    "step_timeout": Range(0, 86_400, above=True),
    "max_failures": Range(1, 1_000_000),
    "backoff": Range(0, 3600),
}

ENGINE_ONLY = {
    "rules": "the package plays its own release, that of 2024",
} | dict.fromkeys(readings.NAMES, "the game follows its own rules")
"""Options that mean nothing here, and why."""
PATIENCE: dict[str, Any] = {"decides_result": False}
"""Marks fields that say how long to wait, which no battle depends on."""


@dataclass(frozen=True, kw_only=True)
class Sc2Options(BattleOptions):
    """Options of one environment; those of ``BattleOptions`` mean the same and have the same defaults.

    Raises:
        ValueError: as ``BattleOptions``, or an option that only the built-in engine has.
    """

    difficulty: str = "7"
    """Strength of the game's own AI, ``1`` to ``9`` or ``A``. Source: smacv2. Maps' scripts leave it little to do."""
    game_version: str = "4.10"
    """Release of StarCraft II: ``4.10``, which published results were measured on, or ``latest`` of those installed."""
    start_timeout: float = field(default=300.0, metadata=PATIENCE)
    """Seconds until a game that was started must show its first battle."""
    step_timeout: float = field(default=60.0, metadata=PATIENCE)
    """Seconds until a game must answer a step or begin the next battle; then it counts as hung, and is ended."""
    max_failures: int = field(default=5, metadata=PATIENCE)
    """Failures of one slot in a row, no battle of its being finished between, after which the run stops."""
    backoff: float = field(default=1.0, metadata=PATIENCE)
    """Seconds before the first restart of a game; they double with every further failure in a row, up to a minute."""

    def __post_init__(self) -> None:
        super().__post_init__()
        defaults = {entry.name: entry.default for entry in fields(self)}
        for name, why in ENGINE_ONLY.items():
            if getattr(self, name) != defaults[name]:
                raise ValueError(
                    f"option {name}={getattr(self, name)!r} is the built-in engine's alone ({why}); leave it out, "
                    'or play with backend="battle"'
                )
        check_fields(self, RANGES, CHOICES)


GENERATED = "32x32_flat"
"""The map file that all generated scenarios share."""
STARTS = {"surrounded_and_reflect": "surrounded_and_reflect", "surrounded": "surrounded", "reflect": "reflect_position"}
"""Start positions: our name -> the package's ``dist_type``."""
OURS = (*ENGINE_ONLY, "max_reward_from", "illegal_actions", "continuing_episode")
"""Options that are seen to on this side of the package."""
CAPABILITIES = (
    *("stochastic_attack", "attack_lower_bound", "attack_upper_bound", "observe_attack_probs"),
    *("stochastic_health", "health_lower_bound", "health_upper_bound", "observe_teammate_health"),
    *("observe_teammate_types", "mask_enemies", "mask_probability"),
)
"""Options that the package takes as parts of its ``capability_config``."""


def map_name(id: str, scenario: Scenario, options: BattleOptions) -> str:
    """The name by which ``smacv2`` knows the scenario's map: SMAC's own, or ``10gen_terran`` and the like.

    Raises:
        ValueError: the package cannot play it; the message says what it would have to be.
    """
    smac = fixed_scenarios("smac.json")
    for name, known in smac.items():
        if scenario == known:
            if not options.observe_teammate_types:
                raise _cannot(id, "observe_teammate_types=False hides types that are drawn, and this map's are fixed")
            return name
    if scenario.ally_team:
        raise _cannot(id, f"teams are fixed only on SMAC's maps: {', '.join(smac)}")
    if scenario.enemy_race not in ("", scenario.race):
        raise _cannot(id, "random teams are of one race")
    if scenario.map != "flat" or scenario.script != "attack_closest":
        raise _cannot(id, f'random teams meet on {GENERATED} only: map="flat", script="attack_closest"')
    order, types = TYPE_ORDER[scenario.race], scenario.ordered_types
    if types != order[: len(types)] or scenario.ordered_enemy_types != types:
        raise _cannot(id, f"its type features are those of {', '.join(order)}, in this order and from the first on")
    if scenario.catalog or scenario.has_healers != (scenario.race == "terran"):
        raise _cannot(id, "catalog and healers are the built-in engine's alone where teams are random")
    default = Scenario.ally_point, Scenario.enemy_point
    at_default = scenario.start == "points" and (scenario.ally_point, scenario.enemy_point) == default
    if scenario.start not in STARTS and not at_default:
        raise _cannot(id, f"start is one of {', '.join(STARTS)}, or points at {default[0]} and {default[1]}")
    return f"10gen_{scenario.race}"


def map_file(name: str) -> str:
    """The file, without its ending, in ``Maps/SMAC_Maps`` that holds one of the package's maps."""
    return GENERATED if name.startswith("10gen_") else name


def _cannot(id: str, why: str) -> ValueError:
    return ValueError(f'scenario {id!r} cannot be played by smacv2: {why}; play it with backend="battle"')


def capability_config(scenario: Scenario, options: BattleOptions) -> dict[str, Any]:
    """Return what is drawn for each battle, in the package's words."""
    config: dict[str, Any] = {"n_units": scenario.n_agents, "n_enemies": scenario.n_enemies}
    if not scenario.ally_team:
        config["team_gen"] = {
            "dist_type": "weighted_teams",
            "unit_types": list(scenario.unit_types),
            "weights": list(scenario.type_weights),
            "exception_unit_types": list(scenario.exceptions),
            "observe": options.observe_teammate_types,
        }
        if scenario.start in STARTS:
            size = {"map_x": MAP_CELLS, "map_y": MAP_CELLS}
            config["start_positions"] = {"dist_type": STARTS[scenario.start], "p": scenario.start_p, **size}
    for name, (switch, shown) in BOUNDED.items():
        if getattr(options, switch):
            config[name] = {
                "dist_type": "per_agent_uniform",
                "lower_bound": [getattr(options, f"{name}_lower_bound")],
                "upper_bound": [getattr(options, f"{name}_upper_bound")],
                "observe": getattr(options, shown),
            }
    if options.mask_enemies:
        config["enemy_mask"] = {"dist_type": "mask", "mask_probability": options.mask_probability}
    return config


def package_arguments(id: str, scenario: Scenario, options: Sc2Options) -> dict[str, Any]:
    """Keywords for ``StarCraftCapabilityEnvWrapper``; the seed and the game's version come with each start.

    Raises:
        ValueError: the package cannot play this.
    """
    own = {entry.name for entry in fields(Sc2Options)} - {e.name for e in fields(BattleOptions)}
    left_out = {*OURS, *CAPABILITIES, *own}
    arguments = {name: value for name, value in asdict(options).items() if name not in left_out}
    if options.move_amount == int(options.move_amount):
        arguments["move_amount"] = int(options.move_amount)  # the package indexes grids with it
    return arguments | {
        "map_name": map_name(id, scenario, options),
        "capability_config": capability_config(scenario, options),
        "difficulty": options.difficulty,
        "continuing_episode": True,  # makes the package say when the time limit ended a battle; nothing else
    }
