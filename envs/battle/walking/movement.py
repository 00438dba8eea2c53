"""Walking, flying, turning, keeping apart.

Every unit first wishes for a displacement; then, one after the other and in turn from either end, each takes its step.
On free ground that is all. Near other bodies it walks round those that stand (``steering.py``), moves idle comrades out
of its way, and stops where it touches somebody: two bodies never share ground. Displacements are rounded to the game's
grid, never positions, so a mirrored battle stays mirrored.
"""

from __future__ import annotations

import math

from envs.battle.basics.geometry import on_grid
from envs.battle.jit import kernel
from envs.battle.state import ACQUIRED, ATTACK, MAP_CELLS
from envs.battle.terrain import stands, walks
from envs.battle.units import GRID, IN_THE_AIR, MAX_TURNS, ON_FOOT
from envs.battle.walking.arrival import way_left
from envs.battle.walking.bodies import anybody_near, clear, find_near, first_in_way, in_way, note_who_bars
from envs.battle.walking.paths import next_point
from envs.battle.walking.steering import heading, nearer_side, yields

MARGIN = 2.0 / GRID  # more than rounding a displacement can take from a distance
SHARP = 0.25  # of a step: less progress than this along a body means that it is met head-on
LITTLE = 0.25  # of a step: who makes less of it is stuck


@kernel(inline=True)
def face(b, u, i, dx, dy, weapon):
    """Turn towards (dx, dy); true when the weapon bears."""
    length = math.sqrt(dx * dx + dy * dy)
    if length > 0.0:
        turn(b, u, i, dx / length, dy / length, weapon)
    return b.turning[i] == 0


@kernel(inline=True)
def turn(b, u, i, dx, dy, weapon):
    """Turn to the unit vector (dx, dy): facing snaps, the ticks that turning takes are waited for."""
    k = b.kind[i]
    cosine = b.facing_x[i] * dx + b.facing_y[i] * dy
    wait = 0
    while wait < MAX_TURNS and cosine < u.cos_turns[k, weapon, wait]:
        wait += 1
    b.turning[i] = max(b.turning[i], wait)
    b.facing_x[i] = dx
    b.facing_y[i] = dy


@kernel(inline=True)
def head_for(b, u, c, i, x, y, speed):
    """Wish to move towards a point, round cliffs, which turns the body; true when it is reached within this tick."""
    if c.has_waypoints and b.floor[i] == ON_FOOT:
        way_x, way_y = next_point(c, b.x[i], b.y[i], x, y)
    else:
        way_x, way_y = x, y
    dx = way_x - b.x[i]
    dy = way_y - b.y[i]
    distance = math.sqrt(dx * dx + dy * dy)
    if distance <= 0.0:
        return True
    dx /= distance
    dy /= distance
    # A turret stays aimed at the target.
    if not (u.has_turret[b.kind[i]] and (b.order[i] == ATTACK or b.order[i] == ACQUIRED)):
        turn(b, u, i, dx, dy, 0)
    if c.turns_first and b.turning[i] > 0:
        return False
    b.velocity[i] = min(b.velocity[i] + u.acceleration[b.kind[i]], speed)
    step = min(b.velocity[i], distance)
    b.move_x[i] = dx * step
    b.move_y[i] = dy * step
    b.moving[i] = True
    return step >= distance and way_x == x and way_y == y


@kernel
def move_all(b, u, c):
    """Carry out the moves of one tick; the order alternates, so that no side has an advantage."""
    n_units = c.n_agents + c.n_enemies
    note_who_bars(b, c)
    for k in range(n_units):
        i = k if b.tick % 2 == 0 else n_units - 1 - k
        if not b.alive[i] or not b.moving[i]:
            b.velocity[i] = 0.0
        elif b.floor[i] == IN_THE_AIR:
            b.x[i] = min(max(b.x[i] + on_grid(b.move_x[i]), 0.0), MAP_CELLS)
            b.y[i] = min(max(b.y[i] + on_grid(b.move_y[i]), 0.0), MAP_CELLS)
        else:
            walk(b, u, c, i)


@kernel(inline=True)
def walk(b, u, c, i):
    """Take unit i's step on the ground."""
    find_near(b, c, i)
    x, y = on_grid(b.move_x[i]), on_grid(b.move_y[i])
    if anybody_near(b):
        walk_among(b, u, c, i, x, y)
    else:
        step(b, c, i, x, y)


@kernel
def walk_among(b, u, c, i, x, y):
    """Take unit i's step (x, y) among the bodies near by, and note whether it is stuck."""
    start_x, start_y = b.x[i], b.y[i]
    pick_way(b, u, c, i, x, y)
    dx, dy = b.x[i] - start_x, b.y[i] - start_y
    wished2 = b.move_x[i] * b.move_x[i] + b.move_y[i] * b.move_y[i]
    b.stuck[i] = dx * dx + dy * dy < LITTLE * LITTLE * wished2


@kernel(inline=True)
def pick_way(b, u, c, i, x, y):
    """Steer, push aside who lets itself be pushed, go along who does not."""
    x, y = heading(b, u, c, i, x, y)
    j = first_in_way(b, i, x, y)
    if j >= 0 and yields(b, c, i, j):
        shove(b, u, c, j, b.x[i] + x, b.y[i] + y, b.body[i] + b.body[j])
        j = first_in_way(b, i, x, y)
    if j >= 0:
        x, y = along(b, u, i, j, x, y)
        if not clear(b, i, x, y):
            b.side[i] = -b.side[i]
            return
    step(b, c, i, x, y)


@kernel
def along(b, u, i, j, x, y):
    """The step (x, y) bent along body j, or else no farther than it has to be, along the body that blocks that."""
    bent_x, bent_y = slide(b, i, j, x, y)
    if clear(b, i, bent_x, bent_y):
        return bent_x, bent_y
    x, y = shortened(b, u, i, x, y)
    k = first_in_way(b, i, x, y)
    return slide(b, i, k, x, y) if k >= 0 else (x, y)


@kernel
def shortened(b, u, i, x, y):
    """The step (x, y), but no farther than unit i has to go to attack."""
    length = math.sqrt(x * x + y * y)
    short = min(max(way_left(b, u, i) + MARGIN, 0.0), length)
    return on_grid(x / length * short), on_grid(y / length * short)


@kernel(inline=True)
def step(b, c, i, dx, dy):
    """Move by (dx, dy), or along the wall that is in the way, unless a body stands there."""
    x = b.x[i] + dx
    y = b.y[i] + dy
    if not walks(c, b.floor[i], b.x[i], b.y[i], dx, dy):
        if stands(c, b.floor[i], x, b.y[i]):
            y = b.y[i]
        elif stands(c, b.floor[i], b.x[i], y):
            x = b.x[i]
        else:
            b.side[i] = -b.side[i]
            return
        if not clear(b, i, x - b.x[i], y - b.y[i]):
            b.side[i] = -b.side[i]
            return
    b.x[i] = x
    b.y[i] = y


@kernel
def shove(b, u, c, j, x, y, least):
    """Push unit j straight away from (x, y) as far as it can walk in a tick, if there is room."""
    dx = b.x[j] - x
    dy = b.y[j] - y
    distance = math.sqrt(dx * dx + dy * dy)
    if distance == 0.0:
        return
    push = min(least + MARGIN - distance, u.speed[b.kind[j]])
    dx = on_grid(dx / distance * push)
    dy = on_grid(dy / distance * push)
    if not walks(c, b.floor[j], b.x[j], b.y[j], dx, dy):
        return
    for k in range(c.n_agents + c.n_enemies):
        if k != j and b.floor[k] == b.floor[j] and in_way(b, j, k, dx, dy):
            return
    b.x[j] += dx
    b.y[j] += dy


@kernel
def slide(b, i, j, x, y):
    """The step (x, y) bent along body j: up to where they touch, or sideways when they meet head-on."""
    away_x = b.x[i] + x - b.x[j]
    away_y = b.y[i] + y - b.y[j]
    distance = math.sqrt(away_x * away_x + away_y * away_y)
    least = b.body[i] + b.body[j] + MARGIN
    if distance > 0.0:
        bent_x = (b.x[j] - b.x[i]) + away_x / distance * least  # differences first: they mirror exactly
        bent_y = (b.y[j] - b.y[i]) + away_y / distance * least
    else:
        bent_x = bent_y = 0.0
    length2 = x * x + y * y
    little = bent_x * x + bent_y * y < SHARP * length2
    meets = b.moving[j] and b.move_x[j] * x + b.move_y[j] * y < 0.0
    if not (little and meets) or j == b.target[i]:
        scale = math.sqrt(min(1.0, length2 / max(bent_x * bent_x + bent_y * bent_y, length2)))
        return on_grid(bent_x * scale), on_grid(bent_y * scale)
    # Two that walk at each other both pass on the side where the other is not.
    return (-y, x) if nearer_side(b, i, j, x, y) > 0 else (y, -x)
