"""Units among units: round who stands, past who comes, round a prey, in columns."""

from __future__ import annotations

import numpy as np
import pytest

from envs.battle.state import ATTACK
from envs.battle.units import ON_FOOT
from tests.envs.arena import Arena, Unit, check_room

FAR = Unit("medivac", 28, 4)


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

    That is 8.3 zerglings round a marauder, 7.2 zealots round a marine. The last of them is there within 85 ticks,
    having walked round the others, and stays. All start in rows, 4 cells east of their prey.
    """
    hunters = [Unit(hunter, 12.5 + 0.8 * (i % across), 15.2 + 0.8 * (i // across)) for i in range(count)]
    arena, biting = Arena([Unit(prey, 10, 16)], hunters), []
    for _ in range(120):
        arena.b["hp"][0] = arena.env.units[0]["hp"][arena.b["kind"][0]]
        check_room(arena.run(), range(count + 1))
        biting.append(len(biters(arena)))
    assert max(biting[:85]) == count
    assert biting[-1] == count


def scattered(prey: str, hunter: str, count: int, seed: int) -> Arena:
    """Hunters in one to three loose clumps, 3 to 5 cells from their prey in the middle, with an order to attack it."""
    rng = np.random.default_rng(seed)
    angles, away = rng.uniform(0, 2 * np.pi, 3), rng.uniform(3, 5, 3)
    clumps, places = rng.integers(1, 4), [(16.0, 16.0)]
    while len(places) <= count:
        clump = rng.integers(clumps)
        x = 16 + away[clump] * np.cos(angles[clump]) + rng.uniform(-2, 2)
        y = 16 + away[clump] * np.sin(angles[clump]) + rng.uniform(-2, 2)
        if all(np.hypot(x - a, y - b) > (0.8 if i else 1.6) for i, (a, b) in enumerate(places)):
            places.append((round(x * 4096) / 4096, round(y * 4096) / 4096))
    return sent_to_bite(Arena([Unit(prey, 16, 16)], [Unit(hunter, x, y) for x, y in places[1:]]))


def sent_to_bite(arena: Arena) -> Arena:
    """Give all enemies an order to attack agent 0."""
    count = len(arena.units)
    arena.b["order"][1:count], arena.b["target"][1:count] = ATTACK, 0
    return arena


def hunt(arena: Arena, ticks: int) -> Arena:
    """Run with a prey that cannot die; in the end nobody alive stands in another's room."""
    arena.b["hp"][0] = arena.b["full_hp"][0] = 1e6
    arena.run(ticks)
    check_room(arena, [i for i in range(len(arena.units)) if arena.b["alive"][i]])
    return arena


def biters(arena: Arena) -> list[int]:
    """Who is alive and near enough to the prey to bite it."""
    radius = arena.env.units[0]["radius"][arena.b["kind"]]
    hunters = [i for i in range(1, len(arena.units)) if arena.b["alive"][i]]
    return [i for i in hunters if arena.distance(0, i) <= 0.1 + radius[0] + radius[i] + 1 / 4096]


@pytest.mark.parametrize(
    ("prey", "hunter", "count", "least"),
    [
        ("stalker", "zergling", 8, 6),
        ("marauder", "zergling", 8, 5),
        ("zealot", "zergling", 7, 5),
        ("marine", "zergling", 6, 4),
        ("marine", "zealot", 7, 5),
        ("marine", "zergling", 9, 4),
        ("stalker", "zergling", 11, 6),
    ],
)
def test_nobody_circles_for_ever(prey: str, hunter: str, count: int, least: int) -> None:
    """Who finds no place, since there are too many or the gaps are too small, stands behind the biters."""
    for seed in range(8):
        arena = hunt(scattered(prey, hunter, count, seed), 150)
        assert len(biters(arena)) >= least, f"start {seed}"
        before = np.stack([arena.b["x"], arena.b["y"]])
        hunt(arena, 20)
        walked = np.hypot(*(np.stack([arena.b["x"], arena.b["y"]]) - before))
        assert walked.max() < 0.2, f"start {seed}"


def test_a_place_that_becomes_free_is_taken() -> None:
    arena = hunt(scattered("stalker", "zergling", 11, seed=0), 150)
    before = biters(arena)
    assert len(before) < 11
    arena.b["hp"][before[0]] = 0
    assert len(biters(hunt(arena, 60))) == len(before)


def test_wedged_units_are_walked_round() -> None:
    """Six zerglings block each other, nobody in reach of the marine; each that makes no step counts as standing."""
    places = [(1865, 6646), (-4194, 5609), (-1170, 6159), (-2455, 2520), (-1828, 9162), (444, 3543)]  # 1/4096 cells
    wedged = [Unit("zergling", 16 + x / 4096, 16 + y / 4096) for x, y in places]
    arena = sent_to_bite(Arena([Unit("marine", 16, 16)], wedged))
    assert biters(arena) == []
    assert len(biters(hunt(arena, 60))) == 6


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_pack_stays_mirrored(seed: int) -> None:
    west = scattered("marine", "zergling", 7, seed)
    east = sent_to_bite(Arena([Unit("marine", 16, 16)], [Unit(u.type, 32 - u.x, u.y) for u in west.units[1:]]))
    for _ in range(100):
        hunt(west, 1)
        hunt(east, 1)
        assert np.array_equal(west.b["x"][:8], 32 - east.b["x"][:8])
        assert np.array_equal(west.b["y"][:8], east.b["y"][:8])


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
    arena = sent_to_bite(Arena([Unit("zealot", 5, 6)], swarm, scenario=dict(map="corridor")))
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
