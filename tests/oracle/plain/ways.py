"""Shortest ways on foot, cell by cell: Dijkstra over all pairs of cells that see each other."""

from __future__ import annotations

import heapq
import math

from tests.oracle.plain.ground import SIZE, Cell


class Ways:
    """The cells of one terrain that can be walked on, and who sees whom.

    Args:
        rows: ``1`` where the ground can be walked on, the bottom row first.
    """

    def __init__(self, rows: list[str]) -> None:
        self.cells = {(x, y) for y in range(SIZE) for x in range(SIZE) if rows[y][x] == "1"}
        self.rocks = {(x, y) for y in range(SIZE) for x in range(SIZE)} - self.cells

    def sees(self, a: Cell, b: Cell) -> bool:
        """Whether a square that slides in a straight line from one cell to the other stays on the ground.

        By separating axes, in whole numbers: the strip and a rock are apart if they are apart along x, along y, or
        across the strip, where both are as wide as the steps along x and y together.
        """
        (ax, ay), (bx, by) = a, b
        dx, dy = bx - ax, by - ay
        xs, ys = range(min(ax, bx), max(ax, bx) + 1), range(min(ay, by), max(ay, by) + 1)
        return not any(
            (x, y) in self.rocks and abs(dx * (y - ay) - dy * (x - ax)) < abs(dx) + abs(dy) for y in ys for x in xs
        )

    def lengths(self, goal: Cell) -> dict[Cell, float]:
        """Length of the shortest way to the goal, from the centre of every cell that has one."""
        settled: dict[Cell, float] = {}
        heap = [(0.0, goal)]
        while heap:
            length, cell = heapq.heappop(heap)
            if cell in settled:
                continue
            settled[cell] = length
            for other in self.cells:
                if other not in settled and self.sees(cell, other):
                    heapq.heappush(heap, (length + math.dist(cell, other), other))
        return settled
