"""The end of a march: a crowd about the point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.plain.bodies import gives_way
from tests.oracle.plain.geometry import Point
from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

DENSITY = 0.45  # share of its disc that a crowd fills
OUTSKIRTS = 1.5  # radii of the crowd within which it is enough to get no closer


def stands_in_crowd(unit: Unit, other: Unit) -> bool:
    """Whether the unit marches and the other is a comrade that has arrived."""
    return unit.order == Order.MARCH and gives_way(unit, other) and not other.marches


def has_arrived(battle: Battle, unit: Unit, closer: bool) -> bool:
    """Whether a marcher that meets the crowd belongs to it; ``closer``: its way still leads nearer to the point."""
    crowd = [other for other in battle.bodies_on(unit.kind.floor) if other is unit or stands_in_crowd(unit, other)]
    reach2 = sum(other.kind.body * other.kind.body for other in crowd) / DENSITY
    way_left = unit.destination - unit.place
    return way_left.square <= (reach2 if closer else OUTSKIRTS * OUTSKIRTS * reach2)


def leads_closer(unit: Unit, look: Point) -> bool:
    """Whether a direction leads nearer to the unit's destination."""
    return look.dot(unit.destination - unit.place) > 0
