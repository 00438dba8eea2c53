"""Units at work: the attack cycle (aim, swing, damage point, and what is let loose there), and a medivac that heals."""

from __future__ import annotations

import math

from envs.battle.basics import rng
from envs.battle.basics.command import break_off
from envs.battle.basics.geometry import within
from envs.battle.jit import kernel
from envs.battle.rules.damage import damage
from envs.battle.rules.effects import sweep
from envs.battle.state import NONE
from envs.battle.unit_types import BURST, EXPLOSION, INSTANT, MISSILE
from envs.battle.walking.movement import face

JITTER_LEAST, JITTER_SPAN = -1.0, 3.0  # a cycle lasts period + U(-1, 2) ticks


@kernel(inline=True)
def attack(b, u, c, i):
    """Carry out an attack order for one tick; true when the unit must walk towards its target."""
    j = b.target[i]
    k = b.kind[i]
    if not b.alive[j]:
        break_off(b, i)
        b.order[i] = NONE
        return False
    if b.channel[i] or b.burst[i] > 0.0:
        return False
    if b.swing[i] > 0.0:
        w = b.weapon[i]
        if not within(b, u, i, j, u.range[k, w] + u.range_slop[k, w]):
            break_off(b, i)
            return True
        b.swing[i] -= 1.0
        if b.swing[i] <= 0.0:
            b.swing[i] = 0.0
            release(b, u, c, i, j, w)
        return False
    if not within(b, u, i, j, u.range[k, 0]):
        if u.has_turret[k]:  # it aims on the way
            face(b, u, i, b.x[j] - b.x[i], b.y[j] - b.y[i], 0)
        return True
    bears = face(b, u, i, b.x[j] - b.x[i], b.y[j] - b.y[i], 0)
    if u.delivery[k, 0] == EXPLOSION:
        if b.tick > 0:  # not before anybody could have seen it: smacv2 waits until all units of a battle are there
            b.hp[i] = 0.0
    elif bears and b.cooldown[i] <= 0.0:
        begin_swing(b, u, c, i, j)
    return False


@kernel
def begin_swing(b, u, c, i, j):
    """Start an attack: the cycle counts from here, the effect comes at the damage point."""
    k = b.kind[i]
    w = 0
    if u.weapons[k] > 1 and u.is_ground[b.kind[j]] and within(b, u, i, j, u.range[k, 1]):
        w = 1
    jitter = c.jitter_least + c.jitter_span * rng.uniform(b.key, rng.COOLDOWN, i, b.tick)
    b.weapon[i] = w
    b.cooldown[i] = u.period[k, w] + jitter
    b.swing[i] = u.damage_point[k, w]
    if b.swing[i] <= 0.0:
        release(b, u, c, i, j, w)


@kernel
def release(b, u, c, i, j, w):
    """The damage point: a hit, a missile, the first hit of a burst, or the start of two sweeps."""
    k = b.kind[i]
    how = u.delivery[k, w]
    if how == INSTANT or how == BURST:
        damage(b, u, c, i, j, u.damage[k, w, b.kind[j]])
        if how == BURST:
            b.burst[i] = u.second_hit[k, w]
    elif how == MISSILE:
        b.missile[i] = j
        b.missile_weapon[i] = w
        b.missile_x[i] = b.x[i]
        b.missile_y[i] = b.y[i]
    else:
        dx = b.x[j] - b.x[i]
        dy = b.y[j] - b.y[i]
        length = math.sqrt(dx * dx + dy * dy)
        b.sweep[i] = 0
        b.channel[i] = True
        b.sweep_target[i] = j
        b.sweep_x[i] = -dy / length if length > 0.0 else 1.0
        b.sweep_y[i] = dx / length if length > 0.0 else 0.0
        b.swept[i, :] = 0
        sweep(b, u, c, i)  # the first samples fall in this tick


@kernel
def heal(b, u, i):
    """Carry out a heal order for one tick; true when the medivac must follow its patient. One medivac per patient."""
    j = b.target[i]
    k = b.kind[i]
    if not b.alive[j] or b.hp[j] >= u.hp[b.kind[j]]:
        b.order[i] = NONE
        b.channel[i] = False
        return False
    near = within(b, u, i, j, u.heal_range[k])
    # Healing that has begun goes on within the slop while the medivac follows.
    if near or (b.channel[i] and within(b, u, i, j, u.heal_range[k] + u.heal_slop[k])):
        amount = min(u.heal_rate[k], b.energy[i] / u.heal_cost[k])
        if b.healed[j] == 0.0 and amount > 0.0:
            missing = u.hp[b.kind[j]] - b.hp[j]
            amount = min(amount, missing)
            b.healed[j] = amount
            b.energy[i] = max(b.energy[i] - amount * u.heal_cost[k], 0.0)
            b.channel[i] = True
    else:
        b.channel[i] = False
    return not near
