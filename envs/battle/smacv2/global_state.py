"""The global state, which only training may read, computed as smacv2 computes it.

Source: StarCraft2Env.get_state and get_state_dict (oxwhirl/smacv2).
"""

from __future__ import annotations

from envs.battle.jit import kernel
from envs.battle.smacv2.capabilities import write_capabilities
from envs.battle.state import MAP_CELLS

CENTRE = MAP_CELLS / 2


@kernel(inline=True)
def write_state(b, u, c, row):
    """Fill the global state (S,): allies, enemies, last actions, time; the dead are all zeros."""
    row[:] = 0.0
    f = write_ally_states(b, u, c, row)
    if c.n_capabilities > 0:
        show_capabilities(b, u, c, row)
    f = write_enemy_states(b, u, c, row, f)
    if c.state_last_action:
        for i in range(c.n_agents):
            if b.last_action[i] >= 0:
                row[f + b.last_action[i]] = 1.0
            f += c.n_actions
    if c.state_timestep_number:
        row[f] = b.step / c.episode_limit


@kernel(inline=True)
def shield_share(b, u, i):
    """Share of unit i's shield that is left; 0 for one that has none, as some of a mixed team on a protoss side."""
    return b.shield[i] / max(u.shield[b.kind[i]], 1.0)


@kernel
def ally_width(c):
    """Features of each agent."""
    return 4 + c.ally_shields + c.n_capabilities + 2 * c.conic_fov + c.type_bits


@kernel
def show_capabilities(b, u, c, row):
    """Fill in the capabilities of the living agents."""
    width = ally_width(c)
    for i in range(c.n_agents):
        if b.alive[i]:
            write_capabilities(b, u, c, i, True, True, row, True, i * width, i * width + 4 + c.ally_shields)


@kernel(inline=True)
def write_ally_states(b, u, c, row):
    """Health, energy or cooldown, place, shield, look direction, type; room is left for capabilities."""
    n, shields, bits, conic, gap = c.n_agents, c.ally_shields, c.type_bits, c.conic_fov, c.n_capabilities
    width = ally_width(c)
    for i in range(n):
        if not b.alive[i]:
            continue
        k = b.kind[i]
        at = i * width
        row[at] = b.hp[i] / u.hp[k]
        row[at + 1] = (b.energy[i] if c.healers and u.heals[k] else b.cooldown[i]) / c.cooldown_scale[k]
        row[at + 2] = (b.x[i] - CENTRE) / MAP_CELLS
        row[at + 3] = (b.y[i] - CENTRE) / MAP_CELLS
        f = at + 4
        if shields:
            row[f] = shield_share(b, u, i)
            f += 1
        f += gap
        if conic:
            row[f] = b.look_x[i]
            row[f + 1] = b.look_y[i]
            f += 2
        if bits > 0:
            row[f + c.type_by_kind[k]] = 1.0
    return n * width


@kernel(inline=True)
def write_enemy_states(b, u, c, row, at):
    """Health, place, shield, type."""
    shields, bits = c.enemy_shields, c.type_bits
    width = 3 + shields + bits
    for t in range(c.n_enemies):
        j = c.n_agents + t
        if not b.alive[j]:
            continue
        k = b.kind[j]
        f = at + t * width
        row[f] = b.hp[j] / u.hp[k]
        row[f + 1] = (b.x[j] - CENTRE) / MAP_CELLS
        row[f + 2] = (b.y[j] - CENTRE) / MAP_CELLS
        f += 3
        if shields:
            row[f] = shield_share(b, u, j)
            f += 1
        if bits > 0:
            row[f + c.enemy_type_by_kind[k]] = 1.0
    return at + c.n_enemies * width
