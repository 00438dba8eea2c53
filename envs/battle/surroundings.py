"""What an observation samples of the ground around a unit: pathing and height.

Source: StarCraft2Env.get_surrounding_points and the two grids of ``_launch`` (oxwhirl/smacv2). The package turns the
height grid upside down, as games before version 4.9 needed; later ones report it from the bottom, so that it reads the
height of the cell mirrored in y. We do as the package does. The pathing grid, one bit a cell, it takes as it comes.
"""

from __future__ import annotations

import numpy as np

from envs.battle.jit import kernel
from envs.battle.state import MAP_CELLS

# Cells looked at, in moves: north, south, east and west two away, the diagonals one, last the unit's own cell.
POINTS = np.array([(0, 2), (0, -2), (2, 0), (-2, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (0, 0)])
N_PATHING, N_HEIGHTS = 8, 9
HEIGHT_SCALE = 255.0


@kernel
def write_pathing(b, c, i, row, at):
    """1 where the cell is ground or off the map."""
    moves = int(c.move_amount)
    for p in range(N_PATHING):
        x = int(b.x[i]) + moves * POINTS[p, 0]
        y = int(b.y[i]) + moves * POINTS[p, 1]
        outside = x < 0 or x >= MAP_CELLS or y < 0 or y >= MAP_CELLS
        row[at + p] = 1.0 if outside else c.pathable[y, x]
    return at + N_PATHING


@kernel
def write_heights(b, c, i, row, at):
    """Share of the greatest height that the grid can tell; 1 off the map."""
    moves = int(c.move_amount)
    for p in range(N_HEIGHTS):
        x = int(b.x[i]) + moves * POINTS[p, 0]
        y = int(b.y[i]) + moves * POINTS[p, 1]
        outside = x < 0 or x >= MAP_CELLS or y < 0 or y >= MAP_CELLS
        row[at + p] = 1.0 if outside else c.height[MAP_CELLS - 1 - y, x] / HEIGHT_SCALE
    return at + N_HEIGHTS
