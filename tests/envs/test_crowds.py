"""Units among units: round who stands, past who comes, round a prey, in columns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from envs.battle.state import ATTACK
from envs.battle.units import ON_FOOT
from tests.envs.arena import Arena, Unit

FAR = Unit("medivac", 28, 4)


def check_room(arena: Arena, units: range, least: float = 0.75) -> None:
    assert all(arena.distance(i, j) >= least for i, j in itertools.combinations(units, 2))


def pack(prey: str, hunter: str, count: int, across: int) -> tuple[Arena, list[int]]:
    """``count`` hunters in rows of ``across``, 4 cells east of their prey; how many bite after each of 120 ticks."""
    hunters = [Unit(hunter, 12.5 + 0.8 * (i % across), 15.2 + 0.8 * (i // across)) for i in range(count)]
    arena = Arena([Unit(prey, 10, 16)], hunters)
    radius = arena.env.units[0]["radius"][arena.b["kind"]]
    biting = []
    for _ in range(120):
        arena.b["hp"][0] = arena.env.units[0]["hp"][arena.b["kind"][0]]
        arena.run()
        check_room(arena, range(count + 1))
        reach = [0.1 + radius[0] + radius[1 + i] for i in range(count)]
        biting.append(sum(arena.distance(0, 1 + i) <= reach[i] for i in range(count)))
    return arena, biting


@pytest.mark.parametrize(
    ("prey", "hunter", "count", "across"),
    [
        ("marauder", "zergling", 6, 2),
        ("marauder", "zergling", 6, 3),
        ("marine", "zergling", 6, 3),
        ("marine", "zealot", 6, 2),
        ("stalker", "zergling", 8, 3),
        ("stalker", "zealot", 8, 3),
        ("marauder", "zealot", 8, 2),
        ("colossus", "zergling", 10, 3),
    ],
)
def test_everybody_finds_a_place_round_the_prey(prey: str, hunter: str, count: int, across: int) -> None:
    """A ring of reach r holds π / asin(0.375 / r) bodies of 0.375.

    That is 8.3 zerglings round a marauder, 7.2 zealots round a marine. The last of them is there within 75 ticks,
    having walked round the others, and stays.
    """
    _, biting = pack(prey, hunter, count, across)
    assert max(biting[:75]) == count
    assert biting[-1] == count


@pytest.mark.parametrize("offset", [0.0, 0.2, -0.2, 0.5])
def test_round_standing_comrades_that_fight(offset: float) -> None:
    """Three marines who shoot at something stand across the way, 0.76 apart; the fourth arrives and nobody moved."""
    row = [Unit("marine", 13, 16 + offset + 0.76 * (i - 1)) for i in range(3)]
    arena = Arena([Unit("marine", 10, 16), *row], [Unit("marauder", 16, 20, hp=125), FAR])
    for i in (1, 2, 3):
        arena.attack(i, 4)
        arena.b["cooldown"][i] = 1000
    arena.b["cooldown"][4] = 1000
    arena.walk(0, 16, 16)
    for _ in range(75):  # 6 cells are 43 ticks straight
        check_room(arena.run(), range(4))
    assert arena.place(0) == (16, 16)
    assert [arena.place(i) for i in (1, 2, 3)] == [(unit.x, unit.y) for unit in row]


@pytest.mark.parametrize("offset", [0.0, 0.1, -0.3])
def test_two_that_walk_at_each_other_pass(offset: float) -> None:
    arena = Arena([Unit("marine", 10, 16), Unit("marine", 16, 16 + offset)], [FAR])
    arena.walk(0, 16, 16).walk(1, 10, 16 + offset)
    for _ in range(60):
        assert arena.run().distance(0, 1) >= 0.75
    assert arena.place(0) == (16, 16)
    assert arena.place(1) == (10, 16 + offset)


def test_two_columns_pass() -> None:
    """Six against six, head-on in one line."""
    west = [Unit("zergling", 6 + 0.8 * i, 16) for i in range(6)]
    east = [Unit("zergling", 16 + 0.8 * i, 16) for i in range(6)]
    arena = Arena([*west, *east], [FAR])
    for i in range(6):
        arena.walk(i, 16 + 0.8 * i, 16).walk(6 + i, 6 + 0.8 * i, 16)
    for _ in range(140):
        check_room(arena.run(), range(12))
    assert all(abs(arena.place(i)[0] - (16 + 0.8 * i)) < 0.8 for i in range(6))
    assert all(abs(arena.place(6 + i)[0] - (6 + 0.8 * i)) < 0.8 for i in range(6))


def test_a_column_walks_through_the_neck_of_the_T() -> None:
    """Twelve banelings in the bar of one cell go down the neck of two: the last, 33 cells away, in 330 ticks."""
    team = [Unit("baneling", 3 + 0.8 * i, 29.5) for i in range(12)]
    arena = Arena(team, [FAR], scenario=dict(map="T"))
    for i in range(12):
        arena.walk(i, 16, 4)
    for _ in range(330):
        check_room(arena.run(), range(12))
    assert max(arena.place(i)[1] for i in range(12)) < 10


def test_a_swarm_does_not_jam_in_the_corridor() -> None:
    """24 zerglings with an order to attack come round both bends, and crowd about the one zealot there."""
    swarm = [Unit("zergling", 25 + 0.8 * (i % 6), 25 + 0.8 * (i // 6)) for i in range(24)]
    arena = Arena([Unit("zealot", 5, 6)], swarm, scenario=dict(map="corridor"))
    arena.b["order"][1:25], arena.b["target"][1:25] = ATTACK, 0
    ground = arena.env.setup[0]["floors"][ON_FOOT].astype(bool)
    for _ in range(340):
        arena.b["hp"][0] = 100
        arena.run()
    check_room(arena, range(25))
    x, y = arena.b["x"][1:25], arena.b["y"][1:25]
    assert ground[y.astype(int), x.astype(int)].all()
    away = np.hypot(x - 5, y - 6)
    assert away.max() < 4
    assert (away <= 0.975).sum() >= 5
