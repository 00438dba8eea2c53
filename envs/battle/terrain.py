"""The ground: which cells a unit can stand on, cliff levels and heights; ``register_terrain`` adds one from a file."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.registry import Registry, did_you_mean
from envs.battle.jit import kernel
from envs.battle.state import MAP_CELLS

GRIDS = ("pathable_ground", "walkable_colossus", "level", "height")
FLAT = 191
"""Height of ground for which a file names none: that of the flat map."""


@dataclass(frozen=True, eq=False)
class Terrain:
    """One map's ground; its file is read when it is first asked for."""

    file: Traversable
    own: bool = False
    """Whether a user registered it."""

    @cached_property
    def grids(self) -> dict[str, Any]:
        """The file's content, with what it leaves out: rows from the bottom of the map up."""
        return completed(json.loads(self.file.read_text("utf-8")), str(self.file))


def completed(content: Any, source: str) -> dict[str, Any]:
    """Fill in the grids that a terrain's file may leave out.

    Raises:
        ValueError: a grid is missing, unknown, or not of the map's size; the message names file, grid and row.
    """
    if not isinstance(content, dict) or "pathable_ground" not in content:
        raise ValueError(
            f"terrain {source}: needed is an object with pathable_ground, {MAP_CELLS} strings of 0 and 1 from the "
            f"bottom of the map up; {', '.join(GRIDS[1:])} may be left out"
        )
    for name in content:
        if name not in (*GRIDS, "size"):
            raise ValueError(f"terrain {source}: unknown grid {name!r}: {did_you_mean(name, GRIDS)}{', '.join(GRIDS)}")
    ground = content["pathable_ground"]
    grids = {
        "walkable_colossus": ground,
        "level": ground,
        "height": [[FLAT] * MAP_CELLS for _ in range(MAP_CELLS)],
        **content,
    }
    for name, greatest in zip(GRIDS, (1, 1, 9, 255), strict=True):
        _check_grid(grids[name], greatest, f"terrain {source}: {name}")
    for name in GRIDS[:2]:
        if not any("1" in row for row in grids[name]):
            raise ValueError(f"terrain {source}: {name} has no 1, so nobody could stand anywhere")
    return grids


def _check_grid(rows: Any, greatest: int, what: str) -> None:
    """Refuse rows that are no MAP_CELLS × MAP_CELLS numbers: digits in strings, or lists where they may exceed 9."""
    if not isinstance(rows, list) or len(rows) != MAP_CELLS:
        raise ValueError(f"{what} must have {MAP_CELLS} rows")
    for number, row in enumerate(rows):
        cells = row if greatest > 9 else [ord(c) - ord("0") for c in row] if isinstance(row, str) else None
        right = isinstance(cells, list) and len(cells) == MAP_CELLS
        if not right or not all(type(cell) is int and 0 <= cell <= greatest for cell in cells or ()):
            form = f"a list of {MAP_CELLS} numbers" if greatest > 9 else f"a string of {MAP_CELLS} digits"
            raise ValueError(f"{what}, row {number} is {str(row)[:50]!r}, it must be {form} from 0 to {greatest}")


terrains: Registry[Terrain] = Registry("map", hint="envs.register_terrain(...)")
for _file in sorted((files("envs") / "data" / "maps").iterdir(), key=lambda file: file.name):
    terrains.register(_file.name.removesuffix(".json"), Terrain(_file))


def register_terrain(name: str, file: str | os.PathLike[str]) -> None:
    """Add ground of one's own, for ``Scenario(map=name)``.

    Args:
        name: for ``Scenario.map``.
        file: JSON as in ``envs/data/maps``: ``pathable_ground`` and, if they matter, ``walkable_colossus`` (default:
            the same), ``level`` (cliff levels, one digit a cell; default: 1 on ground) and ``height`` (0 to 255).

    Raises:
        ValueError: the name is taken, or the file cannot be read or is not of this form.
    """
    path = Path(file).expanduser().resolve()
    terrain = Terrain(path, own=True)
    try:
        terrain.grids  # noqa: B018 - read now, so that mistakes show where the map is registered
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"terrain {path} cannot be read: {error}") from error
    terrains.register(name, terrain)


def names() -> tuple[str, ...]:
    """The registered terrains."""
    return tuple(terrains.ids())


def grids(name: str) -> dict[str, Any]:
    """The grids of a terrain as its file has them."""
    return terrains.get(name).grids


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
    """(32, 32) one of the grids that are written as digits."""
    return np.array([[int(cell) for cell in row] for row in grids(name)[grid]], dtype=np.int64)


@kernel
def stands(c, floor, x, y):
    """Whether the centre of a unit of this floor may be at this point."""
    return 0.0 <= x < MAP_CELLS and 0.0 <= y < MAP_CELLS and c.floors[floor, int(y), int(x)]


@kernel
def walks(c, floor, x, y, dx, dy):
    """Whether a unit may go from (x, y) by less than a cell: onto ground, not between walls that meet at a corner."""
    to_x, to_y = x + dx, y + dy
    return stands(c, floor, to_x, to_y) and (stands(c, floor, to_x, y) or stands(c, floor, x, to_y))


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
