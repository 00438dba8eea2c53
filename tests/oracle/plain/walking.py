"""Turning, wishing for a step, and taking it: past who stands, along who is touched, along walls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.oracle.plain.bodies import GAP, comes_too_close, gives_way, moves_aside, room
from tests.oracle.plain.crowd import has_arrived, leads_closer, stands_in_crowd
from tests.oracle.plain.geometry import GRID, NOWHERE, Point
from tests.oracle.plain.ground import SIZE
from tests.oracle.plain.ring import attacks, has_place, is_in_ring, shares_prey, way_left
from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

LOOK = 1.0  # cells ahead, edge to edge, at which bodies matter
LOOKS = 4  # bodies to pass in one turn of the head
BERTH = 4 / GRID  # left when passing round
LITTLE = 0.25  # of a step: less progress than this means head-on, a shorter step that it is stuck


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
    if not (unit.kind.has_turret and attacks(unit)):
        face(unit, way)
    if battle.options.turning == "first" and unit.turning:
        return False
    unit.velocity = min(unit.velocity + unit.kind.acceleration, speed)
    unit.wish = way / way.length * min(unit.velocity, way.length)
    return unit.velocity >= way.length and corner == goal


def move_everybody(battle: Battle) -> None:
    """One after the other, from the first on even ticks and from the last on odd ones."""
    standing = {unit for unit in battle.units if unit.wish is None or unit.stuck}
    for unit in battle.units if battle.tick % 2 == 0 else reversed(battle.units):
        start, unit.stuck = unit.place, False
        if not unit.alive or unit.wish is None:
            unit.velocity = 0.0
        elif unit.kind.floor == "air":
            unit.place = Point(*(min(max(c, 0.0), float(SIZE)) for c in unit.place + unit.wish.rounded))
        else:
            walk = Walk(battle, unit, standing)
            walk.take(unit.wish.rounded)
            unit.stuck = bool(walk.near) and (unit.place - start).square < LITTLE * LITTLE * unit.wish.square


class Walk:
    """One unit's step among those around it."""

    def __init__(self, battle: Battle, unit: Unit, standing: set[Unit]) -> None:
        self.battle, self.unit, self.standing = battle, unit, standing
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
                push(self.battle, blocker, unit.place + step, room(unit, blocker))
                blocker = self.blocker(step)
            if blocker:
                step = self.along(step, blocker)
                if self.blocker(step):
                    unit.turns_to = -unit.turns_to
                    return
        self.go(step)

    def go(self, step: Point) -> None:
        """The whole step, or its part along a wall: across before up."""
        unit, ground = self.unit, self.battle.ground
        parts = [step, Point(step.x, 0.0), Point(0.0, step.y)]
        part = next((part for part in parts if ground.walks(unit.kind.floor, unit.place, part)), None)
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
        look, ahead, passed = step / step.length, min(LOOK, way_left(unit)), None
        for _ in range(LOOKS):
            obstacle = self.first_ahead(look, ahead, passed)
            if obstacle is None:
                if passed is None:
                    unit.turns_to = 0
                    return step
                return (look * step.length).rounded
            if unit.turns_to == 0:
                unit.turns_to = shorter_side(unit, obstacle, look)
            joins = passed is None and shares_prey(unit, obstacle) and is_in_ring(unit, obstacle)
            if joins and not has_place(self.battle, unit, self.standing):
                return NOWHERE
            look = tangent(unit, obstacle, unit.turns_to)
            closer = unit not in self.standing and leads_closer(unit, look)
            if stands_in_crowd(unit, obstacle) and has_arrived(self.battle, unit, closer):
                unit.idle()
                unit.marches = False
                return NOWHERE
            ahead, passed = 2 * step.length, obstacle
        return NOWHERE

    def first_ahead(self, look: Point, ahead: float, passed: Unit | None) -> Unit | None:
        """Who stands first in the line of sight and will not give way; the own target is not in the way."""
        first, nearest = None, ahead
        for other in self.near:
            moves = other not in self.standing
            yields = gives_way(self.unit, other) and self.unit.order != Order.MARCH
            if moves or yields or other is passed or other is self.unit.target:
                continue
            gap = other.place - self.unit.place
            along, least = gap.dot(look), room(self.unit, other)
            depth2 = least * least - (gap.square - along * along)
            if along > 0 and depth2 > 0 and along - math.sqrt(depth2) < nearest:
                first, nearest = other, along - math.sqrt(depth2)
        return first

    def along(self, step: Point, blocker: Unit) -> Point:
        """The step bent along who blocks it, or else no farther than it has to be, along who blocks that."""
        bent = self.bent(step, blocker)
        if self.blocker(bent):
            bent = shortened(self.unit, step)
            second = self.blocker(bent)
            bent = self.bent(bent, second) if second else bent
        return bent

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
    if away != NOWHERE:
        moves_aside(battle, unit, (away / away.length * min(least + GAP - away.length, unit.kind.speed)).rounded)


def shortened(unit: Unit, step: Point) -> Point:
    """The step, but no farther than the unit has to go to attack."""
    return (step / step.length * min(max(way_left(unit) + GAP, 0.0), step.length)).rounded
