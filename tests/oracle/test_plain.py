"""The compiled engine equals a plain one, state by state: every scenario, and fights that nobody would register.

``tests/oracle/plain/compare.py`` says which fields are compared (all that the game's logic owns) and which are not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import envs
from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from envs.battle.smacv2.orders import EAST, NORTH, STOP
from envs.registry import entry
from tests.oracle.fights import random_fight
from tests.oracle.pair import Pair
from tests.oracle.plain import actions, battle, choices, combat, crowd, draws, kinds, ring, scripts, start, walking
from tests.oracle.plain.unit import Order

OPTIONS: list[dict[str, Any]] = [
    dict(unit_order="random", enemy_medivacs="hover", equal_places="drawn"),
    dict(rules="2023", enemy_medivacs="follow"),
    dict(conic_fov=True, action_mask=False, reward_only_positive=False),
    dict(step_mul=3, move_amount=3.5, use_unit_ranges=False, max_reward_from="each_battle"),
]
MIXED = ["terran_10_vs_11", "protoss_10_vs_11", "zerg_10_vs_11", "MMM2", "1c3s5z", "bane_vs_bane", "bane_vs_hM"]


def registered(id: str, seed: int, slot: int = 0, **options: Any) -> Pair:
    scenario = entry(id).scenario
    assert scenario is not None
    return Pair(scenario, BattleOptions(**options), seed, slot)


@pytest.mark.parametrize("id", [id for id in envs.ids() if entry(id).scenario is not None])
def test_every_scenario(id: str) -> None:
    registered(id, seed=1).play(35).expect_equal()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("id", MIXED)
def test_options(id: str, options: dict[str, Any]) -> None:
    registered(id, 2**64 - 2, slot=7, **options).play(25).expect_equal()


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_fights_that_nobody_would_register(first: int) -> None:
    for seed in range(first, first + 10):
        Pair(*random_fight(seed), seed, slot=seed % 5).play(25).expect_equal()


def versus(allies: tuple[str, ...], enemies: tuple[str, ...], **scenario: Any) -> Scenario:
    types = tuple(sorted(set(allies)))
    return Scenario(
        race="protoss", n_agents=len(allies), n_enemies=len(enemies), unit_types=types, type_order=types, type_bits=0,
        ally_team=allies, enemy_team=enemies, start="points", **scenario,
    )  # fmt: skip


def test_a_chase_to_the_end_of_the_leash() -> None:
    """Random play never runs so far: a stalker leads zealots 21 cells away, and they go home."""
    scenario = versus(("stalker",), ("zealot", "zealot"), script="none", ally_point=(7, 7), enemy_point=(3, 7))
    pair, seen = Pair(scenario, BattleOptions(), seed=5), set()
    for _ in range(90):
        legal = pair.env.action_mask[0, 0]
        way = next(action for action in (EAST, NORTH, STOP) if legal[action])
        pair.step(np.array([[way]])).expect_equal()
        seen |= {unit.order for unit in pair.game.battle.enemies}
    assert seen == {Order.NONE, Order.ACQUIRED, Order.MOVE}
    assert pair.game.battle_number == 0
    assert all(unit.order == Order.NONE and unit.place.x < 9 for unit in pair.game.battle.enemies)  # home again


def test_nobody_is_left() -> None:
    """Banelings against banelings now and then all die: neither side has won."""
    scenario = versus(("baneling",) * 3, ("baneling",) * 3, ally_point=(14, 16), enemy_point=(18, 16))
    draws_seen = 0
    for seed in range(3, 30, 3):
        pair = Pair(scenario, BattleOptions(), seed)
        for _ in range(40):
            pair.play(1).expect_equal()
            over, decided = pair.env.terminated[0], pair.env.battle_won[0] or pair.env.battle_lost[0]
            draws_seen += bool(over and not decided)
    assert draws_seen > 0


@pytest.mark.long
@pytest.mark.parametrize("id", [id for id in envs.ids() if entry(id).scenario is not None])
def test_every_scenario_at_length(id: str) -> None:
    for seed, options in enumerate([{}, {}, *OPTIONS], start=10):
        registered(id, seed, slot=seed, **options).play(120).expect_equal()


@pytest.mark.long
@pytest.mark.parametrize("first", range(1000, 3000, 100))
def test_many_fights_that_nobody_would_register(first: int) -> None:
    for seed in range(first, first + 100):
        Pair(*random_fight(seed), seed, slot=seed % 5).play(40).expect_equal()


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (draws, "GOLDEN", draws.GOLDEN + 2),
        (start, "AROUND", 2.5),
        (start, "LATTICE", 0.5),
        (kinds, "on_grid", lambda length: length),
        (choices, "reconsider", lambda battle, unit: None),
        (choices, "HELP_RADIUS", 3.5),
        (choices, "HELP_PAUSE", 33),
        (scripts, "PERIOD", 9),
        (combat, "LEAST_DAMAGE", 2.0),
        (combat, "SAMPLE_TIME", 0.4),
        (combat, "LANCE_RADIUS", 0.3),
        (combat, "MARK_TO_HIT", 5),
        (combat, "SWEEP_LENGTH", 11),
        (walking, "LOOK", 0.9),
        (walking, "LOOKS", 1),
        (walking, "GAP", 1 / 4096),
        (walking, "LITTLE", 0.0),
        (walking, "has_place", lambda battle, unit, standing: True),
        (ring, "SPARE", 0.2),
        (crowd, "DENSITY", 0.9),
        (crowd, "OUTSKIRTS", 1.0),
        (battle, "choose_patients", lambda battle: None),
        (battle, "keep_busy", lambda battle, medivac: None),
        (actions, "ASSUMED", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_twin_is_found(module: Any, name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise equality would prove nothing: each slip in a rule shows within a few battles."""
    monkeypatch.setattr(module, name, value)
    start.lattice.cache_clear()
    fights = [registered(id, seed, rules="2024") for seed in (1, 2) for id in MIXED]
    found = any(fight.play(40).lines for fight in fights)
    start.lattice.cache_clear()
    assert found
