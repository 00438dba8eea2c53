"""Sight and sightings: the history behind smacv2's observations.

Source: the enemy loop of StarCraft2Env.get_obs_agent and the bookkeeping in ``step`` (oxwhirl/smacv2).
"""

from __future__ import annotations

import numpy as np

from envs.battle.basics import rng
from envs.battle.jit import kernel
from envs.battle.smacv2.orders import bearing, is_target, look_angle, target_range


@kernel
def forget_the_dead(b, c):
    """A dead first sighter takes its sightings with it; a dead enemy loses its tag (smacv2's ``step``)."""
    n, m = c.n_agents, c.n_enemies
    for i in range(n):
        if not b.alive[i]:
            for j in range(m):
                if b.tag[j] == i:
                    b.tag[j] = -1
                    b.sighted[j] = 0
                    for other in range(m):
                        b.sighted[other] &= ~(1 << i)
    for j in range(m):
        if not b.alive[n + j]:
            b.tag[j] = -1
            b.sighted[j] = 0


@kernel(inline=True)
def look_around(b, u, c):
    """Note for each living agent, in index order, whom it sees and whom it can target: bits by number within a side.

    Views are written from these notes. Functions that are handed an array are called once a battle and not once an
    agent: each such call counts the array's references, which costs as much as several features.
    """
    for i in range(c.n_agents):
        b.targets[i] = b.in_reach[i] = b.sees_enemies[i] = b.sees_allies[i] = 0
        if b.alive[i]:
            measure(b, c, i)
            note_targets(b, u, c, i)
            if c.obs_starcraft:
                look_at_enemies(b, c, i)
                look_at_allies(b, c, i)


@kernel(inline=True)
def measure(b, c, i):
    """Squared distance of every unit from agent i, and with a cone whether it is within the angle."""
    x = b.x[i]
    y = b.y[i]
    n_units = c.n_agents + c.n_enemies
    for j in range(n_units):
        dx = b.x[j] - x
        dy = b.y[j] - y
        b.distance2[j] = dx * dx + dy * dy
    if not c.conic_fov:
        return
    k = b.kind[i]
    farthest = max(c.sight_range[k], c.shoot_range[k])
    west, east = look_angle(b, i, False), look_angle(b, i, True)
    half = np.pi / c.n_fov_actions
    for j in range(n_units):
        b.in_angle[j] = False
        if b.distance2[j] <= farthest * farthest:
            dx = b.x[j] - x
            b.in_angle[j] = abs(bearing(dx, b.y[j] - y) - (east if dx > 0 else west)) < half


@kernel(inline=True)
def note_targets(b, u, c, i):
    """Note the units that can be attacked or healed, and those of them in reach (``can_shoot``)."""
    first, count = target_range(b, u, c, i)
    reach = c.shoot_range[b.kind[i]]
    reach2, conic = reach * reach, c.conic_fov
    targets = in_reach = 0
    for t in range(count):
        j = first + t
        if is_target(b, u, c, i, j):
            targets |= 1 << t
            if b.distance2[j] <= reach2 and (not conic or b.in_angle[j]):
                in_reach |= 1 << t
    b.targets[i] = targets
    b.in_reach[i] = in_reach


@kernel(inline=True)
def sees(b, c, i, j):
    """Whether unit j is in agent i's sight: inside the cone, or strictly nearer than the sight range."""
    reach = c.sight_range[b.kind[i]]
    if c.conic_fov:
        return b.in_angle[j] and b.distance2[j] <= reach * reach
    return b.distance2[j] < reach * reach


@kernel(inline=True)
def look_at_enemies(b, c, i):
    """Note whose features agent i observes; who sights an enemy first draws who else may see it.

    An enemy that this agent has no sighting of blanks all lower-numbered ones (rules 2024).
    """
    n, seen = c.n_agents, 0
    for t in range(c.n_enemies):
        visible = sees(b, c, i, n + t)
        if c.rules_2024:
            if visible and b.tag[t] < 0:
                draw_sightings(b, c, i, t)
            if not (b.sighted[t] >> i) & 1:
                seen = 0
                continue
        if b.alive[n + t] and (visible or c.fully_observable):
            seen |= 1 << t
    b.sees_enemies[i] = seen


@kernel(inline=True)
def look_at_allies(b, c, i):
    """Note which other allies agent i observes."""
    seen = 0
    for j in range(c.n_agents):
        if j != i and b.alive[j] and (c.fully_observable or sees(b, c, i, j)):
            seen |= 1 << j
    b.sees_allies[i] = seen


@kernel
def draw_sightings(b, c, i, j):
    """Agent i is the first to sight enemy j: draw which others may see it."""
    b.tag[j] = i
    sighted = b.sighted[j] | (1 << i)
    for other in range(c.n_agents):
        if other != i:
            name = b.step * 65536 + j * 256 + other
            if rng.uniform(b.key, rng.SIGHTING, i, name) < c.prob_obs_enemy:
                sighted |= 1 << other
    b.sighted[j] = sighted
