"""What agents see, computed as smacv2 computes it from the same game state, quirks included.

Source: StarCraft2Env.get_obs_agent (oxwhirl/smacv2). Agents are observed in index order, where smacv2 shuffles them.
"""

from __future__ import annotations

import math

from envs.battle.capabilities import write_capabilities
from envs.battle.global_state import write_state
from envs.battle.jit import kernel
from envs.battle.orders import in_reach, is_target, measure, target_range, write_mask
from envs.battle.sight import look_at_enemies, sees
from envs.battle.surroundings import write_heights, write_pathing

MAP_SIZE = 32.0
N_MOVES = 4


@kernel
def observe(b, u, c, obs, state, mask):
    """Write the battle's views (N, D), (S,), (N, A): masks first, since observations read them."""
    for i in range(c.n_agents):
        measure(b, c, i)
        write_mask(b, u, c, i, mask[i])
        write_obs(b, u, c, i, mask[i], obs[i])
    if c.state_is_obs:
        # smacv2 looks a second time for the state; sightings made by later agents count for earlier ones by then.
        width = obs.shape[1]
        for i in range(c.n_agents):
            measure(b, c, i)
            write_obs(b, u, c, i, mask[i], state[i * width : (i + 1) * width])
    else:
        write_state(b, u, c, state)


@kernel
def write_obs(b, u, c, i, mask, row):
    """Fill agent i's observation (D,), ``measure`` having looked around; all zeros (but the time) for a dead agent."""
    row[:] = 0.0
    if c.obs_timestep:
        row[-1] = b.step / c.episode_limit
    if not b.alive[i] or not c.obs_features:
        return
    for move in range(N_MOVES):
        row[move] = mask[2 + move]
    at = N_MOVES
    if c.obs_pathing:
        at = write_pathing(b, c, i, row, at)
    if c.obs_height:
        at = write_heights(b, c, i, row, at)
    at = write_enemies(b, u, c, i, mask, row, at)
    at = write_allies(b, u, c, i, row, at)
    write_self(b, u, c, i, row, at)


@kernel
def shows_as_target(b, u, c, i, t, mask):
    """The "can be attacked" feature of enemy t: smacv2 reads the action of that number, for a medivac an ally's."""
    if c.mask_by_range:
        return mask[c.n_no_target + t]
    first, count = target_range(b, u, c, i)
    return t < count and is_target(b, u, c, i, first + t) and in_reach(b, c, i, first + t)


@kernel
def write_enemies(b, u, c, i, mask, row, at):
    """Enemy features; those below the highest-numbered enemy without a sighting stay blank."""
    n, m, health, shields, bits = c.n_agents, c.n_enemies, c.obs_all_health, c.enemy_shields, c.type_bits
    everybody, hides = c.fully_observable, c.mask_enemies
    width = 4 + health * (1 + shields) + bits
    sight_range = c.sight_range[b.kind[i]]
    for t in range(look_at_enemies(b, c, i), m):
        j = n + t
        if b.alive[j] and (everybody or b.in_view[j]):
            f = at + t * width
            row[f] = shows_as_target(b, u, c, i, t, mask)
            write_place(b, i, j, sight_range, row, f + 1)
            if hides and b.enemy_mask[i, t]:
                continue
            f = write_body(b, u, j, health, shields, row, f + 4)
            if bits > 0:
                row[f + c.enemy_type_by_kind[b.kind[j]]] = 1.0
    return at + m * width


@kernel
def write_allies(b, u, c, i, row, at):
    """Features of the other allies, in index order."""
    n, health, shields, bits = c.n_agents, c.obs_all_health, c.ally_shields, c.type_bits
    everybody, last_action, capabilities = c.fully_observable, c.obs_last_action, c.capabilities
    tells_type = bits > 0 and c.tell_types
    width = 4 + health * (1 + shields) + c.stochastic_attack + c.stochastic_health + bits + last_action * c.n_actions
    sight_range = c.sight_range[b.kind[i]]
    start = at
    for j in range(n):
        if j == i:
            continue
        if b.alive[j] and (everybody or sees(b, c, i, j)):
            row[start] = 1.0
            write_place(b, i, j, sight_range, row, start + 1)
            f = write_body(b, u, j, health, shields, row, start + 4)
            if capabilities:
                f = write_capabilities(b, u, c, j, c.tell_attack, c.tell_health, row, start + 4 if health else -1, f)
            if tells_type:
                row[f + c.type_by_kind[b.kind[j]]] = 1.0
            if last_action and b.last_action[j] >= 0:
                row[f + bits + b.last_action[j]] = 1.0
        start += width
    return start


@kernel
def write_place(b, i, j, sight_range, row, f):
    """Distance and relative position in units of the sight range."""
    row[f] = math.sqrt(b.distance2[j]) / sight_range
    row[f + 1] = (b.x[j] - b.x[i]) / sight_range
    row[f + 2] = (b.y[j] - b.y[i]) / sight_range


@kernel
def write_body(b, u, j, health, shields, row, f):
    """Health share and shield share, where they are shown; gives the index after them."""
    if health:
        k = b.kind[j]
        row[f] = b.hp[j] / u.hp[k]
        f += 1
        if shields:
            row[f] = b.shield[j] / u.shield[k]
            f += 1
    return f


@kernel
def write_self(b, u, c, i, row, at):
    """Own features: health, capabilities, position, look direction, type."""
    health = c.obs_own_health
    f = write_body(b, u, i, health, c.ally_shields, row, at)
    if c.capabilities:
        f = write_capabilities(b, u, c, i, True, True, row, at if health else -1, f)
    if c.obs_own_pos:
        row[f] = b.x[i] / MAP_SIZE
        row[f + 1] = b.y[i] / MAP_SIZE
        f += 2
    if c.conic:
        row[f] = b.look_x[i]
        row[f + 1] = b.look_y[i]
        f += 2
    if c.type_bits > 0:
        row[f + c.type_by_kind[b.kind[i]]] = 1.0
