"""Fights that nobody would register: any units, any ground, any script, any options, from one seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.battle import terrain
from envs.battle.options import BattleOptions
from envs.battle.scenarios import SCRIPTS, TYPE_ORDER, Rectangle, Scenario
from envs.battle.state import MAX_TYPES
from envs.battle.unit_types import catalogs, facts

CHOICES: dict[str, tuple[Any, ...]] = dict(
    rules=("2024", "2023"),
    unit_order=("simultaneous", "random"),
    enemy_medivacs=("hover", "follow", "approach"),
    march_pace=("army", "own"),
    medivac_priority=("equal", "first", "last"),
    call_for_help=("comrades", "comrades", "victim", "none"),
    acquire_range=("edges", "target_edge"),
    acquire_period=(1, 1, 8, 5),
    reconsider_period=(8, 8, 1, 13),
    pursuit=("leash", "leash", "sight"),
    turning=("walking", "first"),
    equal_places=("first", "mirrored", "drawn"),
    bodies=("inner", "inner", "full"),
    weapon_delay=("random", "random", "none"),
    first_shot_delay=(0.0, 0.0, 10.0),
    same_attack=("goes_on", "restarts", "breaks_off"),
    spawn_spread=(0.0, 0.0, 1.5),
    step_mul=(8, 8, 8, 1, 3, 11),
    move_amount=(2.0, 2.0, 3.5, 0.7),
    use_unit_ranges=(True, True, False),
    min_attack_range=(2.0, 1.0, 0.0, 4.0),
    conic_fov=(False, False, True),
    num_fov_actions=(12, 8, 5),
    action_mask=(True, False),
    reward_only_positive=(True, False),
    reward_sparse=(False, False, False, True),
    reward_scale=(True, True, False),
    reward_defeat=(0.0, -50.0),
    max_reward_from=("first_battle", "each_battle"),
)


class Draw:
    """A generator with the few words that are needed here."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def one(self, items: tuple[Any, ...]) -> Any:
        return items[self.random.integers(len(items))]

    def many(self, items: tuple[Any, ...], count: int) -> tuple[Any, ...]:
        return tuple(self.one(items) for _ in range(count))

    def whole(self, least: int, most: int) -> int:
        return int(self.random.integers(least, most + 1))

    def point(self, least: float = 2.0, most: float = 30.0) -> tuple[float, float]:
        x, y = self.random.uniform(least, most, 2)
        return float(x), float(y)

    def rectangle(self) -> Rectangle:
        (left, bottom), (width, height) = self.point(4, 24), self.point(0, 4)
        return left, bottom, left + width, bottom + height


def random_fight(seed: int) -> tuple[Scenario, BattleOptions]:
    """A scenario and options; every third fight has random teams of one race, the others fixed ones of any units."""
    draw = Draw(seed)
    options = BattleOptions(**{name: draw.one(values) for name, values in CHOICES.items()})
    return (racial(draw) if seed % 3 == 0 else mixed(draw)), options


def racial(draw: Draw) -> Scenario:
    """Random teams, on any map and under any script; starts include the two that the benchmark mixes."""
    race = draw.one(tuple(TYPE_ORDER))
    types = TYPE_ORDER[race]
    return Scenario(
        race=race, n_agents=draw.whole(1, 8), n_enemies=draw.whole(1, 8), unit_types=types, weights=(0.4, 0.3, 0.3),
        exceptions=types[2:], start=draw.one(("surrounded_and_reflect", "surrounded", "reflect", "points")),
        ally_point=draw.point(), enemy_point=draw.point(), script=draw.one(SCRIPTS),
        march_to=(draw.point(), draw.point()), map=draw.one(("flat", "flat", *terrain.names())),
        episode_limit=draw.whole(20, 90),
    )  # fmt: skip


def mixed(draw: Draw) -> Scenario:
    """Fixed teams out of all units there are, from a few shared spots."""
    names = tuple(facts())
    allies = draw.many(draw.many(names, MAX_TYPES), draw.whole(1, 9))
    enemies = draw.many(draw.many(names, MAX_TYPES), draw.whole(1, 12))
    types = tuple(sorted(set(allies)))
    spots = tuple(tuple(draw.rectangle() for _ in range(draw.whole(1, 3))) for _ in range(draw.whole(1, 4)))
    places = tuple(range(len(spots)))
    return Scenario(
        race=draw.one(tuple(TYPE_ORDER)), enemy_race=draw.one(tuple(TYPE_ORDER)), n_agents=len(allies),
        n_enemies=len(enemies), unit_types=types, type_order=types, type_bits=0, ally_team=allies, enemy_team=enemies,
        healers=draw.one((True, False)), catalog=draw.one(("", "", *catalogs())), start="spots", spots=spots,
        ally_spots=draw.many(places, len(allies)), enemy_spots=draw.many(places, len(enemies)),
        script=draw.one(SCRIPTS), march_to=(draw.point(), draw.point()), map=draw.one(terrain.names()),
        episode_limit=draw.whole(20, 90),
    )  # fmt: skip
