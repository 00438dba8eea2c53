"""The attack cycle by hand: period and jitter, damage point, cancelling, turning, range."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

import envs
from envs.battle.smacv2.orders import STOP, WEST
from envs.battle.state import ATTACK, NONE
from envs.battle.unit_types import facts, unit_types
from tests.envs.arena import Arena, Unit, jitter


def at_medivac(attacker: str, apart: float = 5.0, facing: tuple[float, float] = (1.0, 0.0)) -> Arena:
    """An ally about to attack an enemy medivac to its east, which only hovers."""
    return Arena([Unit(attacker, 10, 16, facing=facing)], [Unit("medivac", 10 + apart, 16)])


@pytest.mark.parametrize(
    ("attacker", "target", "apart", "period"),
    [
        ("marine", "medivac", 5, 13.7728),
        ("stalker", "medivac", 5, 23.04),
        ("hydralisk", "medivac", 5, 13.28),
        ("marauder", "zealot", 7, 24.0),
        ("zealot", "zealot", 1, 19.2),
        ("zergling", "zealot", 0.9, 11.136),
        ("colossus", "zealot", 7, 35.2),
    ],
)
def test_a_cycle_is_the_period_plus_minus_one_to_plus_two(
    attacker: str, target: str, apart: float, period: float
) -> None:
    """A cooldown is set when the attack begins and one tick of it has passed when we look."""
    arena = Arena([Unit(attacker, 10, 16)], [Unit(target, 10 + apart, 16)]).attack(0, 1)
    starts: list[int] = []
    cycles = []
    for tick in range(12 * 40):
        before = arena.b["cooldown"][0]
        arena.run()
        arena.b["hp"][:2] = (35 if attacker == "zergling" else 80), 100  # nobody dies
        if arena.b["cooldown"][0] > before:
            starts.append(tick)
            cycles.append(arena.b["cooldown"][0] + 1)
    assert starts[0] == 0
    assert len(starts) >= 12
    assert all(period - 1 <= cycle < period + 2 for cycle in cycles)
    assert cycles == pytest.approx([period + jitter(0, tick) for tick in starts])
    # The next attack begins on the first whole tick after the cycle, the fraction is not carried over.
    assert [b - a for a, b in pairwise(starts)] == [math.ceil(cycle) for cycle in cycles[:-1]]


def test_jitter_is_uniform() -> None:
    draws = [jitter(i, tick) for i in range(10) for tick in range(400)]
    assert min(draws) == pytest.approx(-1, abs=0.01)
    assert max(draws) == pytest.approx(2, abs=0.01)
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.06)  # deviation of the mean: 3 / √12 / √4000 = 0.014


def test_cooldown_runs_while_walking() -> None:
    arena = at_medivac("marine").attack(0, 1).run(2)
    left = arena.b["cooldown"][0]
    arena.act(0, WEST).run(5)
    assert arena.b["cooldown"][0] == pytest.approx(left - 5)


@pytest.mark.parametrize("interrupting", [WEST, STOP])
def test_an_order_before_the_damage_point_cancels_at_no_cost(interrupting: int) -> None:
    arena = at_medivac("stalker").attack(0, 1).run(3)  # damage point 2.67: the missile would leave in tick 3
    arena.act(0, interrupting)
    assert arena.b["cooldown"][0] == 0
    arena.run(10)
    assert arena.b["missile"][0] == -1
    assert arena.health(1) == 150


def test_after_the_damage_point_the_missile_is_out() -> None:
    arena = at_medivac("stalker").attack(0, 1).run(4).act(0, WEST)
    assert arena.b["cooldown"][0] > 0
    assert arena.hits(1, 20) == {3 + 5: 13.0}  # 5 / 1.171875 = 4.27


def test_the_same_order_again_does_not_restart_the_swing() -> None:
    arena = at_medivac("stalker").attack(0, 1)
    for _ in range(4):
        arena.attack(0, 1).run()
    assert arena.b["missile"][0] == 1  # left in tick 3 all the same


def test_another_target_restarts_it() -> None:
    arena = Arena([Unit("stalker", 10, 16)], [Unit("medivac", 15, 16), Unit("medivac", 15, 17)])
    arena.attack(0, 1).run(2).attack(0, 2)
    assert arena.when("missile", 0, 9) == 2 + 3
    assert arena.b["missile"][0] == 2


@pytest.mark.parametrize(("moved_to", "fires"), [(18.25, True), (18.5, False)])
def test_a_swing_survives_one_cell_beyond_range(moved_to: float, fires: bool) -> None:
    """Range 6 + 0.625 + 0.75 = 7.375 cells from x = 10; slop 1: up to 18.375."""
    arena = at_medivac("stalker", 7).attack(0, 1).run(1)
    arena.carry(1, moved_to, 16).run(3)
    assert (arena.b["missile"][0] == 1) == fires
    assert (arena.b["cooldown"][0] > 0) == fires


@pytest.mark.parametrize(
    ("attacker", "target", "reach"),
    [
        ("marine", "marine", 5.75),
        ("stalker", "zealot", 7.125),
        ("colossus", "zergling", 7.375),
        ("zealot", "marine", 0.975),
        ("zergling", "zergling", 0.85),
        ("marauder", "marauder", 7.125),
        ("hydralisk", "marine", 6.0),
    ],
)
def test_range_is_edge_to_edge(attacker: str, target: str, reach: float) -> None:
    """Just inside, the attack begins in the first tick; just outside, the attacker walks first."""
    for apart, at_once in ((reach - 0.01, True), (reach + 0.01, False)):
        arena = Arena([Unit(attacker, 10, 16)], [Unit(target, 10 + apart, 16)]).attack(0, 1)
        arena.b["cooldown"][1] = 1000  # the target holds its fire
        arena.run()
        assert (arena.b["cooldown"][0] > 0) == at_once
        assert (arena.place(0)[0] > 10) == (not at_once)


@pytest.mark.parametrize(
    ("attacker", "degrees", "ticks_lost"),
    [
        ("marine", 0, 0),
        ("marine", 60, 0),  # 62.5 a tick
        ("marine", 65, 1),
        ("marine", 120, 1),
        ("marine", 130, 2),
        ("marine", 180, 2),
        ("stalker", 180, 2),
    ],
)
def test_turning_costs_ticks(attacker: str, degrees: float, ticks_lost: int) -> None:
    angle = math.radians(degrees)
    arena = at_medivac(attacker, facing=(math.cos(angle), math.sin(angle))).attack(0, 1)
    assert arena.when("cooldown", 0, 9, least=1.0) == ticks_lost


@pytest.mark.parametrize(("degrees", "ticks_lost"), [(105, 0), (110, 1), (165, 1), (175, 2)])
def test_a_colossus_bears_within_45_degrees(degrees: float, ticks_lost: int) -> None:
    """Its arc is 90 degrees, 45 to either side, and its turret turns 62.5 a tick."""
    angle = math.radians(degrees)
    arena = Arena([Unit("colossus", 10, 16, facing=(math.cos(angle), math.sin(angle)))], [Unit("zealot", 17, 16)])
    assert arena.attack(0, 1).when("cooldown", 0, 9, least=1.0) == ticks_lost


@pytest.mark.parametrize(("has_turret", "ticks"), [(True, 28), (False, 29)])
def test_a_turret_aims_while_the_body_walks(has_turret: bool, ticks: int) -> None:
    """East along the bar of the T, to a target that comes into range 65 degrees to the right, beyond the rock."""
    with unit_types.preserved():
        envs.register_unit("gun", like="marine", has_turret=has_turret, weapons=[dict(range=11)])
        arena = Arena([Unit("gun", 5.5, 29.5)], [Unit("medivac", 14.5, 18.5)], scenario=dict(map="T")).attack(0, 1)
        assert arena.run(10).place(0)[1] == 29.5
        dx, dy = 14.5 - arena.place(0)[0], 18.5 - 29.5
        aims = (dx / math.hypot(dx, dy), dy / math.hypot(dx, dy)) if has_turret else (1.0, 0.0)
        assert (arena.b["facing_x"][0], arena.b["facing_y"][0]) == pytest.approx(aims, abs=0.02)
        assert arena.when("cooldown", 0, 40, least=1.0) == ticks


def test_the_turret_of_a_colossus() -> None:
    """Without a target it goes with the body."""
    assert [name for name, row in facts().items() if row["has_turret"]] == ["colossus", "spine_crawler"]
    arena = Arena([Unit("colossus", 10, 16)], [Unit("zealot", 17, 16)]).act(0, WEST).run(8)
    assert (arena.b["facing_x"][0], arena.b["facing_y"][0]) == (-1, 0)
    assert arena.attack(0, 1).run(1).b["facing_x"][0] == 1


def test_walking_turns_the_body() -> None:
    arena = at_medivac("marine", 4).act(0, WEST).run(8).attack(0, 1)
    assert arena.when("cooldown", 0, 9, least=1.0) == 8 + 2


def test_a_finished_attack_leaves_the_agent_idle() -> None:
    arena = Arena([Unit("marine", 10, 16)], [Unit("medivac", 15, 16, hp=5), Unit("medivac", 15, 17)])
    arena.attack(0, 1)
    assert arena.order_of(0) == (ATTACK, 1)
    arena.run(40)
    assert arena.order_of(0)[0] == NONE
    assert arena.health(2) == 150


def test_an_attack_order_follows_its_target() -> None:
    arena = at_medivac("marine", 8).attack(0, 1)
    # Range 6.125, so 1.875 cells to walk: 13.3 ticks of 0.140625, and a shot in the tick after that.
    assert arena.when("cooldown", 0, 30, least=1.0) == 14
    assert arena.distance(0, 1) == 8 - 14 * 0.140625
