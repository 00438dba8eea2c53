"""Damage and death.

Damage is written at once, death is declared at the end of the tick: with ``unit_order="simultaneous"`` two units that
kill each other in one tick both die.
"""

from __future__ import annotations

from envs.battle.basics.command import acquire, break_off
from envs.battle.basics.geometry import distance2
from envs.battle.basics.sets import enemies, foes, padded
from envs.battle.jit import kernel
from envs.battle.state import MARCH, NONE
from envs.battle.units import IN_THE_AIR

MINIMUM_DAMAGE = 0.5
HELP_RADIUS, HELP_PERIOD = 4.0, 32  # call for help: cells and ticks
COMRADES_HELP, NOBODY_HELPS = 0, 2  # in the order of readings.CHOICES; in between the victim helps itself


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
    if c.help_comes == NOBODY_HELPS or b.tick - b.called[victim] < HELP_PERIOD or not b.alive[attacker]:
        return
    b.called[victim] = b.tick
    for j in range(*enemies(c)):
        near = j == victim or (c.help_comes == COMRADES_HELP and distance2(b, victim, j) <= HELP_RADIUS * HELP_RADIUS)
        can = u.can_attack[b.kind[j], b.kind[attacker]]
        free = b.order[j] == NONE or b.order[j] == MARCH
        if b.alive[j] and free and near and can and u.speed[b.kind[j]] > 0.0:
            acquire(b, j, attacker)


@kernel
def anybody_fell(b, c):
    """Whether somebody has no life left and is not declared dead yet."""
    fell = 0
    for i in range(padded(c.n_agents + c.n_enemies)):
        fell |= (b.alive[i] != 0) & (b.hp[i] <= 0.0)
    return fell != 0


@kernel
def resolve_deaths(b, u, c):
    """Declare deaths; a dying baneling explodes, which may kill more, until nobody else dies."""
    n_units = c.n_agents + c.n_enemies
    again = anybody_fell(b, c)
    while again:
        again = False
        for i in range(n_units):
            if not b.alive[i] or b.hp[i] > 0.0:
                continue
            b.alive[i] = False
            b.fell_x[i], b.fell_y[i] = b.x[i], b.y[i]
            b.floor[i] = IN_THE_AIR
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
    for j in range(*foes(c, i)):
        reach = u.explosion_radius[k] + u.radius[b.kind[j]]
        if b.alive[j] and u.is_ground[b.kind[j]] and distance2(b, i, j) <= reach * reach:
            damage(b, u, c, i, j, u.damage[k, 0, b.kind[j]])
