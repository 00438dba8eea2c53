"""The maps' own scripts: orders to the enemies.

``attack_closest``, on SMACv2's flat map: every half second each enemy without an order attacks the closest agent. It
is an attack on a unit, not an attack-move: it sticks until the target dies. An enemy that cannot attack its closest
agent is refused the order and stays idle. On SMAC's maps there is one order at the spawn, never repeated: ``march``, an
attack-move of all to a point, or ``attack_once``, on the group of agents, of which each enemy takes the closest.
"""

from __future__ import annotations

from envs.battle.basics import rng
from envs.battle.basics.command import give_order, go_to, halt
from envs.battle.basics.geometry import distance2
from envs.battle.basics.sets import agents, enemies
from envs.battle.jit import kernel
from envs.battle.state import ATTACK, MARCH, NOBODY, NONE
from envs.battle.walking.movement import head_for

APPROACH, FOLLOW, HOVER = 0, 1, 2  # what enemy medivacs do with nobody to heal, in the order of readings.CHOICES
ATTACK_CLOSEST, MARCH_THERE, ATTACK_ONCE = 0, 1, 2  # in the order of scenarios.SCRIPTS; the last is no script
PERIOD = 8  # ticks


@kernel
def first_orders(b, u, c):
    """The order that a map gives its living enemies at the spawn."""
    if c.script == ATTACK_ONCE:
        attack_closest(b, u, c)
    elif c.script == MARCH_THERE:
        share = rng.uniform(b.key, rng.SCRIPT, 0, 0)
        x = c.march_to[0, 0] * (1.0 - share) + c.march_to[1, 0] * share
        y = c.march_to[0, 1] * (1.0 - share) + c.march_to[1, 1] * share
        for i in range(*enemies(c)):
            if b.alive[i]:
                go_to(b, i, MARCH, x, y)


@kernel
def script(b, u, c):
    """Give the periodic orders if there are any and this tick is the script's."""
    if c.script == ATTACK_CLOSEST and b.tick % PERIOD == b.trigger:
        attack_closest(b, u, c)


@kernel
def attack_closest(b, u, c):
    """Every enemy without an order attacks the closest agent, if it can."""
    for i in range(*enemies(c)):
        if b.alive[i] and b.order[i] == NONE:
            j = closest_agent(b, u, c, i)
            if j >= 0 and u.can_attack[b.kind[i], b.kind[j]]:
                give_order(b, i, ATTACK, j)


@kernel
def closest_agent(b, u, c, i):
    """The living agent whose centre is nearest to unit i, NOBODY if none lives."""
    return closest(b, u, i, *agents(c), False)


@kernel
def closest(b, u, i, first, end, armed):
    """Of the living units from ``first`` to before ``end``, the one nearest to unit i; NOBODY if none lives.

    ``armed``: only those with a weapon count.
    """
    best = NOBODY
    best_distance = 0.0
    for j in range(first, end):
        if b.alive[j] and (u.weapons[b.kind[j]] > 0 or not armed):
            distance = distance2(b, i, j)
            if best < 0 or distance < best_distance:
                best, best_distance = j, distance
    return best


@kernel
def keep_busy(b, u, c, i):
    """Send an idle enemy medivac, by option, to the closest agent or to the closest comrade that can fight."""
    j = closest_agent(b, u, c, i) if c.idle_medivacs == APPROACH else closest(b, u, i, *enemies(c), True)
    if j >= 0 and distance2(b, i, j) > 1.0:
        head_for(b, u, c, i, b.x[j], b.y[j], u.speed[b.kind[i]])


@kernel
def march(b, u, c, i):
    """Go on with an attack-move; medivacs travel no faster than the army (SMAClite's authors on what SMAC shows)."""
    k = b.kind[i]
    keeps_pace = u.heals[k] and i >= c.n_agents
    speed = min(u.speed[k], c.march_speed) if keeps_pace else u.speed[k]
    if head_for(b, u, c, i, b.dest_x[i], b.dest_y[i], speed):
        halt(b, i)
