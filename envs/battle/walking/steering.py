"""Walking round what stands in the way.

A unit looks a little ahead along the straight line to where it wants to be. If a body that will not give way stands
there, it heads for the edge of that body instead, and of the next one that stands there, always on the side that it
chose at first, until the straight line is free again: so a pack flows round its prey and each finds a place to bite.
The game's own steering is not documented; what is known is that units find their way round each other.
"""

from __future__ import annotations

import math

from envs.battle.basics.command import halt
from envs.battle.basics.geometry import on_grid
from envs.battle.basics.sets import WORD, WORDS, bit, lowest, up_to, without_lowest
from envs.battle.jit import kernel
from envs.battle.state import MAP_CELLS, MARCH, NOBODY, NONE
from envs.battle.units import GRID
from envs.battle.walking.arrival import has_arrived, has_place, is_in_ring, shares_prey, stands_in_crowd, way_left
from envs.battle.walking.bodies import LOOK

TRIES = 4  # bodies to pass in one turn of the head
CLEARANCE = 4.0 / GRID


@kernel
def heading(b, u, c, i, x, y):
    """The wished-for step (x, y) of unit i, turned past the standing bodies near by."""
    if x == 0.0 and y == 0.0:
        return x, y
    if not anybody_stands(b, c, i):
        b.side[i] = 0
        return x, y
    length = math.sqrt(x * x + y * y)
    look_x, look_y = x / length, y / length
    ahead = min(LOOK, way_left(b, u, i))
    passed = NOBODY
    for _ in range(TRIES):
        j = standing_ahead(b, i, look_x, look_y, ahead, passed)
        if j < 0:
            if passed < 0:
                b.side[i] = 0
                return x, y
            return on_grid(look_x * length), on_grid(look_y * length)
        if b.side[i] == 0:
            b.side[i] = nearer_side(b, i, j, look_x, look_y)
        if passed < 0 and shares_prey(b, c, i, j) and is_in_ring(b, i, j) and not has_place(b, u, c, i):
            return 0.0, 0.0
        look_x, look_y = tangent(b, i, j, b.side[i])
        if stands_in_crowd(b, c, i, j) and has_arrived(b, c, i, look_x, look_y):
            halt(b, i)
            b.idle[i // WORD] |= bit(i)
            return 0.0, 0.0
        ahead = 2.0 * length  # past the first body, only what the next steps would touch matters
        passed = j
    return 0.0, 0.0


@kernel(inline=True)
def anybody_stands(b, c, i):
    """Note the near bodies that stand and will not give way to unit i; its own target is not in the way."""
    target = b.target[i]
    found = False
    for word in range(WORDS):
        stands = b.near[word] & b.still[word]
        if stands != 0:
            if b.order[i] != MARCH:  # else they have arrived
                stands &= ~(b.idle[word] & comrades(c, i, word))
            if target >= 0 and target // WORD == word:
                stands &= ~bit(target)
            found = found or stands != 0
        b.stands[word] = stands
    return found


@kernel(inline=True)
def comrades(c, i, word):
    """The bits of unit i's side in a word."""
    bits = up_to(max(c.n_agents - word * WORD, 0))
    return bits if i < c.n_agents else ~bits


@kernel
def standing_ahead(b, i, look_x, look_y, ahead, passed):
    """Return the first standing body near by on a line, -1 for none."""
    first = NOBODY
    least_way = ahead
    for word in range(WORDS):
        bits = b.stands[word]
        while bits != 0:
            j = word * WORD + lowest(bits)
            bits = without_lowest(bits)
            way = way_to(b, i, j, look_x, look_y)
            if way < least_way and j != passed:
                first, least_way = j, way
    return first


@kernel
def way_to(b, i, j, look_x, look_y):
    """How far unit i can go along a line before it touches body j; infinite if it never does."""
    dx = b.x[j] - b.x[i]
    dy = b.y[j] - b.y[i]
    along = dx * look_x + dy * look_y
    if along <= 0.0:
        return math.inf
    least = b.body[i] + b.body[j]
    depth2 = least * least - (dx * dx + dy * dy - along * along)
    return along - math.sqrt(depth2) if depth2 > 0.0 else math.inf


@kernel(inline=True)
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
