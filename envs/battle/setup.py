"""From a scenario and its options to the plain numbers that compiled code reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle import terrain
from envs.battle.options import BattleOptions
from envs.battle.readings import CHOICES
from envs.battle.rules.weapons import JITTER_LEAST, JITTER_SPAN
from envs.battle.scenarios import SCRIPTS, STARTS, Scenario
from envs.battle.smacv2.orders import FIRST_LOOK
from envs.battle.smacv2.sizes import n_actions
from envs.battle.spawn import search_offsets
from envs.battle.state import MAX_CHOICES, SETUP, record
from envs.battle.unit_types import DEFAULT_SHOOT_RANGE, DEFAULT_SIGHT_RANGE, assumed, facts, kind_of
from envs.battle.units import unit_table
from envs.battle.walking import paths


def make_setup(scenario: Scenario, options: BattleOptions, seed: int, first_slot: int) -> NDArray[np.void]:
    """Everything that compiled code needs to know, as one record."""
    marchers = scenario.enemy_team or scenario.unit_types  # the enemies, or those that may be drawn
    army = slowest(unit_table(scenario.catalog), map(kind_of, marchers))
    values = dict(
        seed=np.uint64(seed),
        first_slot=first_slot,
        n_agents=scenario.n_agents,
        n_enemies=scenario.n_enemies,
        n_actions=n_actions(scenario, options),
        n_no_target=FIRST_LOOK + options.n_fov_actions,
        episode_limit=scenario.episode_limit,
        ally_shields=scenario.ally_shields,
        enemy_shields=scenario.enemy_shields,
        healers=scenario.has_healers,
        medivacs=any(facts()[name]["heal"] for name in (*scenario.unit_types, *scenario.enemy_team)),
        script=SCRIPTS.index(scenario.script),
        march_to=np.array(scenario.march_to),
        march_speed=army if options.march_pace == "army" else math.inf,
    )
    values |= team_values(scenario) | start_values(scenario) | terrain_values(scenario) | assumed_values(options)
    return record(SETUP, values | option_values(options) | reading_values(scenario, options))


def team_values(scenario: Scenario) -> dict[str, Any]:
    """The fields of ``SETUP`` about unit types."""
    types = scenario.ordered_types
    weights = dict(zip(scenario.unit_types, scenario.type_weights, strict=True))
    teams = [kind_of(name) for name in scenario.ally_team + scenario.enemy_team]
    return dict(
        n_types=len(types),
        kind_by_type=np.array([kind_of(name) for name in types]),
        type_by_kind=index_by_kind(types),
        enemy_type_by_kind=index_by_kind(scenario.ordered_enemy_types),
        type_bits=scenario.n_type_bits,
        team_cdf=np.cumsum([weights[name] for name in types]),
        type_is_exception=np.array([name in scenario.exceptions for name in types]),
        fixed_kinds=np.array(teams or [-1] * (scenario.n_agents + scenario.n_enemies)),
    )


def index_by_kind(types: tuple[str, ...]) -> NDArray[np.int64]:
    """Place of every kind in ``types``, -1 for those that are not in it."""
    return np.array([types.index(name) if name in types else -1 for name in facts()])


def slowest(table: NDArray[np.void], kinds: Iterable[int]) -> float:
    """Cells a tick of the slowest that can move; 0 where nobody can."""
    speeds = (float(table["speed"][0][kind]) for kind in kinds)
    return min((speed for speed in speeds if speed > 0), default=0.0)


def start_values(scenario: Scenario) -> dict[str, Any]:
    """The fields of ``SETUP`` about where units appear."""
    start, spots = scenario.start, scenario.spots
    where = scenario.ally_spots + scenario.enemy_spots
    if start == "points":
        start = "spots"
        spots = tuple(((*point, *point),) for point in (scenario.ally_point, scenario.enemy_point))
        where = (0,) * scenario.n_agents + (1,) * scenario.n_enemies
    table = np.zeros((max(len(spots), 1), MAX_CHOICES, 4))
    for index, spot in enumerate(spots):
        table[index, : len(spot)] = spot
    places = search_offsets()
    return dict(
        start=STARTS.index(start),
        start_p=float(scenario.start_p),
        spot=np.array(where or [0]),
        choices=np.array([len(spot) for spot in spots] or [0]),
        spots=table,
        n_places=len(places),
        places=places,
    )


def terrain_values(scenario: Scenario) -> dict[str, Any]:
    """The fields of ``SETUP`` about the ground."""
    waypoints = paths.waypoints(scenario.map)
    return dict(
        pathable=terrain.pathable(scenario.map),
        floors=terrain.floors(scenario.map),
        level=terrain.levels(scenario.map),
        height=terrain.heights(scenario.map),
        has_waypoints=waypoints is not None,
        waypoints=np.zeros((0, 0), np.uint16) if waypoints is None else waypoints,
    )


def assumed_values(options: BattleOptions) -> dict[str, Any]:
    """The fields of ``SETUP`` that smacv2 assumes of each kind."""
    types = [assumed(name) for name in facts()]
    if options.use_unit_ranges:
        shoot_range = [max(known.shoot_range, options.min_attack_range) for known in types]
        sight_range = [known.sight_range for known in types]
    else:
        shoot_range, sight_range = [DEFAULT_SHOOT_RANGE] * len(types), [DEFAULT_SIGHT_RANGE] * len(types)
    return dict(
        shoot_range=np.array(shoot_range, dtype=np.float64),
        sight_range=np.array(sight_range, dtype=np.float64),
        cooldown_scale=np.array([known.cooldown_scale for known in types], dtype=np.float64),
    )


def option_values(options: BattleOptions) -> dict[str, Any]:
    """The fields of ``SETUP`` that are options: those of the same name, and what follows from others."""
    same = {name: getattr(options, name) for name in SETUP.names or () if hasattr(options, name)}
    return same | dict(
        rules_2024=options.rules == "2024",
        obs_own_health=options.obs_all_health or options.obs_own_health,
        mask_by_range=options.action_mask,
        max_reward_each=options.max_reward_from == "each_battle",
        n_capabilities=options.stochastic_attack + options.stochastic_health,
        kill_tick=options.step_mul - options.kill_unit_step_mul if options.stochastic_health else -1,
    )


def reading_values(scenario: Scenario, options: BattleOptions) -> dict[str, Any]:
    """The fields of ``SETUP`` that follow from readings of undocumented rules."""
    random_delay = options.weapon_delay == "random"
    # Only the script that orders every idle enemy to attack sends a medivac to the agents.
    ordered = options.enemy_medivacs != "approach" or scenario.script == "attack_closest"
    return dict(
        random_order=options.unit_order == "random",
        idle_medivacs=CHOICES["enemy_medivacs"].index(options.enemy_medivacs if ordered else "hover"),
        help_comes=CHOICES["call_for_help"].index(options.call_for_help),
        lets_go=options.pursuit == "sight",
        turns_first=options.turning == "first",
        equal_places=equal_places(scenario, options),
        jitter_least=JITTER_LEAST if random_delay else 0.0,
        jitter_span=JITTER_SPAN if random_delay else 0.0,
        same_attack=CHOICES["same_attack"].index(options.same_attack),
    )


def equal_places(scenario: Scenario, options: BattleOptions) -> int:
    """Which reading of ``equal_places`` holds: only what a map puts at its spots is mirrored."""
    from_spots = scenario.start in ("spots", "points")
    reading = "first" if options.equal_places == "mirrored" and not from_spots else options.equal_places
    return CHOICES["equal_places"].index(reading)
