"""Answers to a client's questions: how long a way is, what a unit can do, where there is room."""

from __future__ import annotations

import math

from s2clientprotocol.error_pb2 import ActionResult
from s2clientprotocol.query_pb2 import RequestQuery, RequestQueryPathing, ResponseQuery

from envs.battle.jit import kernel
from envs.battle.snapshots.game_state import AGENTS
from envs.battle.state import MAP_CELLS
from envs.battle.terrain import cell_of, stands
from envs.battle.units import IN_THE_AIR, ON_FOOT
from envs.battle.walking.paths import next_point, sees
from envs.sc2.server.messages import orders
from envs.sc2.server.simulation.field import Field

NO_WAY = 0.0  # how the game says that there is none
NEED_POINT = (orders.MOVE, orders.ATTACK, orders.PATROL, orders.SCAN_MOVE)


@kernel
def way_length(setup, floor, x, y, goal_x, goal_y):
    """Length of the way between two points for a unit of this floor, 0 where there is none."""
    c = setup[0]
    if not stands(c, floor, x, y) or not stands(c, floor, goal_x, goal_y):
        return NO_WAY
    length = 0.0
    for _ in range(MAP_CELLS * MAP_CELLS):
        next_x, next_y = goal_x, goal_y
        if c.has_waypoints and floor == ON_FOOT:
            next_x, next_y = next_point(c, x, y, goal_x, goal_y)
            # Who cannot get any nearer to a goal beyond his reach is sent straight there.
            if next_x == goal_x and next_y == goal_y and not sees(c.pathable, cell_of(x, y), cell_of(goal_x, goal_y)):
                return NO_WAY
        length += math.sqrt((next_x - x) ** 2 + (next_y - y) ** 2)
        x, y = next_x, next_y
        if x == goal_x and y == goal_y:
            return length
    return NO_WAY


def answer(field: Field, numbers: dict[int, int], request: RequestQuery) -> ResponseQuery:
    """The whole response to a query; ``numbers`` are those of the living by tag."""
    response = ResponseQuery()
    for way in request.pathing:
        response.pathing.add(distance=_way(field, numbers, way))
    for asked in request.abilities:
        i = numbers.get(asked.unit_tag)
        available = response.abilities.add(unit_tag=asked.unit_tag)
        if i is not None:
            available.unit_type_id = field.members[i].unit_type
            for ability in abilities_of(field, i):
                available.abilities.add(ability_id=ability, requires_point=ability in NEED_POINT)
    for place in request.placements:
        point = place.target_pos
        free = _is_free(field, point.x, point.y)
        response.placements.add(result=ActionResult.Success if free else ActionResult.CantBuildLocationInvalid)
    return response


def abilities_of(field: Field, i: int) -> list[int]:
    """Return the orders that unit i can take; none if it is not the client's."""
    member, units = field.members[i], field.units[0]
    if member.owner != AGENTS:
        return []
    abilities = [orders.STOP, orders.SMART]
    if units["speed"][member.kind] > 0:
        abilities += [orders.MOVE, orders.PATROL, orders.HOLD]
    if units["weapons"][member.kind] > 0:
        abilities.append(orders.ATTACK)
    if units["heals"][member.kind]:
        abilities += [orders.SCAN_MOVE, orders.HEAL]
    return sorted(abilities)


def _way(field: Field, numbers: dict[int, int], asked: RequestQueryPathing) -> float:
    floor, x, y = ON_FOOT, asked.start_pos.x, asked.start_pos.y
    if asked.WhichOneof("start") == "unit_tag":
        i = numbers.get(asked.unit_tag)
        if i is None:
            return NO_WAY
        floor = int(field.units["floor"][0][field.members[i].kind])
        x, y = float(field.columns["x"][i]), float(field.columns["y"][i])
    points = (x, y, asked.end_pos.x, asked.end_pos.y)
    if not all(math.isfinite(length) for length in points):
        return NO_WAY
    return float(way_length(field.setup, floor, *points))


def _is_free(field: Field, x: float, y: float) -> bool:
    """Whether a small unit could stand here: ground, and nobody on it."""
    if not (0 <= x < MAP_CELLS and 0 <= y < MAP_CELLS and field.setup["pathable"][0][int(y), int(x)]):
        return False
    radius = field.units["radius"][0]
    for i in field.alive.nonzero()[0]:
        reach = radius[field.members[i].kind]
        on_ground = field.columns["floor"][i] != IN_THE_AIR
        if on_ground and math.hypot(field.columns["x"][i] - x, field.columns["y"][i] - y) < reach:
            return False
    return True
