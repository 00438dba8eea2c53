"""The ground: which cells a unit can stand on, cliff levels and heights, read from the map's data file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.jit import kernel
from envs.battle.state import MAP_CELLS


@cache
def names() -> tuple[str, ...]:
    """The terrains in ``envs/data/maps``."""
    return tuple(sorted(file.name.removesuffix(".json") for file in (files("envs") / "data" / "maps").iterdir()))


@cache
def grids(name: str) -> dict[str, Any]:
    return json.loads((files("envs") / "data" / "maps" / f"{name}.json").read_text())


def pathable(name: str) -> NDArray[np.bool_]:
    """(32, 32) true where ground units can stand, as the game reports it; row 0 is the bottom of the map."""
    return digits(name, "pathable_ground") == 1


def floors(name: str) -> NDArray[np.bool_]:
    """(3, 32, 32) where units in the air, on foot and striding may be, in the order of ``units.IN_THE_AIR …``."""
    everywhere = np.ones((MAP_CELLS, MAP_CELLS), dtype=bool)
    return np.stack([everywhere, pathable(name), digits(name, "walkable_colossus") == 1])


def levels(name: str) -> NDArray[np.int64]:
    """(32, 32) cliff level, 0 for the void; a ramp has the level it rises from."""
    return digits(name, "level")


def heights(name: str) -> NDArray[np.int64]:
    """(32, 32) height of the ground as the game's interface gives it: a byte, 255 / 32 a cell above -16."""
    return np.array(grids(name)["height"], dtype=np.int64)


def digits(name: str, grid: str) -> NDArray[np.int64]:
    return np.array([[int(cell) for cell in row] for row in grids(name)[grid]], dtype=np.int64)


@kernel
def stands(c, floor, x, y):
    """Whether the centre of a unit of this floor may be at this point."""
    return 0.0 <= x < MAP_CELLS and 0.0 <= y < MAP_CELLS and c.floors[floor, int(y), int(x)]


@kernel
def cell_of(x, y):
    """Row-major number of the cell that holds a point, the nearest one for points off the map."""
    column = min(max(int(x), 0), MAP_CELLS - 1)
    row = min(max(int(y), 0), MAP_CELLS - 1)
    return row * MAP_CELLS + column


@kernel
def level_at(c, x, y):
    """Cliff level of a point."""
    cell = cell_of(x, y)
    return c.level[cell // MAP_CELLS, cell % MAP_CELLS]
