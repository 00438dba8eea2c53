"""The table of ways round cliffs: every hop is walkable in a straight line, every way is as short as any."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.battle import terrain
from envs.battle.units import ON_FOOT
from envs.battle.walking import paths
from tests.oracle.plain.ground import SIZE, Cell, number
from tests.oracle.plain.ways import Ways

ROUND_CLIFFS = [name for name in terrain.names() if paths.waypoints(name) is not None]
ROUNDING = 1e-3  # lengths are added up in float32


def walk(table: NDArray[np.uint16], start: Cell, goal: Cell) -> list[Cell]:
    """The cells from bend to bend."""
    way = [start]
    while way[-1] != goal:
        way.append(next_bend(table, way[-1], goal))
        assert len(way) < 40, f"{start} never comes to {goal}: {way}"
    return way


def next_bend(table: NDArray[np.uint16], at: Cell, goal: Cell) -> Cell:
    row, column = divmod(int(table[number(at), number(goal)]), SIZE)
    return column, row


def check_goal(name: str, goal: Cell) -> int:
    """All ways to one goal; how many there are."""
    ways, table = Ways(terrain.grids(name)["pathable_ground"]), paths.waypoints(name)
    assert table is not None
    least = ways.lengths(goal)
    for start, length in least.items():
        way = walk(table, start, goal)
        assert all(ways.sees(a, b) for a, b in itertools.pairwise(way))
        assert sum(map(math.dist, way, way[1:])) == pytest.approx(length, abs=ROUNDING)
    return len(least)


def test_terrains_with_ways() -> None:
    """The flat map and the strip are rectangles: nothing to walk round."""
    assert set(terrain.names()) - set(ROUND_CLIFFS) == {"flat", "strip"}


@pytest.mark.parametrize("name", ROUND_CLIFFS)
def test_ways_are_shortest(name: str) -> None:
    """To one goal in a corner of each terrain; all goals are a long test."""
    ground = sorted(Ways(terrain.grids(name)["pathable_ground"]).cells)
    assert check_goal(name, ground[len(ground) // 7]) > 20


@pytest.mark.long
@pytest.mark.parametrize("name", ROUND_CLIFFS)
def test_all_ways_are_shortest(name: str) -> None:
    for goal in sorted(Ways(terrain.grids(name)["pathable_ground"]).cells)[::12]:
        check_goal(name, goal)


@pytest.mark.parametrize("name", ROUND_CLIFFS)
def test_a_goal_off_the_ground_is_approached(name: str) -> None:
    """The way to a goal on a cliff leads to the reachable cell nearest to it, and from there straight at it."""
    table = paths.waypoints(name)
    assert table is not None
    ways = Ways(terrain.grids(name)["pathable_ground"])
    start = min(ways.cells)
    reachable = ways.lengths(start)
    for goal in sorted(ways.rocks)[::97]:
        at = start
        for _ in range(40):
            bend = next_bend(table, at, goal)
            if bend == goal:
                break
            at = bend
        assert math.dist(at, goal) == min(math.dist(cell, goal) for cell in reachable)


def test_the_floor_on_foot_is_the_one_the_ways_use() -> None:
    for name in terrain.names():
        np.testing.assert_array_equal(terrain.floors(name)[ON_FOOT], terrain.pathable(name))
