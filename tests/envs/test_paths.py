"""Ways on foot round cliffs, and who needs none. By hand; ``tests/oracle/test_ways.py`` checks whole tables."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from envs.battle.state import NONE
from envs.battle.units import ON_FOOT, STRIDING
from tests.envs.arena import Arena, Unit
from tests.envs.play import begun

FAR = Unit("medivac", 28, 4)


def on_map(map: str, *allies: Unit, enemies: tuple[Unit, ...] = (FAR,)) -> Arena:
    return Arena(list(allies), list(enemies), scenario=dict(map=map))


def track(arena: Arena, i: int, ticks: int) -> list[tuple[float, float]]:
    """Places of unit i after each of the next ticks."""
    return [arena.run().place(i) for _ in range(ticks)]


def length(places: list[tuple[float, float]]) -> float:
    return sum(math.dist(a, b) for a, b in itertools.pairwise(places))


def test_from_an_arm_of_the_T_to_its_foot() -> None:
    """By cells: 8 along the bar to (13, 29), 2 √2 into the neck at (15, 27), then √(1 + 22²) down: 32.85 cells."""
    arena = on_map("T", Unit("baneling", 5.5, 29.5)).walk(0, 16.5, 5.5)
    places = [(5.5, 29.5), *track(arena, 0, 230)]
    arrival = places.index((16.5, 5.5))
    assert length(places) <= 8 + 8**0.5 + 485**0.5
    assert length(places) > math.dist((5.5, 29.5), (15.5, 27.5)) + math.dist((15.5, 27.5), (16.5, 5.5))
    # 210 steps of 0.15625 at most, and a shorter one at each bend.
    assert 204 <= arrival <= 213


def test_a_goal_on_the_cliff_is_approached() -> None:
    """(20.5, 20.5) lies in the rock beside the T's neck, whose nearest cell is (16, 20)."""
    arena = on_map("T", Unit("zergling", 5.5, 29.5)).walk(0, 20.5, 20.5)
    x, y = track(arena, 0, 200)[-1]
    assert 16.9 < x < 17
    assert 20 <= y < 21


@pytest.mark.parametrize(("x", "side"), [(17.5, 1), (14.5, -1)])
def test_up_the_nearer_ramp(x: float, side: int) -> None:
    """2c_vs_64zg: from (17, 9) east by (28, 11) and (28, 13) to (16, 16) 11.2 + 2 + 12.4; west by x = 3 one cell more.

    The zergling stops 1.475 short of the colossus: some 24 cells at 756 / 4096 a tick, 131 ticks, and it bites.
    """
    arena = on_map("ravine_with_ramps", Unit("colossus", 16.5, 16.5), enemies=(Unit("zergling", x, 9.5),))
    arena.b["order"][1], arena.b["target"][1] = 2, 0
    places, first_bite = [], None
    for tick in range(160):
        places.append(arena.run().place(1))
        if first_bite is None and arena.health(0) < 350:
            first_bite = tick
    xs = [place[0] for place in places]
    assert (max(xs) > 28) == (side > 0)
    assert (min(xs) < 4) == (side < 0)
    assert first_bite is not None
    assert 125 <= first_bite <= 137


def test_a_colossus_walks_down_the_cliff() -> None:
    """7 cells straight: 49.8 steps."""
    arena = on_map("ravine_with_ramps", Unit("colossus", 16, 16)).walk(0, 16, 9).run(50)
    assert arena.place(0) == (16, 9)


def test_flyers_fly_over_it() -> None:
    arena = on_map("T", Unit("medivac", 5, 29)).walk(0, 25, 9)
    places = track(arena, 0, 100)
    assert all(abs((x - 5) - (29 - y)) < 0.05 for x, y in places)
    assert places[-1][0] > 15


@pytest.mark.parametrize(("places", "nearest"), [("first", 0.01), ("mirrored", 0.375)])
def test_the_corridor_is_walked_to_its_end(places: str, nearest: float) -> None:
    """24 zerglings and nobody in their way come round both bends to the attack point, where they crowd."""
    env = begun("corridor", seed=1, equal_places=places)
    env.battles["hp"][0, 1:6] = 0
    env.battles["x"][0, 0], env.battles["y"][0, 0] = 13.5, 28.5  # one zealot is left, on a rock far from the way
    ground = env.setup[0]["floors"][ON_FOOT].astype(bool)
    for _ in range(65):
        env.step(np.where(env.action_mask[..., 1], 1, 0))
        x, y = env.battles["x"][0, 6:30], env.battles["y"][0, 6:30]
        assert ground[y.astype(int), x.astype(int)].all()
    assert env.battle_id[0] == 0
    away = np.hypot(x - 4.47, y - 4.3298)
    assert (env.battles["order"][0, 6:30] == NONE).all()
    assert away.min() < nearest, "one stands on the point or touches it"
    assert away.max() < 10


@pytest.mark.parametrize("id", ["corridor", "2c_vs_64zg", "bane_vs_bane", "1o_10b_vs_1r"])
def test_nobody_stands_on_a_cliff(id: str) -> None:
    env = begun(id, 4, seed=2)
    stream = np.random.default_rng(3)
    count = env.spec.n_agents + env.spec.n_enemies
    for _ in range(40):
        env.step(np.where(env.action_mask, stream.random(env.action_mask.shape), -1).argmax(axis=-1))
        floor = env.units[0]["floor"][env.battles["kind"][:, :count]]
        x, y = (env.battles[name][:, :count].astype(int) for name in "xy")
        for kind in (ON_FOOT, STRIDING):
            on = floor == kind
            assert env.setup[0]["floors"][kind][y[on], x[on]].all()


@pytest.mark.parametrize(("map", "hit"), [("flat", True), ("ravine_with_ramps", False)])
def test_lances_stay_on_the_targets_level(map: str, hit: bool) -> None:
    """A colossus in the east fires at a marine above the cliff; another stands 1.2 south of it, below the cliff."""
    arena = on_map(map, Unit("colossus", 23, 13.1), enemies=(Unit("marine", 16.5, 13.1), Unit("marine", 16.5, 11.9)))
    arena.attack(0, 1).run(18)
    assert arena.health(1) == 5
    assert arena.health(2) == (5 if hit else 45)
