"""The ring of attackers round a prey: whether it has a place left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.oracle.plain.bodies import room
from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

SPARE = 0.02  # cells that a place must have on either side beyond what bodies need


def reach(unit: Unit, prey: Unit) -> float:
    """Distance of the centres from which the unit attacks."""
    return unit.kind.weapons[0].range + unit.kind.radius + prey.kind.radius


def way_left(unit: Unit) -> float:
    """Way straight to where the unit can attack; infinite for who attacks nobody."""
    if not attacks(unit) or unit.target is None:
        return math.inf
    return math.sqrt(unit.distance2(unit.target)) - reach(unit, unit.target)


def attacks(unit: Unit) -> bool:
    return unit.order in (Order.ATTACK, Order.ACQUIRED)


def is_in_ring(unit: Unit, other: Unit) -> bool:
    """Whether the other stands so close to the unit's target that the unit does not fit in between."""
    assert unit.target is not None
    least = room(unit, other) + room(unit, unit.target)
    return other.distance2(unit.target) < least * least


def shares_prey(unit: Unit, other: Unit) -> bool:
    """Whether both, of one side, attack the same unit."""
    return attacks(unit) and attacks(other) and other.target is unit.target and other.is_agent == unit.is_agent


def has_place(battle: Battle, unit: Unit, standing: set[Unit]) -> bool:
    """Whether the ring round the unit's target has a place for it beside somebody who stands there."""
    ring = [
        other
        for other in battle.bodies_on(unit.kind.floor)
        if other in standing and other is not unit and other is not unit.target and is_in_ring(unit, other)
    ]
    return any(is_free_beside(battle, unit, ring, other, side) for other in ring for side in (1, -1))


def is_free_beside(battle: Battle, unit: Unit, ring: list[Unit], other: Unit, side: int) -> bool:
    """Whether the unit could attack from beside the other, on the left (1) or the right (-1) as seen from the prey."""
    prey = unit.target
    assert prey is not None
    spoke, farthest, least = other.place - prey.place, reach(unit, prey), room(unit, other) + SPARE
    if spoke.length == 0:
        return False
    cosine = (spoke.length * spoke.length + farthest * farthest - least * least) / (2 * spoke.length * farthest)
    if abs(cosine) > 1:
        return False
    spot = (spoke * cosine + spoke.left * (side * math.sqrt(1 - cosine * cosine))) / spoke.length * farthest
    rest = [third for third in ring if third is not other]
    taken = any((third.place - prey.place - spot).square < (room(unit, third) + SPARE) ** 2 for third in rest)
    return not taken and battle.ground.stands(unit.kind.floor, prey.place + spot)
