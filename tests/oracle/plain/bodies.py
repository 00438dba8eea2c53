"""Bodies on one floor and the room between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.plain.geometry import GRID, Point
from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

GAP = 2 / GRID  # left between two that slide along each other


def room(unit: Unit, other: Unit) -> float:
    """Least distance of two centres on one floor."""
    return unit.kind.body + other.kind.body


def comes_too_close(unit: Unit, other: Unit, step: Point) -> bool:
    """Into the other's room, and nearer than it is now."""
    now = other.place - unit.place
    then = now - step
    return then.square < min(room(unit, other) ** 2, now.square)


def gives_way(unit: Unit, other: Unit) -> bool:
    """Idle comrades let themselves be pushed."""
    return other.order == Order.NONE and other.is_agent == unit.is_agent


def moves_aside(battle: Battle, unit: Unit, step: Point) -> bool:
    """Take the step if nobody and nothing stands there; whether it was taken."""
    others = (other for other in battle.bodies_on(unit.kind.floor) if other is not unit)
    taken = any(comes_too_close(unit, other, step) for other in others)
    free = battle.ground.walks(unit.kind.floor, unit.place, step) and not taken
    if free:
        unit.place += step
    return free
