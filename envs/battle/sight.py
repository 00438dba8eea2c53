"""Who sees whom, and who remembers having seen: the history behind smacv2's observations.

Source: the enemy loop of StarCraft2Env.get_obs_agent and the bookkeeping in ``step`` (oxwhirl/smacv2).
"""

from __future__ import annotations

from envs.battle import rng
from envs.battle.jit import kernel


@kernel
def forget_the_dead(b, c):
    """A dead first sighter takes its sightings with it; a dead enemy loses its tag (smacv2's ``step``)."""
    n, m = c.n_agents, c.n_enemies
    for i in range(n):
        if not b.alive[i]:
            for j in range(m):
                if b.tag[j] == i:
                    b.tag[j] = -1
                    b.sighted[j, : c.n_agents] = False
                    b.sighted[:m, i] = False
    for j in range(m):
        if not b.alive[n + j]:
            b.tag[j] = -1
            b.sighted[j, : c.n_agents] = False


@kernel
def sees(b, c, i, j):
    """Whether unit j is in agent i's sight: inside the cone, or strictly nearer than the sight range."""
    reach = c.sight_range[b.kind[i]]
    if c.conic:
        return b.in_angle[j] and b.distance2[j] <= reach * reach
    return b.distance2[j] < reach * reach


@kernel
def look_at_enemies(b, c, i):
    """Note in ``in_view`` which enemies agent i sees and may see; who sights one first draws who else may.

    Returns:
        The lowest enemy whose features stand: one that this agent has no sighting of blanks all lower-numbered ones
        (rules 2024).
    """
    n, first = c.n_agents, 0
    for j in range(c.n_enemies):
        visible = sees(b, c, i, n + j)
        if c.rules_2024:
            if visible and b.tag[j] < 0:
                draw_sightings(b, c, i, j)
            if not b.sighted[j, i]:
                visible = False
                first = j + 1
        b.in_view[n + j] = visible
    return first


@kernel
def draw_sightings(b, c, i, j):
    """Agent i is the first to sight enemy j: draw which others may see it."""
    b.tag[j] = i
    b.sighted[j, i] = True
    for other in range(c.n_agents):
        if other != i:
            name = b.step * 65536 + j * 256 + other
            if rng.uniform(b.key, rng.SIGHTING, i, name) < c.prob_obs_enemy:
                b.sighted[j, other] = True
