"""Points of the plane, and the game's grid of 1/4096 cell."""

from __future__ import annotations

import math
from typing import NamedTuple

GRID = 4096


def on_grid(length: float) -> float:
    """The nearest multiple of 1/4096; halves go to the even one."""
    return round(length * GRID) / GRID


class Point(NamedTuple):
    """A place or a displacement, in cells."""

    x: float
    y: float

    def __add__(self, other: Point) -> Point:  # type: ignore[override]
        return Point(self.x + other.x, self.y + other.y)

    def __sub__(self, other: Point) -> Point:
        return Point(self.x - other.x, self.y - other.y)

    def __mul__(self, factor: float) -> Point:  # type: ignore[override]
        return Point(self.x * factor, self.y * factor)

    def __truediv__(self, divisor: float) -> Point:
        return Point(self.x / divisor, self.y / divisor)

    def dot(self, other: Point) -> float:
        return self.x * other.x + self.y * other.y

    def cross(self, other: Point) -> float:
        """Positive when the other direction lies to the left of this one."""
        return self.x * other.y - self.y * other.x

    @property
    def square(self) -> float:
        return self.dot(self)

    @property
    def length(self) -> float:
        return math.sqrt(self.square)

    @property
    def left(self) -> Point:
        """Turned by 90° to the left."""
        return Point(-self.y, self.x)

    @property
    def right(self) -> Point:
        return Point(self.y, -self.x)

    @property
    def rounded(self) -> Point:
        """Both coordinates on the grid."""
        return Point(on_grid(self.x), on_grid(self.y))


NOWHERE = Point(0.0, 0.0)
