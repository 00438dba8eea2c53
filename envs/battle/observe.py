"""What agents see, computed as smacv2 computes it from the same game state, quirks included.

Source: StarCraft2Env.get_obs_agent, get_state_dict and the bookkeeping in ``step`` (oxwhirl/smacv2). Agents are
observed in index order, where smacv2 shuffles them.
"""

from __future__ import annotations

import math

from envs.battle import rng
from envs.battle.jit import kernel
from envs.battle.orders import can_shoot, in_cone, is_target, target_range, write_mask

MAP_SIZE, CENTRE = 32.0, 16.0
N_MOVES = 4


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
    sight = c.sight_range[b.kind[i]]
    if c.conic:
        return in_cone(b, c, i, j, sight)
    return b.distance2[j] < sight * sight


@kernel
def sight(b, c, i, j):
    """Agent i looks at enemy j (counted from 0): the first to sight it draws who else may; true if i may see it."""
    visible = sees(b, c, i, c.n_agents + j)
    if not c.rules_2024:
        return visible
    if visible and b.tag[j] < 0:
        b.tag[j] = i
        b.sighted[j, i] = True
        for other in range(c.n_agents):
            if other != i:
                name = b.step * 65536 + j * 256 + other
                if rng.uniform(b.key, rng.SIGHTING, i, name) < c.prob_obs_enemy:
                    b.sighted[j, other] = True
    return visible and b.sighted[j, i]


@kernel
def shows_as_target(b, u, c, i, t):
    """The "can be attacked" feature of enemy t: smacv2 reads the action of that number, for a medivac an ally's."""
    first, count = target_range(b, u, c, i)
    return t < count and is_target(b, u, c, i, first + t) and can_shoot(b, c, i, first + t)


@kernel
def write_obs(b, u, c, i, mask, row):
    """Fill agent i's observation (D,); all zeros (but the time) for a dead agent."""
    row[:] = 0.0
    if c.obs_timestep:
        row[-1] = b.step / c.episode_limit
    if not b.alive[i]:
        return
    for j in range(c.n_agents + c.n_enemies):
        dx = b.x[j] - b.x[i]
        dy = b.y[j] - b.y[i]
        b.distance2[j] = dx * dx + dy * dy
    for move in range(N_MOVES):
        row[move] = mask[2 + move]
    at = write_enemies(b, u, c, i, row, N_MOVES)
    at = write_allies(b, u, c, i, row, at)
    write_self(b, u, c, i, row, at)


@kernel
def write_enemies(b, u, c, i, row, at):
    """Enemy features; an enemy that this agent has no sighting of blanks all lower-numbered ones (rules 2024)."""
    width = 4 + c.obs_all_health * (1 + c.enemy_shields) + c.type_bits
    sight_range = c.sight_range[b.kind[i]]
    for j in range(c.n_enemies):
        unit = c.n_agents + j
        visible = sight(b, c, i, j)
        if b.alive[unit] and (visible or c.fully_observable):
            f = at + j * width
            row[f] = shows_as_target(b, u, c, i, j)
            write_place(b, i, unit, sight_range, row, f + 1)
            write_body(b, u, c, unit, c.obs_all_health, row, f + 4)
        if c.rules_2024 and not b.sighted[j, i]:
            row[at : at + (j + 1) * width] = 0.0
    return at + c.n_enemies * width


@kernel
def write_allies(b, u, c, i, row, at):
    """Features of the other allies, in index order."""
    width = 4 + c.obs_all_health * (1 + c.ally_shields) + c.type_bits + c.obs_last_action * c.n_actions
    sight_range = c.sight_range[b.kind[i]]
    f = at
    for j in range(c.n_agents):
        if j == i:
            continue
        if b.alive[j] and (c.fully_observable or sees(b, c, i, j)):
            row[f] = 1.0
            write_place(b, i, j, sight_range, row, f + 1)
            end = write_body(b, u, c, j, c.obs_all_health, row, f + 4)
            if c.obs_last_action and b.last_action[j] >= 0:
                row[end + b.last_action[j]] = 1.0
        f += width
    return f


@kernel
def write_place(b, i, j, sight_range, row, f):
    """Distance and relative position in units of the sight range."""
    row[f] = math.sqrt(b.distance2[j]) / sight_range
    row[f + 1] = (b.x[j] - b.x[i]) / sight_range
    row[f + 2] = (b.y[j] - b.y[i]) / sight_range


@kernel
def write_body(b, u, c, j, health, row, f):
    """Health share, shield share and type bits; gives the index after them."""
    k = b.kind[j]
    if health:
        row[f] = b.hp[j] / u.hp[k]
        f += 1
        if c.ally_shields if j < c.n_agents else c.enemy_shields:
            row[f] = b.shield[j] / u.shield[k]
            f += 1
    if c.type_bits > 0:
        row[f + type_bit(c, j, k)] = 1.0
    return f + c.type_bits


@kernel
def type_bit(c, i, kind):
    """The type feature of unit i; sides may number their types differently."""
    return c.type_by_kind[kind] if i < c.n_agents else c.enemy_type_by_kind[kind]


@kernel
def write_self(b, u, c, i, row, f):
    """Own features: health, position, look direction, type."""
    k = b.kind[i]
    if c.obs_own_health:
        row[f] = b.hp[i] / u.hp[k]
        f += 1
        if c.ally_shields:
            row[f] = b.shield[i] / u.shield[k]
            f += 1
    if c.obs_own_pos:
        row[f] = b.x[i] / MAP_SIZE
        row[f + 1] = b.y[i] / MAP_SIZE
        f += 2
    if c.conic:
        row[f] = b.look_x[i]
        row[f + 1] = b.look_y[i]
        f += 2
    if c.type_bits > 0:
        row[f + c.type_by_kind[k]] = 1.0


@kernel
def write_state(b, u, c, row):
    """Fill the global state (S,): allies, enemies, last actions, time; the dead are all zeros."""
    row[:] = 0.0
    f = 0
    for i in range(c.n_agents + c.n_enemies):
        k = b.kind[i]
        ally = i < c.n_agents
        shields = c.ally_shields if ally else c.enemy_shields
        if b.alive[i]:
            g = f
            row[g] = b.hp[i] / u.hp[k]
            g += 1
            if ally:
                charge = b.energy[i] if c.healers and u.heals[k] else b.cooldown[i]
                row[g] = charge / c.cooldown_scale[k]
                g += 1
            row[g] = (b.x[i] - CENTRE) / MAP_SIZE
            row[g + 1] = (b.y[i] - CENTRE) / MAP_SIZE
            g += 2
            if shields:
                row[g] = b.shield[i] / u.shield[k]
                g += 1
            if ally and c.conic:
                row[g] = b.look_x[i]
                row[g + 1] = b.look_y[i]
                g += 2
            if c.type_bits > 0:
                row[g + type_bit(c, i, k)] = 1.0
        f += 3 + ally * (1 + 2 * c.conic) + shields + c.type_bits
    if c.state_last_action:
        for i in range(c.n_agents):
            if b.last_action[i] >= 0:
                row[f + b.last_action[i]] = 1.0
            f += c.n_actions
    if c.state_timestep:
        row[f] = b.step / c.episode_limit


@kernel
def observe(b, u, c, obs, state, mask):
    """Write the battle's views (N, D), (S,), (N, A): masks first, since observations read them."""
    for i in range(c.n_agents):
        write_mask(b, u, c, i, mask[i])
        write_obs(b, u, c, i, mask[i], obs[i])
    write_state(b, u, c, state)
