"""Observations, computed as smacv2 computes them from the same game state, quirks included.

Source: StarCraft2Env.get_obs_agent (oxwhirl/smacv2). Agents are observed in index order, where smacv2 shuffles them.
Of the ground around a unit: get_surrounding_points and the two grids of ``_launch``. The package turns the height grid
upside down, as games before version 4.9 needed; later ones report it from the bottom, so that it reads the height of
the cell mirrored in y. We do as the package does. The pathing grid, one bit a cell, it takes as it comes.
"""

from __future__ import annotations

import math

import numpy as np

from envs.battle.jit import kernel
from envs.battle.smacv2.capabilities import write_capabilities
from envs.battle.smacv2.global_state import shield_share, write_state
from envs.battle.smacv2.orders import write_masks
from envs.battle.smacv2.sight import look_around
from envs.battle.smacv2.sizes import N_HEIGHTS, N_MOVES, N_PATHING
from envs.battle.state import MAP_CELLS

# Cells looked at, in moves: north, south, east and west two away, the diagonals one, last the unit's own cell.
POINTS = np.array([(0, 2), (0, -2), (2, 0), (-2, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (0, 0)])
HEIGHT_SCALE = 255.0


@kernel
def observe(b, u, c, obs, state, mask):
    """Write the battle's views (N, D), (S,), (N, A): masks first, since observations read them."""
    look_around(b, u, c)
    write_masks(b, u, c, mask)
    write_obs(b, u, c, mask, obs)
    if c.obs_instead_of_state:
        # smacv2 looks a second time for the state; sightings made by later agents count for earlier ones by then.
        look_around(b, u, c)
        write_obs(b, u, c, mask, state.reshape(c.n_agents, obs.shape[1]))
    else:
        write_state(b, u, c, state)


@kernel(inline=True)
def write_obs(b, u, c, mask, obs):
    """Fill the observations (N, D); all zeros (but the time) for a dead agent."""
    obs[:, :] = 0.0
    if c.obs_timestep_number:
        obs[:, -1] = b.step / c.episode_limit
    if not c.obs_starcraft:
        return
    enemies = N_MOVES + N_PATHING * c.obs_pathing_grid + N_HEIGHTS * c.obs_terrain_height
    allies = enemies + c.n_enemies * enemy_width(c)
    own = allies + (c.n_agents - 1) * ally_width(c)
    write_units(b, u, c, obs, enemies, True)
    write_units(b, u, c, obs, allies, False)
    write_own(b, u, c, mask, obs, own)
    if c.obs_pathing_grid or c.obs_terrain_height:
        write_surroundings(b, c, obs, N_MOVES)
    if c.mask_enemies:
        hide_enemies(b, c, obs, enemies)
    if c.n_capabilities > 0:
        show_capabilities(b, u, c, obs, allies, own)


@kernel
def enemy_width(c):
    """Features of each enemy."""
    return 4 + c.obs_all_health * (1 + c.enemy_shields) + c.type_bits


@kernel
def ally_width(c):
    """Features of each other ally."""
    body = c.obs_all_health * (1 + c.ally_shields)
    return 4 + body + c.n_capabilities + c.type_bits + c.obs_last_action * c.n_actions


@kernel(inline=True)
def write_units(b, u, c, obs, at, enemies):
    """Write what each agent sees of the enemies, or of the other allies; room is left for capabilities.

    The first feature is 1 for an ally that is seen. For enemy t smacv2 reads whether the action of that number is
    possible: for a medivac an ally's.
    """
    n, health, bits = c.n_agents, c.obs_all_health, c.type_bits
    first, count, width = (n, c.n_enemies, enemy_width(c)) if enemies else (0, n, ally_width(c))
    shields = c.enemy_shields if enemies else c.ally_shields
    shows_type = bits > 0 and (enemies or c.observe_teammate_types)
    gap = 0 if enemies else c.n_capabilities
    shows_action = c.obs_last_action and not enemies
    for i in range(n):
        seen = b.sees_enemies[i] if enemies else b.sees_allies[i]
        heads = b.in_reach[i] if enemies else -1
        x, y, sight_range, f = b.x[i], b.y[i], c.sight_range[b.kind[i]], at
        for t in range(count if seen != 0 else 0):
            j = first + t
            if j == i:
                continue
            if (seen >> t) & 1:
                k, dx, dy = b.kind[j], b.x[j] - x, b.y[j] - y
                obs[i, f] = (heads >> t) & 1
                obs[i, f + 1] = math.sqrt(dx * dx + dy * dy) / sight_range
                obs[i, f + 2] = dx / sight_range
                obs[i, f + 3] = dy / sight_range
                g = f + 4
                if health:
                    obs[i, g] = b.hp[j] / u.hp[k]
                    g += 1
                    if shields:
                        obs[i, g] = shield_share(b, u, j)
                        g += 1
                g += gap
                if shows_type:
                    obs[i, g + (c.enemy_type_by_kind[k] if enemies else c.type_by_kind[k])] = 1.0
                if shows_action and b.last_action[j] >= 0:
                    obs[i, g + bits + b.last_action[j]] = 1.0
            f += width


@kernel(inline=True)
def write_own(b, u, c, mask, obs, at):
    """Write each agent's own: possible moves at the front; health, position, look direction, type at the back.

    Room for capabilities is left.
    """
    for i in range(c.n_agents):
        if not b.alive[i]:
            continue
        for move in range(N_MOVES):
            obs[i, move] = mask[i, 2 + move]
        k, f = b.kind[i], at
        if c.obs_own_health:
            obs[i, f] = b.hp[i] / u.hp[k]
            f += 1
            if c.ally_shields:
                obs[i, f] = shield_share(b, u, i)
                f += 1
        f += c.n_capabilities
        if c.obs_own_pos:
            obs[i, f] = b.x[i] / MAP_CELLS
            obs[i, f + 1] = b.y[i] / MAP_CELLS
            f += 2
        if c.conic_fov:
            obs[i, f] = b.look_x[i]
            obs[i, f + 1] = b.look_y[i]
            f += 2
        if c.type_bits > 0:
            obs[i, f + c.type_by_kind[k]] = 1.0


@kernel
def hide_enemies(b, c, obs, at):
    """Take health and type of masked enemies out again."""
    width = enemy_width(c)
    for i in range(c.n_agents):
        for t in range(c.n_enemies):
            if (b.enemy_mask[i] >> t) & 1:
                obs[i, at + t * width + 4 : at + (t + 1) * width] = 0.0


@kernel
def show_capabilities(b, u, c, obs, at, own):
    """Fill in the capabilities of the allies that each living agent sees, and its own."""
    width, health, body = ally_width(c), c.obs_all_health, 1 + c.ally_shields
    tell_attack, tell_health = c.observe_attack_probs, c.observe_teammate_health
    for i in range(c.n_agents):
        if not b.alive[i]:
            continue
        for j in range(c.n_agents):
            if (b.sees_allies[i] >> j) & 1:
                f = at + (j - (j > i)) * width + 4
                write_capabilities(b, u, c, j, tell_attack, tell_health, obs[i], health, f, f + health * body)
        features = own + c.obs_own_health * body
        write_capabilities(b, u, c, i, True, True, obs[i], c.obs_own_health, own, features)


@kernel
def write_surroundings(b, c, obs, at):
    """For each living agent: 1 for each cell that is ground, then shares of the greatest height; both 1 off the map."""
    moves = int(c.move_amount)
    for i in range(c.n_agents):
        if not b.alive[i]:
            continue
        for p in range(N_HEIGHTS):
            x = int(b.x[i]) + moves * POINTS[p, 0]
            y = int(b.y[i]) + moves * POINTS[p, 1]
            outside = x < 0 or x >= MAP_CELLS or y < 0 or y >= MAP_CELLS
            if c.obs_pathing_grid and p < N_PATHING:
                obs[i, at + p] = 1.0 if outside else c.pathable[y, x]
            if c.obs_terrain_height:
                height = HEIGHT_SCALE if outside else c.height[MAP_CELLS - 1 - y, x]
                obs[i, at + N_PATHING * c.obs_pathing_grid + p] = height / HEIGHT_SCALE
