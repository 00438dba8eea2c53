"""The ground: which cells a unit can stand on, read from the map's data file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


@cache
def heights(name: str) -> NDArray[np.int64]:
    """(32, 32) height of the ground as the game's interface gives it: a byte, 255 / 32 a cell above -16."""
    rows = json.loads((files("envs") / "data" / "maps" / f"{name}.json").read_text())["height"]
    return np.array(rows, dtype=np.int64)


@cache
def pathable(name: str) -> NDArray[np.bool_]:
    """(height, width) true where ground units can stand; row 0 is the bottom of the map."""
    rows = json.loads((files("envs") / "data" / "maps" / f"{name}.json").read_text())["pathable_ground"]
    return np.array([[cell == "1" for cell in row] for row in rows])
