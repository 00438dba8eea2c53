"""Turning, wishing for a step, and taking it: past who stands, along who is touched, along walls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.oracle.plain.geometry import GRID, NOWHERE, Point
from tests.oracle.plain.ground import SIZE
from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

LOOK = 1.0  # cells ahead, edge to edge, at which bodies matter
LOOKS = 4  # bodies to pass in one turn of the head
GAP, BERTH = 2 / GRID, 4 / GRID  # left between two that slide along each other, and when passing round
LITTLE = 0.25  # of a step: less progress than this means head-on


def face(unit: Unit, direction: Point) -> bool:
    """Look that way; true when the first weapon bears. The ticks that turning takes are waited for."""
    if direction.length > 0:
        direction = direction / direction.length
        if unit.kind.weapons:
            cosine = unit.facing.dot(direction)
            waits = sum(cosine < least for least in unit.kind.weapons[0].turns)
            unit.turning = max(unit.turning, waits)
        unit.facing = direction
    return unit.turning == 0


def head_for(battle: Battle, unit: Unit, goal: Point, speed: float) -> bool:
    """Wish for this tick's step to the goal; true when it leads there."""
    corner = battle.ground.towards(unit.kind.floor, unit.place, goal)
    way = corner - unit.place
    if way == NOWHERE:
        return True
    face(unit, way)
    if battle.options.turning == "first" and unit.turning:
        return False
    unit.velocity = min(unit.velocity + unit.kind.acceleration, speed)
    unit.wish = way / way.length * min(unit.velocity, way.length)
    return unit.velocity >= way.length and corner == goal


def move_everybody(battle: Battle) -> None:
    """One after the other, from the first on even ticks and from the last on odd ones."""
    for unit in battle.units if battle.tick % 2 == 0 else reversed(battle.units):
        if not unit.alive or unit.wish is None:
            unit.velocity = 0.0
        elif unit.kind.floor == "air":
            unit.place = Point(*(min(max(c, 0.0), float(SIZE)) for c in unit.place + unit.wish.rounded))
        else:
            Walk(battle, unit).take(unit.wish.rounded)


class Walk:
    """One unit's step among those around it."""

    def __init__(self, battle: Battle, unit: Unit) -> None:
        self.battle, self.unit = battle, unit
        self.near = [
            other for other in battle.bodies_on(unit.kind.floor)
            if other is not unit and unit.distance2(other) < (room(unit, other) + LOOK) ** 2
        ]  # fmt: skip

    def take(self, step: Point) -> None:
        """Steer, push aside who lets itself be pushed, bend along who does not, and go."""
        unit = self.unit
        if self.near:
            step = self.steered(step)
            blocker = self.blocker(step)
            if blocker and gives_way(unit, blocker):
                if unit.order == Order.MARCH and not blocker.marches:  # who stands here has arrived, and so has it
                    unit.idle()
                    unit.marches = False
                    return
                push(self.battle, blocker, unit.place + step, room(unit, blocker))
                blocker = self.blocker(step)
            if blocker:
                step = self.bent(step, blocker)
                if self.blocker(step):
                    unit.turns_to = -unit.turns_to
                    return
        self.go(step)

    def go(self, step: Point) -> None:
        """The whole step, or its part along a wall: across before up."""
        unit, ground = self.unit, self.battle.ground
        parts = [step, Point(step.x, 0.0), Point(0.0, step.y)]
        part = next((part for part in parts if ground.stands(unit.kind.floor, unit.place + part)), None)
        if part is None or (part is not step and self.blocker(part)):
            unit.turns_to = -unit.turns_to
        else:
            unit.place += part

    def blocker(self, step: Point) -> Unit | None:
        """The first of the near that the step would come too close to."""
        return next((other for other in self.near if comes_too_close(self.unit, other, step)), None)

    def steered(self, step: Point) -> Point:
        """The step turned past the bodies that stand ahead, all on the same side."""
        unit = self.unit
        if step == NOWHERE:
            return step
        look, ahead, passed = step / step.length, LOOK, None
        for _ in range(LOOKS):
            obstacle = self.first_ahead(look, ahead, passed)
            if obstacle is None:
                if passed is None:
                    unit.turns_to = 0
                    return step
                return (look * step.length).rounded
            if unit.turns_to == 0:
                unit.turns_to = shorter_side(unit, obstacle, look)
            look = tangent(unit, obstacle, unit.turns_to)
            ahead, passed = 2 * step.length, obstacle
        return NOWHERE

    def first_ahead(self, look: Point, ahead: float, passed: Unit | None) -> Unit | None:
        """Who stands first in the line of sight and will not give way; the own target is not in the way."""
        first, nearest = None, ahead
        for other in self.near:
            moves = other.wish is not None
            if moves or other is passed or other is self.unit.target or gives_way(self.unit, other):
                continue
            gap = other.place - self.unit.place
            along, least = gap.dot(look), room(self.unit, other)
            depth2 = least * least - (gap.square - along * along)
            if along > 0 and depth2 > 0 and along - math.sqrt(depth2) < nearest:
                first, nearest = other, along - math.sqrt(depth2)
        return first

    def bent(self, step: Point, other: Unit) -> Point:
        """Up to where they touch and on along the other's edge; past each other when both come head-on."""
        unit = self.unit
        away = unit.place + step - other.place
        along = NOWHERE
        if away.length > 0:
            along = (other.place - unit.place) + away / away.length * (room(unit, other) + GAP)
        meets = other.wish is not None and other.wish.dot(step) < 0
        if meets and along.dot(step) < LITTLE * step.square and other is not unit.target:
            return step.left if shorter_side(unit, other, step) > 0 else step.right
        return (along * math.sqrt(min(1.0, step.square / max(along.square, step.square)))).rounded


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


def shorter_side(unit: Unit, other: Unit, look: Point) -> int:
    """Left (1) or right (-1), whichever bends the way less.

    Who is exactly ahead is passed in the north, or on the way north or south towards the middle of the map.
    """
    lies_left = look.cross(other.place - unit.place)
    if lies_left == 0:
        lies_left = -look.x if look.x else look.y * (SIZE / 2 - unit.place.x)
    return -1 if lies_left > 0 else 1


def tangent(unit: Unit, other: Unit, side: int) -> Point:
    """Direction that just passes the other on that side."""
    gap = other.place - unit.place
    if gap == NOWHERE:
        return NOWHERE
    sine = min((room(unit, other) + BERTH) / gap.length, 1.0)
    cosine = math.sqrt(1.0 - sine * sine)
    return gap / gap.length * cosine + (gap / gap.length).left * (side * sine)


def push(battle: Battle, unit: Unit, origin: Point, least: float) -> None:
    """Away from the origin until there is room, no faster than it walks, if nobody and nothing stands there."""
    away = unit.place - origin
    if away == NOWHERE:
        return
    step = (away / away.length * min(least + GAP - away.length, unit.kind.speed)).rounded
    others = (other for other in battle.bodies_on(unit.kind.floor) if other is not unit)
    taken = any(comes_too_close(unit, other, step) for other in others)
    if battle.ground.stands(unit.kind.floor, unit.place + step) and not taken:
        unit.place += step
