"""Ways on foot round cliffs: for every pair of cells, the cell to head for next.

Two cells see each other when the whole strip between them is ground, so that a unit may walk straight from any point
of one to any point of the other. Shortest ways over cells that see each other (Floyd-Warshall) give a table that
costs one load a tick. The game paths on triangles finer than cells; the bends here lie at cell centres.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from envs.battle.jit import kernel
from envs.battle.state import MAP_CELLS
from envs.battle.terrain import cell_of, pathable

CELLS = MAP_CELLS * MAP_CELLS


def waypoints(name: str) -> NDArray[np.uint16] | None:
    """(1024, 1024) next cell on the way from the row's cell to the column's; None on a plain rectangle of ground."""
    return ways_over(pathable(name).tobytes())


@cache
def ways_over(cells: bytes) -> NDArray[np.uint16] | None:
    """``waypoints`` of the ground in these cells, one byte each, row by row."""
    ground = np.frombuffer(cells, np.bool_).reshape(MAP_CELLS, MAP_CELLS)
    rows, columns = np.nonzero(ground)
    if ground[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all():
        return None
    table: NDArray[np.uint16] = np.empty((CELLS, CELLS), np.uint16)
    fill(ground, table)
    return table


@kernel
def fill(ground, table):
    """Write the table of one map."""
    cells = np.flatnonzero(ground)
    n = len(cells)
    length = np.full((n, n), np.inf, np.float32)
    hop = np.empty((n, n), np.int32)
    for a in range(n):
        for b in range(n):
            hop[a, b] = b
            if sees(ground, cells[a], cells[b]):
                dx = cells[a] % MAP_CELLS - cells[b] % MAP_CELLS
                dy = cells[a] // MAP_CELLS - cells[b] // MAP_CELLS
                length[a, b] = np.sqrt(np.float32(dx * dx + dy * dy))
    for k in range(n):
        if not is_bend(ground, cells[k]):
            continue
        for a in range(n):
            if length[a, k] == np.inf:
                continue
            for b in range(n):
                through = length[a, k] + length[k, b]
                if through < length[a, b]:
                    length[a, b] = through
                    hop[a, b] = hop[a, k]
    write(cells, length, hop, table)


@kernel
def is_bend(ground, cell):
    """Whether a way may bend in this cell: it lies at the outer corner of a cliff."""
    x, y = cell % MAP_CELLS, cell // MAP_CELLS
    for dx in (-1, 1):
        for dy in (-1, 1):
            inside = 0 <= x + dx < MAP_CELLS and 0 <= y + dy < MAP_CELLS
            if inside and ground[y, x + dx] and ground[y + dy, x] and not ground[y + dy, x + dx]:
                return True
    return False


@kernel
def write(cells, length, hop, table):
    """From hops between ground cells to the whole table: a goal off reachable ground means the nearest reachable cell.

    Who stands off the ground, or has arrived at that nearest cell, heads straight for the goal.
    """
    number = np.full(CELLS, -1, np.int64)
    number[cells] = np.arange(len(cells))
    for goal in range(CELLS):
        table[:, goal] = goal
        for a in range(len(cells)):
            nearest = number[goal]
            if nearest < 0 or length[a, nearest] == np.inf:
                nearest = nearest_reachable(cells, length[a], goal)
            if nearest != a:
                table[cells[a], goal] = cells[hop[a, nearest]]


@kernel
def nearest_reachable(cells, length, goal):
    """The ground cell with a finite way that lies nearest to the goal."""
    nearest = -1
    least = 0
    for b in range(len(cells)):
        if length[b] < np.inf:
            dx = cells[b] % MAP_CELLS - goal % MAP_CELLS
            dy = cells[b] // MAP_CELLS - goal // MAP_CELLS
            if nearest < 0 or dx * dx + dy * dy < least:
                nearest, least = b, dx * dx + dy * dy
    return nearest


@kernel
def sees(ground, a, b):
    """Whether every cell that the strip between two cells covers is ground."""
    ax, ay = a % MAP_CELLS, a // MAP_CELLS
    bx, by = b % MAP_CELLS, b // MAP_CELLS
    dx, dy = bx - ax, by - ay
    for y in range(min(ay, by), max(ay, by) + 1):
        for x in range(min(ax, bx), max(ax, bx) + 1):
            if not ground[y, x] and covers(x - ax, y - ay, dx, dy):
                return False
    return True


@kernel
def covers(x, y, dx, dy):
    """Whether a unit square that slides from (0, 0) to (dx, dy) passes over the unit square at (x, y)."""
    first, last = 0.0, 1.0
    for offset, way in ((x, dx), (y, dy)):
        if way == 0:
            if offset != 0:
                return False
        else:
            enters = (offset - 1) / way
            leaves = (offset + 1) / way
            first = max(first, min(enters, leaves))
            last = min(last, max(enters, leaves))
    return first < last


@kernel
def next_point(c, x, y, goal_x, goal_y):
    """Return the point to walk to straight from (x, y) in order to reach the goal."""
    goal = cell_of(goal_x, goal_y)
    hop = np.int64(c.waypoints[cell_of(x, y), goal])
    if hop == goal:
        return goal_x, goal_y
    return hop % MAP_CELLS + 0.5, hop // MAP_CELLS + 0.5
