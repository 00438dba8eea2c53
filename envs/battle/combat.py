"""Weapons: aim, swing, release, missiles, lances, damage, healing, death.

Damage is written at once, death is declared at the end of the tick: with ``unit_order="simultaneous"`` two units that
kill each other in one tick both die. Confidence of each rule: the facts named in ``docs/ENGINE.md``.
"""

from __future__ import annotations

import math

import numpy as np

from envs.battle import rng
from envs.battle.jit import kernel
from envs.battle.state import ACQUIRED, NONE, SWEEP_DELAY
from envs.battle.units import BURST, EXPLOSION, INSTANT, MISSILE

MINIMUM_DAMAGE = 0.5
JITTER_LEAST, JITTER_SPAN = -1.0, 3.0  # a cycle lasts period + U(-1, 2) ticks
HELP_RADIUS, HELP_PERIOD = 4.0, 32  # call for help: cells and ticks
LANCE_SAMPLES, LANCE_STEP = 11, 0.4992  # samples across the target; ticks between two
LANCE_HALF_WIDTH, LANCE_SPACING, LANCE_RADIUS = 1.25, 0.25, 0.15
LANCE_END = 12  # first tick after 0.7182 s: the main target's damage


@kernel
def distance2(b, i, j):
    """Squared distance of two centres; exact in float64 because positions lie on a grid."""
    dx = b.x[j] - b.x[i]
    dy = b.y[j] - b.y[i]
    return dx * dx + dy * dy


@kernel
def within(b, u, i, j, length):
    """Whether the edges of two units are at most ``length`` apart."""
    reach = length + u.radius[b.kind[i]] + u.radius[b.kind[j]]
    return distance2(b, i, j) <= reach * reach


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
def break_off(b, i):
    """What a new order interrupts: a swing costs no cooldown, a burst its second hit, a sweep its main damage."""
    if b.swing[i] > 0.0:
        b.swing[i] = 0.0
        b.cooldown[i] = 0.0
    b.burst[i] = 0.0
    b.channel[i] = False


@kernel
def give_order(b, i, order, target):
    """Replace the order; the same order on the same target again interrupts nothing."""
    if b.order[i] == order and b.target[i] == target:
        return
    break_off(b, i)
    b.order[i] = order
    b.target[i] = target


@kernel
def damage(b, u, c, attacker, target, amount):
    """One hit: shields first, what is left goes to life less armour, at least 0.5."""
    absorbed = min(b.shield[target], amount)
    b.shield[target] -= absorbed
    rest = amount - absorbed
    if rest > 0.0:
        b.hp[target] -= max(rest - u.armor[b.kind[target]], MINIMUM_DAMAGE)
    b.calm[target] = 0
    if target >= c.n_agents and attacker < c.n_agents:
        call_for_help(b, u, c, attacker, target)


@kernel
def call_for_help(b, u, c, attacker, victim):
    """A damaged enemy and its idle comrades within 4 cells acquire the attacker, at most every 2 s."""
    if b.tick - b.called[victim] < HELP_PERIOD:
        return
    b.called[victim] = b.tick
    for j in range(c.n_agents, c.n_agents + c.n_enemies):
        near = j == victim or distance2(b, victim, j) <= HELP_RADIUS * HELP_RADIUS
        can = u.can_attack[b.kind[j], b.kind[attacker]]
        if b.alive[j] and b.alive[attacker] and b.order[j] == NONE and near and can:
            acquire(b, j, attacker)


@kernel
def acquire(b, i, target):
    """An attack that the unit chose for itself; the leash starts where it stands."""
    give_order(b, i, ACQUIRED, target)
    b.anchor_x[i] = b.x[i]
    b.anchor_y[i] = b.y[i]


@kernel
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
        return True
    bears = face(b, u, i, b.x[j] - b.x[i], b.y[j] - b.y[i], 0)
    if u.delivery[k, 0] == EXPLOSION:
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
    jitter = JITTER_LEAST + JITTER_SPAN * rng.uniform(b.key, rng.COOLDOWN, i, b.tick)
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


@kernel
def delayed_effects(b, u, c, i):
    """What is under way whatever the unit does next: its missile, its second hit, its lances."""
    if b.missile[i] >= 0:
        fly(b, u, c, i)
    if b.burst[i] > 0.0:
        b.burst[i] -= 1.0
        if b.burst[i] <= 0.0:
            b.burst[i] = 0.0
            j = b.target[i]
            if b.alive[i] and b.alive[j]:
                damage(b, u, c, i, j, u.damage[b.kind[i], b.weapon[i], b.kind[j]])
    if b.sweep[i] >= 0:
        sweep(b, u, c, i)


@kernel
def fly(b, u, c, i):
    """A missile homes in on its target; it is wasted when the target dies first."""
    j = b.missile[i]
    if not b.alive[j]:
        b.missile[i] = -1
        return
    k = b.kind[i]
    w = b.missile_weapon[i]
    dx = b.x[j] - b.missile_x[i]
    dy = b.y[j] - b.missile_y[i]
    length = math.sqrt(dx * dx + dy * dy)
    speed = u.missile_speed[k, w]
    if length <= speed:
        b.missile[i] = -1
        damage(b, u, c, i, j, u.damage[k, w, b.kind[j]])
    else:
        b.missile_x[i] += dx / length * speed
        b.missile_y[i] += dy / length * speed


@kernel
def sweep(b, u, c, i):
    """Two lances cross the target's line in opposite directions; a touched unit is hit 4 ticks later, once by each."""
    age = b.sweep[i]
    slot = age % SWEEP_DELAY
    base = c.n_agents if i < c.n_agents else 0
    count = c.n_enemies if i < c.n_agents else c.n_agents
    main = b.sweep_target[i]
    b.channel[i] = b.channel[i] and b.alive[i] and b.alive[main]
    for lance in range(2):
        due = b.sweep_due[i, lance, slot]
        b.sweep_due[i, lance, slot] = 0
        for j in range(count):
            if (due >> j) & 1 and b.alive[base + j]:
                damage(b, u, c, i, base + j, u.damage[b.kind[i], 0, b.kind[base + j]])
    if b.channel[i]:
        first = 0 if age == 0 else int((age - 1) / LANCE_STEP) + 1
        last = min(int(age / LANCE_STEP), LANCE_SAMPLES - 1)
        for sample in range(first, last + 1):
            touch(b, u, i, base, count, main, sample, slot)
        if age == LANCE_END:
            b.channel[i] = False
            for _ in range(2):
                damage(b, u, c, i, main, u.damage[b.kind[i], 0, b.kind[main]])
    b.sweep[i] = age + 1 if age < LANCE_END + SWEEP_DELAY else -1


@kernel
def touch(b, u, i, base, count, main, sample, slot):
    """Mark the ground units that the two lances' samples touch."""
    for lance in range(2):
        offset = -LANCE_HALF_WIDTH + LANCE_SPACING * sample
        if lance == 1:
            offset = -offset
        px = b.x[main] + offset * b.sweep_x[i]
        py = b.y[main] + offset * b.sweep_y[i]
        for j in range(count):
            unit = base + j
            bit = np.int64(1) << j
            if unit == main or not b.alive[unit] or not u.is_ground[b.kind[unit]] or b.swept[i, lance] & bit:
                continue
            dx = b.x[unit] - px
            dy = b.y[unit] - py
            reach = LANCE_RADIUS + u.radius[b.kind[unit]]
            if dx * dx + dy * dy <= reach * reach:
                b.swept[i, lance] |= bit
                b.sweep_due[i, lance, slot] |= bit


@kernel
def bury(b, u, c):
    """Declare deaths; a dying baneling explodes, which may kill more, until nobody else dies."""
    n_units = c.n_agents + c.n_enemies
    again = True
    while again:
        again = False
        for i in range(n_units):
            if not b.alive[i] or b.hp[i] > 0.0:
                continue
            b.alive[i] = False
            b.hp[i] = 0.0
            b.order[i] = NONE
            break_off(b, i)
            if u.explodes[b.kind[i]]:
                again = True
                explode(b, u, c, i)


@kernel
def explode(b, u, c, i):
    """Area damage to the other side's ground units whose edge is inside the circle."""
    k = b.kind[i]
    base = c.n_agents if i < c.n_agents else 0
    count = c.n_enemies if i < c.n_agents else c.n_agents
    for j in range(base, base + count):
        reach = u.explosion_radius[k] + u.radius[b.kind[j]]
        if b.alive[j] and u.is_ground[b.kind[j]] and distance2(b, i, j) <= reach * reach:
            damage(b, u, c, i, j, u.damage[k, 0, b.kind[j]])


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
