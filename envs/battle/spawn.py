"""The start of a battle: draw teams and places, put every unit on free ground, number them as smacv2 does.

The distributions are those of smacv2's ``weighted_teams`` and ``surrounded_and_reflect``. Where the wished-for place is
taken or no ground, the nearest free one is used (the game's own pattern is unknown).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.battle.basics import rng
from envs.battle.basics.geometry import on_grid
from envs.battle.jit import kernel
from envs.battle.rules.opponent import PERIOD, first_orders
from envs.battle.smacv2.reward import flawless_reward
from envs.battle.state import MAP_CELLS, NOBODY, NONE
from envs.battle.terrain import stands
from envs.battle.units import IN_THE_AIR

SURROUNDED_AND_REFLECT, SURROUNDED, REFLECT = 0, 1, 2
FIRST, MIRRORED, DRAWN = 0, 1, 2  # of equally near places
CENTRE, INNER = MAP_CELLS / 2, 2.0  # cells; enemies never start within 2 of a surrounded team
SEARCH_RADIUS, SEARCH_SPACING = 8.0, 0.25
TAKEN = 100.0 * MAP_CELLS**2  # added to a square of a distance: farther than any place on the map


def search_offsets() -> NDArray[np.float64]:
    """(P, 2) offsets on a fine lattice, nearest first, ties by angle: where to try to put a unit."""
    ticks = np.arange(-SEARCH_RADIUS, SEARCH_RADIUS + SEARCH_SPACING, SEARCH_SPACING)
    x, y = (axis.ravel() for axis in np.meshgrid(ticks, ticks))
    distance = x * x + y * y
    order = np.lexsort((np.arctan2(y, x), distance))
    return np.stack([x, y], axis=1)[order[distance[order] <= SEARCH_RADIUS**2]]


@kernel
def draw_team(b, purpose, c, first, count):
    """Independent weighted draws for ``count`` units from ``first``; a team of exceptions only is drawn again."""
    attempt = 0
    while True:
        ordinary = False
        for i in range(count):
            value = rng.uniform(b.key, purpose, i, attempt)
            t = 0
            while t < c.n_types - 1 and value >= c.team_cdf[t]:
                t += 1
            b.kind[first + i] = c.kind_by_type[t]
            ordinary = ordinary or not c.type_is_exception[t]
        if ordinary:
            return
        attempt += 1


@kernel
def draw_teams(b, c):
    """Kinds of all units: enemy i is of the kind of ally i, enemies beyond N are a second draw."""
    n, m = c.n_agents, c.n_enemies
    if c.fixed_kinds[0] >= 0:
        for i in range(n + m):
            b.kind[i] = c.fixed_kinds[i]
        return
    draw_team(b, rng.TEAM, c, 0, n)
    common = min(n, m)
    for i in range(common):
        b.kind[n + i] = b.kind[i]
    if m > n:
        draw_team(b, rng.EXTRA_TEAM, c, n + common, m - common)


@kernel
def draw_places(b, c):
    """Wished-for places of all units, before the ground and each other are looked at."""
    n, m = c.n_agents, c.n_enemies
    start = c.start
    if start == SURROUNDED_AND_REFLECT:
        start = SURROUNDED if rng.uniform(b.key, rng.START, 0, 0) > c.start_p else REFLECT
    if start == SURROUNDED:
        for i in range(n):
            b.x[i] = CENTRE
            b.y[i] = CENTRE
        surround(b, c)
    elif start == REFLECT:
        for i in range(max(n, m)):
            x = (CENTRE - 1.0) * rng.uniform(b.key, rng.START, i, 1)
            y = MAP_CELLS * rng.uniform(b.key, rng.START, i, 2)
            if i < n:
                b.x[i] = x
                b.y[i] = y
            if i < m:
                extra = CENTRE + CENTRE * rng.uniform(b.key, rng.START, i, 1)
                b.x[n + i] = MAP_CELLS - x if i < n else extra
                b.y[n + i] = y
    else:
        for i in range(n + m):
            draw_spot(b, c, i)
            if c.spawn_spread > 0.0:
                b.x[i] += c.spawn_spread * (2.0 * rng.uniform(b.key, rng.START, i, 10) - 1.0)
                b.y[i] += c.spawn_spread * (2.0 * rng.uniform(b.key, rng.START, i, 11) - 1.0)


@kernel
def draw_spot(b, c, i):
    """A point of unit i's spot: the same for all units that share it, as one call of a map's script makes them."""
    spot = c.spot[i]
    r = int(c.choices[spot] * rng.uniform(b.key, rng.START, spot, 7))
    left, bottom, right, top = c.spots[spot, r, 0], c.spots[spot, r, 1], c.spots[spot, r, 2], c.spots[spot, r, 3]
    b.x[i] = left + (right - left) * rng.uniform(b.key, rng.START, spot, 8)
    b.y[i] = bottom + (top - bottom) * rng.uniform(b.key, rng.START, spot, 9)


@kernel
def surround(b, c):
    """One to four groups of enemies, each on its own diagonal at a uniform distance from the centre."""
    key = b.key
    n, m = c.n_agents, c.n_enemies
    groups = 1 + int(4.0 * rng.uniform(key, rng.START, 0, 3))
    for g in range(4):
        b.diagonal[g] = g
        b.group_size[g] = 0
    for g in range(3):  # Fisher-Yates
        other = g + int((4 - g) * rng.uniform(key, rng.START, g, 4))
        b.diagonal[g], b.diagonal[other] = b.diagonal[other], b.diagonal[g]
    for j in range(m):
        b.group_size[int(groups * rng.uniform(key, rng.START, j, 5))] += 1
    unit = n
    for g in range(groups):
        t = rng.uniform(key, rng.START, g, 6)
        east = b.diagonal[g] >= 2
        north = b.diagonal[g] == 1 or b.diagonal[g] == 2
        inner_x = CENTRE + INNER if east else CENTRE - INNER
        inner_y = CENTRE + INNER if north else CENTRE - INNER
        for _ in range(b.group_size[g]):
            b.x[unit] = inner_x * t + (MAP_CELLS if east else 0.0) * (1.0 - t)
            b.y[unit] = inner_y * t + (MAP_CELLS if north else 0.0) * (1.0 - t)
            unit += 1


@kernel
def is_free(b, u, c, i, x, y):
    """Whether unit i may be put here: ground under it, and no body of a lower-numbered unit in the way."""
    k = b.kind[i]
    if not stands(c, u.floor[k], x, y):
        return False
    for j in range(i):
        if b.floor[j] == u.floor[k]:
            dx = b.x[j] - x
            dy = b.y[j] - y
            least = u.body[k] + u.body[b.kind[j]]
            if dx * dx + dy * dy < least * least:
                return False
    return True


@kernel
def put(b, u, c, i, first):
    """Move unit i to the nearest free of the places from number ``first`` on; flyers stay, within the map.

    Of several equally near places it takes the first, where their order may be mirrored in half of the battles, or a
    drawn one. Returns the number of the first of them: those before it are taken.
    """
    b.floor[i] = u.floor[b.kind[i]]
    x = on_grid(b.x[i])
    y = on_grid(b.y[i])
    if u.floor[b.kind[i]] == IN_THE_AIR:
        b.x[i] = min(max(x, 0.0), MAP_CELLS)
        b.y[i] = min(max(y, 0.0), MAP_CELLS)
        return 0
    mirrored = c.equal_places == MIRRORED and rng.uniform(b.key, rng.PLACE, 0, 1) < 0.5
    north = -1.0 if mirrored else 1.0
    for p in range(first, c.n_places):
        if is_free(b, u, c, i, x + c.places[p, 0], y + north * c.places[p, 1]):
            chosen = draw_place(b, u, c, i, x, y, p) if c.equal_places == DRAWN else p
            b.x[i] = x + c.places[chosen, 0]
            b.y[i] = y + north * c.places[chosen, 1]
            return p
    put_anywhere(b, u, c, i, x, y)
    return c.n_places


@kernel
def put_anywhere(b, u, c, i, x, y):
    """Move unit i to the point of the map nearest to (x, y) that is free, or where none is, to the nearest ground."""
    nearest = np.inf
    for row in range(int(MAP_CELLS / SEARCH_SPACING)):
        for column in range(int(MAP_CELLS / SEARCH_SPACING)):
            to_x = (column + 0.5) * SEARCH_SPACING
            to_y = (row + 0.5) * SEARCH_SPACING
            if not stands(c, b.floor[i], to_x, to_y):
                continue
            distance = (to_x - x) ** 2 + (to_y - y) ** 2
            if not is_free(b, u, c, i, to_x, to_y):
                distance += TAKEN
            if distance < nearest:
                nearest = distance
                b.x[i] = to_x
                b.y[i] = to_y


@kernel
def draw_place(b, u, c, i, x, y, first):
    """One of the free places round (x, y) that are as near as the free one with number ``first``."""
    near = c.places[first, 0] ** 2 + c.places[first, 1] ** 2
    last = first
    free = 0
    while last < c.n_places and c.places[last, 0] ** 2 + c.places[last, 1] ** 2 == near:
        free += is_free(b, u, c, i, x + c.places[last, 0], y + c.places[last, 1])
        last += 1
    skip = int(free * rng.uniform(b.key, rng.PLACE, i, 0))
    for p in range(first, last):
        if is_free(b, u, c, i, x + c.places[p, 0], y + c.places[p, 1]):
            if skip == 0:
                return p
            skip -= 1
    return first


@kernel
def put_all(b, u, c):
    """Find room for everybody. For one more unit of a kind at one point, places that were taken still are."""
    place = 0
    point_x = point_y = -1.0
    for i in range(c.n_agents + c.n_enemies):
        again = i > 0 and b.x[i] == point_x and b.y[i] == point_y and b.kind[i] == b.kind[i - 1]
        point_x, point_y = b.x[i], b.y[i]
        place = put(b, u, c, i, place if again else 0)


@kernel
def number_allies(b, c):
    """Sort allies by (kind, x, y): kinds count in the order of registration, the game's catalogue first."""
    for i in range(1, c.n_agents):
        j = i
        while j > 0 and goes_before(b, j, j - 1):
            b.kind[j], b.kind[j - 1] = b.kind[j - 1], b.kind[j]
            b.x[j], b.x[j - 1] = b.x[j - 1], b.x[j]
            b.y[j], b.y[j - 1] = b.y[j - 1], b.y[j]
            j -= 1


@kernel
def goes_before(b, i, j):
    if b.kind[i] != b.kind[j]:
        return b.kind[i] < b.kind[j]
    if b.x[i] != b.x[j]:
        return b.x[i] < b.x[j]
    return b.y[i] < b.y[j]


@kernel
def reset_unit(b, u, i):
    """Reset unit i: full health, no order, no missile."""
    k = b.kind[i]
    b.alive[i] = True
    b.floor[i] = u.floor[k]
    b.body[i] = u.body[k]
    b.hp[i] = b.full_hp[i] = u.hp[k]
    b.shield[i] = b.full_shield[i] = u.shield[k]
    b.energy[i] = u.energy_start[k]
    b.full_energy[i] = u.energy_max[k]
    b.hp_regen[i], b.shield_regen[i], b.energy_regen[i] = u.hp_regen[k], u.shield_regen[k], u.energy_regen[k]
    b.heals[i] = u.heals[k]
    b.shield_delay[i] = np.int64(np.ceil(u.shield_delay[k]))
    angle = 2.0 * np.pi * rng.uniform(b.key, rng.FACING, i, 0)
    b.facing_x[i] = np.cos(angle)
    b.facing_y[i] = np.sin(angle)
    b.turning[i] = 0
    b.velocity[i] = 0.0
    b.calm[i] = 0
    b.order[i] = NONE
    b.target[i] = NOBODY
    b.marches[i] = False
    b.side[i] = 0
    b.stuck[i] = False
    b.called[i] = -1_000_000
    b.cooldown[i] = 0.0
    b.swing[i] = 0.0
    b.burst[i] = 0.0
    b.missile[i] = NOBODY
    b.sweep[i] = -1
    b.channel[i] = False
    b.swept[i, :] = 0
    b.sweep_due[i, :, :] = 0


@kernel
def forget(b, c):
    """Clear what observations remember."""
    for i in range(c.n_agents):
        b.last_action[i] = -1
        b.heuristic_target[i] = NOBODY
        b.look_x[i] = 1.0
        b.look_y[i] = 0.0
    for j in range(c.n_enemies):
        b.tag[j] = NOBODY
        b.sighted[j] = 0


@kernel
def set_clocks(b, key):
    """Set the key of the battle's random draws and start its clocks.

    The script's clock is the game's, which also runs during resets: its phase differs from battle to battle.
    """
    b.key = key
    b.tick = 0
    b.step = 0
    b.trigger = int(PERIOD * rng.uniform(b.key, rng.TRIGGER, 0, 0))


@kernel
def next_battle(b, c, slot):
    """Count the slot's next battle, which determines all its random draws."""
    b.battle += 1
    set_clocks(b, rng.battle_key(c.seed, c.first_slot + slot, b.battle))


@kernel
def init_units(b, u, c):
    """After placement: number, initialise and give initial orders."""
    number_allies(b, c)
    for i in range(c.n_agents + c.n_enemies):
        reset_unit(b, u, i)
        if c.first_shot_delay > 0.0:
            b.cooldown[i] = c.first_shot_delay * rng.uniform(b.key, rng.FIRST_SHOT, i, 0)
    first_orders(b, u, c)


@kernel
def start_battle(b, u, c, slot):
    """Begin the slot's next battle; the caller runs the one tick that smacv2 lets pass before it looks."""
    next_battle(b, c, slot)
    draw_teams(b, c)
    draw_places(b, c)
    put_all(b, u, c)
    init_units(b, u, c)
    forget(b, c)
    if b.battle == 0 or c.max_reward_each:
        b.max_reward = flawless_reward(b, u, c)
