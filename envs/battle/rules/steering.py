"""Walking round what stands in the way.

A unit looks a little ahead along the straight line to where it wants to be. If a body that will not give way stands
there, it heads for the edge of that body instead, and of the next one that stands there, always on the side that it
chose at first, until the straight line is free again: so a pack flows round its prey and each finds a place to bite.
The game's own steering is not documented; what is known is that units find their way round each other.
"""

from __future__ import annotations

import math

from envs.battle.jit import kernel
from envs.battle.rules.bodies import LOOK
from envs.battle.rules.geometry import on_grid
from envs.battle.state import MAP_CELLS, NOBODY, NONE
from envs.battle.units import GRID

TRIES = 4  # bodies to pass in one turn of the head
CLEARANCE = 4.0 / GRID


@kernel
def heading(b, c, i, count, x, y):
    """The wished-for step (x, y) of unit i, turned past the standing bodies among ``count`` near ones."""
    length = math.sqrt(x * x + y * y)
    if length == 0.0:
        return x, y
    look_x, look_y = x / length, y / length
    ahead = LOOK
    passed = NOBODY
    for _ in range(TRIES):
        j = standing_ahead(b, c, i, count, look_x, look_y, ahead, passed)
        if j < 0:
            if passed < 0:
                b.side[i] = 0
                return x, y
            return on_grid(look_x * length), on_grid(look_y * length)
        if b.side[i] == 0:
            b.side[i] = nearer_side(b, i, j, look_x, look_y)
        look_x, look_y = tangent(b, i, j, b.side[i])
        ahead = 2.0 * length  # past the first body, only what the next steps would touch matters
        passed = j
    return 0.0, 0.0


@kernel
def standing_ahead(b, c, i, count, look_x, look_y, ahead, passed):
    """Return the first standing body near by on a line, -1 for none; the own target is not in the way."""
    first = NOBODY
    least_way = ahead
    for k in range(count):
        j = b.near[k]
        if j == passed or j == b.target[i] or b.moving[j] or yields(b, c, i, j):
            continue
        dx = b.x[j] - b.x[i]
        dy = b.y[j] - b.y[i]
        along = dx * look_x + dy * look_y
        if along <= 0.0:
            continue
        least = b.body[i] + b.body[j]
        depth2 = least * least - (dx * dx + dy * dy - along * along)
        if depth2 > 0.0:
            way = along - math.sqrt(depth2)
            if way < least_way:
                first, least_way = j, way
    return first


@kernel
def yields(b, c, i, j):
    """Idle comrades are pushed aside, so they are not in the way."""
    return b.order[j] == NONE and (i < c.n_agents) == (j < c.n_agents)


@kernel
def nearer_side(b, i, j, look_x, look_y):
    """Left (1) or right (-1) of body j, whichever bends the way less.

    A body exactly ahead is passed in the north, or on the way north or south towards the middle of the map: a rule that
    a mirrored battle follows as well.
    """
    cross = look_x * (b.y[j] - b.y[i]) - look_y * (b.x[j] - b.x[i])
    if cross == 0.0:
        cross = -look_x if look_x != 0.0 else look_y * (MAP_CELLS / 2 - b.x[i])
    return -1 if cross > 0.0 else 1


@kernel
def tangent(b, i, j, side):
    """Unit vector along which unit i just passes body j on the given side."""
    dx = b.x[j] - b.x[i]
    dy = b.y[j] - b.y[i]
    distance = math.sqrt(dx * dx + dy * dy)
    least = b.body[i] + b.body[j] + CLEARANCE
    sine = min(least / distance, 1.0) if distance > 0.0 else 1.0
    cosine = math.sqrt(1.0 - sine * sine)
    if distance > 0.0:
        dx /= distance
        dy /= distance
    return dx * cosine - side * dy * sine, dy * cosine + side * dx * sine
