"""Samples of the ground around a unit, for observations: pathing and height.

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
def write_surroundings(b, c, obs, at):
    """For each living agent: 1 for each cell that is ground, then shares of the greatest height; both 1 off the map."""
    moves = int(c.move_amount)
    for i in range(c.n_agents):
        if not b.alive[i]:
            continue
        for p in range(N_HEIGHTS):
            x = int(b.x[i]) + moves * POINTS[p, 0]
            y = int(b.y[i]) + moves * POINTS[p, 1]
            outside = x < 0 or x >= MAP_CELLS or y < 0 or y >= MAP_CELLS
            if c.obs_pathing_grid and p < N_PATHING:
                obs[i, at + p] = 1.0 if outside else c.pathable[y, x]
            if c.obs_terrain_height:
                height = HEIGHT_SCALE if outside else c.height[MAP_CELLS - 1 - y, x]
                obs[i, at + N_PATHING * c.obs_pathing_grid + p] = height / HEIGHT_SCALE
