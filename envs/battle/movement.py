"""Walking, flying, turning, keeping apart.

Every unit first wishes for a displacement; wishes that bring two bodies closer than their hard distance are pushed
apart in two passes over all pairs, which lets units slide round each other. Units that move give way, idle comrades
are shoved, units that fight, and enemies, are not. What is left is settled one unit after the other, so that two bodies
never share ground. Displacements are rounded to the game's grid, never positions, so a mirrored battle stays
mirrored.
"""

from __future__ import annotations

import math

from envs.battle.geometry import distance2
from envs.battle.jit import kernel
from envs.battle.state import NONE
from envs.battle.units import GRID

PASSES = 2
MARGIN = 2.0 / GRID  # more than rounding two displacements can take from a distance
MAP_SIZE = 32.0


@kernel
def face(b, u, i, dx, dy, weapon):
    """Turn towards (dx, dy); true when the weapon bears. Facing snaps, the ticks that turning takes are waited for."""
    length = math.sqrt(dx * dx + dy * dy)
    if length > 0.0:
        dx /= length
        dy /= length
        cosine = b.facing_x[i] * dx + b.facing_y[i] * dy
        k = b.kind[i]
        if cosine < u.cos_one_turn[k, weapon]:
            wait = 1 if cosine >= u.cos_two_turns[k, weapon] else 2
            b.turning[i] = max(b.turning[i], wait)
        b.facing_x[i] = dx
        b.facing_y[i] = dy
    return b.turning[i] == 0


@kernel
def head_for(b, u, i, x, y):
    """Wish to move straight towards a point, which turns the body; true when it is reached within this tick."""
    k = b.kind[i]
    dx = x - b.x[i]
    dy = y - b.y[i]
    distance = math.sqrt(dx * dx + dy * dy)
    if distance <= 0.0:
        return True
    face(b, u, i, dx, dy, 0)
    b.velocity[i] = min(b.velocity[i] + u.acceleration[k], u.speed[k])
    step = min(b.velocity[i], distance)
    b.move_x[i] = dx / distance * step
    b.move_y[i] = dy / distance * step
    b.moving[i] = True
    return step >= distance


@kernel
def yields(b, c, i, j):
    """Whether unit i gives way to unit j: it moves itself, or it is idle and a comrade pushes."""
    same_side = (i < c.n_agents) == (j < c.n_agents)
    return b.moving[i] or (same_side and b.order[i] == NONE and b.moving[j])


@kernel
def push_apart(b, u, c, i, j):
    """Move two wished-for places apart if they are too close; exactly coincident ones part along y by number."""
    least = u.hard_distance[b.kind[i], b.kind[j]] + MARGIN
    dx = b.next_x[j] - b.next_x[i]
    dy = b.next_y[j] - b.next_y[i]
    d2 = dx * dx + dy * dy
    if d2 >= least * least or least == MARGIN:
        return False
    i_yields = yields(b, c, i, j)
    j_yields = yields(b, c, j, i)
    distance = math.sqrt(d2)
    if distance > 0.0:
        dx /= distance
        dy /= distance
    else:
        dx, dy = 0.0, 1.0
    overlap = least - distance
    share = 0.5 if i_yields and j_yields else 1.0
    if i_yields:
        b.next_x[i] -= dx * overlap * share
        b.next_y[i] -= dy * overlap * share
    if j_yields:
        b.next_x[j] += dx * overlap * share
        b.next_y[j] += dy * overlap * share
    return True


@kernel
def settle(b, u, c, i):
    """Fit the wish to speed, grid and ground; true when a wall is in the way."""
    k = b.kind[i]
    dx = b.next_x[i] - b.x[i]
    dy = b.next_y[i] - b.y[i]
    distance = math.sqrt(dx * dx + dy * dy)
    if distance > u.speed[k]:
        dx *= u.speed[k] / distance
        dy *= u.speed[k] / distance
    x = b.x[i] + round(dx * GRID) / GRID
    y = b.y[i] + round(dy * GRID) / GRID
    b.next_x[i] = x
    b.next_y[i] = y
    if u.is_air[k]:
        b.next_x[i] = min(max(x, 0.0), MAP_SIZE)
        b.next_y[i] = min(max(y, 0.0), MAP_SIZE)
        return False
    if stands(c, x, y):
        return False
    if stands(c, x, b.y[i]):  # slide along the wall
        b.next_y[i] = b.y[i]
    else:
        b.next_x[i] = b.x[i]
        if not stands(c, b.x[i], y):
            b.next_y[i] = b.y[i]
    return True


@kernel
def step_aside(b, u, c, i):
    """Where unit i is still in somebody's way: try the nearest place clear of that body, else stay."""
    j = blocker(b, u, c, i)
    if j < 0:
        return
    dx = b.next_x[i] - b.x[j]
    dy = b.next_y[i] - b.y[j]
    distance = math.sqrt(dx * dx + dy * dy)
    if distance > 0.0:
        least = u.hard_distance[b.kind[i], b.kind[j]] + MARGIN
        b.next_x[i] = b.x[j] + dx / distance * least
        b.next_y[i] = b.y[j] + dy / distance * least
        settle(b, u, c, i)
    if blocker(b, u, c, i) >= 0:
        b.next_x[i] = b.x[i]
        b.next_y[i] = b.y[i]


@kernel
def blocker(b, u, c, i):
    """The first unit within hard distance of i's next place and nearer to it than to i's present place, -1 for none."""
    for j in range(c.n_agents + c.n_enemies):
        if j == i or not b.alive[j]:
            continue
        dx = b.x[j] - b.next_x[i]
        dy = b.y[j] - b.next_y[i]
        d2 = dx * dx + dy * dy
        least = u.hard_distance[b.kind[i], b.kind[j]]
        if d2 < least * least and d2 < distance2(b, i, j):
            return j
    return -1


@kernel
def stands(c, x, y):
    """Whether a ground unit's centre may be at this point."""
    height, width = c.pathable.shape
    return 0.0 <= x < width and 0.0 <= y < height and c.pathable[int(y), int(x)]


@kernel
def move_all(b, u, c):
    """Carry out the wishes of one tick."""
    n_units = c.n_agents + c.n_enemies
    anyone = False
    for i in range(n_units):
        b.next_x[i] = b.x[i]
        b.next_y[i] = b.y[i]
        if b.alive[i] and b.moving[i]:
            anyone = True
            b.next_x[i] += b.move_x[i]
            b.next_y[i] += b.move_y[i]
        else:
            b.velocity[i] = 0.0
    if not anyone:
        return
    crowded = False
    for _ in range(PASSES):
        for i in range(n_units):
            if not b.alive[i] or u.is_air[b.kind[i]]:
                continue
            for j in range(i + 1, n_units):
                if b.alive[j] and (b.moving[i] or b.moving[j]) and push_apart(b, u, c, i, j):
                    crowded = True
    for i in range(n_units):
        if b.alive[i] and (b.next_x[i] != b.x[i] or b.next_y[i] != b.y[i]) and settle(b, u, c, i):
            crowded = True
    for i in range(n_units):
        if b.alive[i] and (b.next_x[i] != b.x[i] or b.next_y[i] != b.y[i]):
            if crowded and not u.is_air[b.kind[i]]:
                step_aside(b, u, c, i)
            b.x[i] = b.next_x[i]
            b.y[i] = b.next_y[i]
