"""Every reading of an undocumented rule does what its line in ``Readings`` says, in numbers worked out by hand."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

import envs
from envs.battle.readings import CHOICES, Readings
from envs.battle.state import ACQUIRED, MARCH, NONE
from tests.envs.arena import Arena, Unit
from tests.envs.play import begun

FAR = Unit("marine", 30, 30)
"""An enemy that keeps a battle from being only medivacs."""


@pytest.mark.parametrize(
    ("reading", "goes"), [("hover", (0, 0)), ("follow", (0, 1)), ("approach", (-1, 0))], ids=lambda value: str(value)
)
def test_an_idle_enemy_medivac(reading: str, goes: tuple[int, int]) -> None:
    """The agent stands to the west, the comrade to the north; both orders are refused it, since it cannot attack."""
    enemies = [Unit("medivac", 16, 10), Unit("marauder", 16, 25)]
    arena = Arena([Unit("medivac", 3, 10), Unit("marine", 2, 10)], enemies, script=None, enemy_medivacs=reading)
    arena.run(40)
    x, y = arena.place(2)
    assert (np.sign(x - 16), np.sign(y - 10)) == goes
    assert arena.order_of(2)[0] == NONE
    arena.run(200)
    near = {"hover": None, "follow": 3, "approach": 0}[reading]
    if near is not None:
        assert arena.distance(2, near) <= 1.0  # and no nearer than a tick's flight takes it


def test_without_the_script_no_medivac_is_sent_to_the_agents() -> None:
    arena = Arena(
        [Unit("marine", 3, 10)], [Unit("medivac", 16, 10), FAR], scenario=dict(script="none"), enemy_medivacs="approach"
    )
    assert arena.run(40).place(1) == (16, 10)


@pytest.mark.parametrize(("pace", "speed"), [("army", 0.140625), ("own", 0.171875)])
def test_pace_of_medivacs_on_the_march(pace: str, speed: float) -> None:
    scenario = dict(script="march", march_to=((2.0, 16.0), (2.0, 16.0)))
    arena = Arena([Unit("marine", 2, 30)], [Unit("medivac", 28, 16), FAR], scenario=scenario, march_pace=pace).run(30)
    before = arena.place(1)[0]
    assert before - arena.run(10).place(1)[0] == pytest.approx(10 * speed, abs=0.01)
    assert arena.order_of(1)[0] == MARCH


@pytest.mark.parametrize(
    ("reading", "medivac", "marine", "chosen"),
    [("equal", 12.5, 12, 0), ("first", 11, 12, 0), ("last", 12.5, 12, 1), ("equal", 11, 12, 1)],
)
def test_rank_of_a_medivac(reading: str, medivac: float, marine: float, chosen: int) -> None:
    allies = [Unit("medivac", medivac, 16), Unit("marine", marine, 16)]
    arena = Arena(allies, [Unit("marine", 15, 16)], medivac_priority=reading).run()
    assert arena.order_of(2) == (ACQUIRED, chosen)


@pytest.mark.parametrize(
    ("reading", "come"), [("comrades", [True, True]), ("victim", [True, False]), ("none", [False] * 2)]
)
def test_who_answers_an_attack(reading: str, come: list[bool]) -> None:
    """A stalker's missile lands on a zealot 6.7 away in tick 9, a second zealot stands 3 cells beyond."""
    enemies = [Unit("zealot", 16.7, 16), Unit("zealot", 19.7, 16)]
    arena = Arena([Unit("stalker", 10, 16)], enemies, help=True, call_for_help=reading).attack(0, 1).run(10)
    assert [arena.order_of(i) == (ACQUIRED, 0) for i in (1, 2)] == come


@pytest.mark.parametrize(("reading", "reach"), [("edges", 5.75), ("target_edge", 5.375)])
def test_how_far_an_idle_marine_looks(reading: str, reach: float) -> None:
    """Scan range 5 and one or two radii of 0.375."""
    for apart, notices in ((reach - 0.01, True), (reach + 0.01, False)):
        arena = Arena([Unit("marine", 10, 16)], [Unit("marine", 10 + apart, 16)], acquire_range=reading).run()
        assert (arena.order_of(1) == (ACQUIRED, 0)) == notices


@pytest.mark.parametrize(("period", "tick"), [(1, 0), (4, 2), (8, 6)])
def test_how_often_the_idle_look(period: int, tick: int) -> None:
    """Enemy 2 looks in the ticks whose sum with 2 the period divides."""
    arena = Arena([Unit("marine", 10, 16), FAR], [Unit("marine", 14, 16)], acquire_period=period)
    if tick:
        assert arena.run(tick).order_of(2)[0] == NONE
    assert arena.run().order_of(2) == (ACQUIRED, 0)


@pytest.mark.parametrize(("period", "tick"), [(8, 14), (3, 10)])
def test_how_often_a_pursuer_looks_again(period: int, tick: int) -> None:
    """A zealot after agent 0 meets agent 1 in tick 10; it is unit 2, so it looks again when period divides tick + 2."""
    arena = Arena([Unit("marine", 12, 16), Unit("marine", 2, 2)], [Unit("zealot", 16, 16)], reconsider_period=period)
    arena.run(10).carry(0, 9, 16).carry(1, arena.place(2)[0], 18.5)
    arena.run(tick - 10)
    assert arena.order_of(2) == (ACQUIRED, 0)
    assert arena.run().order_of(2) == (ACQUIRED, 1)


@pytest.mark.parametrize(("reading", "after"), [("leash", ACQUIRED), ("sight", NONE)])
def test_a_target_out_of_sight(reading: str, after: int) -> None:
    arena = Arena([Unit("marine", 12, 16)], [Unit("zealot", 16, 16)], pursuit=reading).run(5)
    assert arena.order_of(1) == (ACQUIRED, 0)
    assert arena.carry(0, 4, 16).run().order_of(1)[0] == after


@pytest.mark.parametrize(("reading", "steps"), [("walking", 10), ("first", 8)])
def test_a_unit_that_looks_the_other_way(reading: str, steps: int) -> None:
    """Turning round takes two ticks more than the one in which 62.5 degrees are turned."""
    arena = Arena([Unit("marine", 10, 16, facing=(-1, 0)), FAR], [Unit("marine", 2, 2)], turning=reading)
    arena.walk(0, 20, 16).run(10)
    assert arena.place(0)[0] - 10 == pytest.approx(steps * 0.140625, abs=0.01)


@pytest.mark.parametrize(("reading", "least", "most"), [("inner", 0.75, 1.0), ("full", 1.0, 1.1)])
def test_room_that_zealots_keep(reading: str, least: float, most: float) -> None:
    arena = Arena([Unit("zealot", 10, 16), FAR], [Unit("zealot", 13, 16)], bodies=reading)
    arena.walk(0, 16, 16)
    assert least <= min(arena.run().distance(0, 2) for _ in range(60)) < most


def test_weapons_without_a_random_delay() -> None:
    """Periods of 13.77 ticks count from whole ticks, so every cycle takes 14."""
    arena = Arena([Unit("marine", 10, 16)], [Unit("spine_crawler", 14, 16)], weapon_delay="none").attack(0, 1)
    assert list(arena.hits(1, 40)) == [1, 15, 29]


def test_first_shots_are_spread() -> None:
    env = begun("terran_10_vs_10", 16, seed=3, first_shot_delay=20.0)
    cooldowns = env.battles["cooldown"][:, :10]  # type: ignore[attr-defined]
    assert cooldowns.min() == 0.0
    assert 17.0 < cooldowns.max() <= 19.0  # one tick has passed
    assert abs(cooldowns.mean() - 9.0) < 1.0
    plain = begun("terran_10_vs_10", 16, seed=3)
    assert not plain.battles["cooldown"][:, :10].any()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("reading", "tick"), [("goes_on", 3), ("restarts", 5), ("breaks_off", 5)])
def test_the_same_attack_again_during_a_swing(reading: str, tick: int) -> None:
    """A zergling's swing of 2.67 ticks begins in tick 0 and hits in tick 3; ordered again before tick 2, in tick 5."""
    arena = Arena([Unit("zergling", 15.2, 16)], [Unit("spine_crawler", 16.6, 16)], same_attack=reading)
    arena.carry(0, 16.6 - 1.2, 16).attack(0, 1).run(2).attack(0, 1)
    assert next(iter(arena.hits(1, 10))) == tick


@pytest.mark.parametrize(("reading", "blows"), [("goes_on", 2), ("restarts", 2), ("breaks_off", 1)])
def test_the_same_attack_again_between_two_blows(reading: str, blows: int) -> None:
    arena = Arena([Unit("zealot", 15.3, 16)], [Unit("spine_crawler", 16.6, 16)], same_attack=reading)
    arena.attack(0, 1)
    hits = arena.hits(1, 3)
    arena.attack(0, 1)
    assert len(hits | arena.hits(1, 12)) == blows


def test_units_of_one_spot_are_spread() -> None:
    """A march of marines starts at (23, 16); without spread the eight stand within 1.5 of it."""
    far = []
    for spread in (0.0, 2.0):
        env = begun("8m", 32, seed=1, spawn_spread=spread)
        x, y = (env.battles[axis][:, 8:16] for axis in "xy")  # type: ignore[attr-defined]
        far.append(np.hypot(x - 23, y - 16).max())
    assert far[0] < 1.6
    assert 1.8 < far[1] < 4.0
    assert len(np.unique(x[:, 0])) > 16


def test_a_random_order_is_even() -> None:
    """Two marines with one blow left fight again and again: each side strikes first in half of the battles."""
    arena, wins = Arena([Unit("marine", 10, 16, hp=5)], [Unit("marine", 14, 16, hp=5)], unit_order="random"), 0
    for tick in range(200):
        arena.lay_out().b["tick"] = 1000 + 16 * tick
        arena.attack(0, 1).run(4)
        assert bool(arena.b["alive"][0]) != bool(arena.b["alive"][1])
        wins += bool(arena.b["alive"][0])
    assert 70 < wins < 130


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({name: "nonsense"}, f"option {name} is 'nonsense', allowed: {', '.join(allowed)}")
        for name, allowed in CHOICES.items()
    ]
    + [
        (dict(acquire_period=0), "option acquire_period is 0, allowed is 1 to 1000000"),
        (dict(reconsider_period=1.5), "option reconsider_period is 1.5, it must be a whole number"),
        (dict(first_shot_delay=-1.0), "option first_shot_delay is -1.0, allowed is 0 to 1000"),
        (dict(spawn_spread=float("nan")), "option spawn_spread is nan, it must be a finite number"),
    ],
)
def test_wrong_readings_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        envs.make("3m", 1, **wrong)


def test_every_choice_is_a_field_with_a_default_among_its_values() -> None:
    defaults = {field.name: field.default for field in fields(Readings)}
    assert all(defaults[name] in allowed for name, allowed in CHOICES.items())
