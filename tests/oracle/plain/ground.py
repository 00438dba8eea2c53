"""The map under the units: where each can stand, cliff levels, and the next bend on the way round cliffs."""

from __future__ import annotations

from collections.abc import Sequence

from envs.battle.terrain import grids
from tests.oracle.plain.geometry import Point

SIZE = 32
EVERYWHERE = ["1" * SIZE] * SIZE

Cell = tuple[int, int]  # (column, row), from the bottom left


class Ground:
    """One terrain.

    Args:
        name: file in ``envs/data/maps``.
        table: [from cell][to cell] the next cell to head for, cells row by row; None where nothing is in the way.
    """

    def __init__(self, name: str, table: Sequence[Sequence[int]] | None) -> None:
        data = grids(name)
        self.walkable: dict[str, list[str]] = {
            "air": EVERYWHERE, "foot": data["pathable_ground"], "stride": data["walkable_colossus"]
        }  # fmt: skip
        self.levels: list[str] = data["level"]
        self.table = table

    def stands(self, floor: str, place: Point) -> bool:
        """Whether the centre of such a unit may be here."""
        inside = 0 <= place.x < SIZE and 0 <= place.y < SIZE
        return inside and self.walkable[floor][int(place.y)][int(place.x)] == "1"

    def walks(self, floor: str, place: Point, step: Point) -> bool:
        """Whether such a unit may take this step: where both coordinates leave their cell, past an open neighbour."""
        beside = (Point(step.x, 0.0), Point(0.0, step.y))
        return self.stands(floor, place + step) and any(self.stands(floor, place + part) for part in beside)

    def level(self, place: Point) -> int:
        """Cliff level, 0 for the void."""
        column, row = cell_of(place)
        return int(self.levels[row][column])

    def towards(self, floor: str, place: Point, goal: Point) -> Point:
        """The point to walk to in a straight line in order to reach the goal: a bend of the way, or the goal itself."""
        if self.table is None or floor != "foot":
            return goal
        bend = int(self.table[number(cell_of(place))][number(cell_of(goal))])
        if bend == number(cell_of(goal)):
            return goal
        row, column = divmod(bend, SIZE)
        return Point(column + 0.5, row + 0.5)


def cell_of(place: Point) -> Cell:
    """The cell that holds a point; the nearest one for points off the map."""
    column, row = (min(max(int(coordinate), 0), SIZE - 1) for coordinate in place)
    return column, row


def number(cell: Cell) -> int:
    column, row = cell
    return row * SIZE + column
