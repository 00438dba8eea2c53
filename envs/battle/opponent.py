"""The map script of SMACv2's flat map: every half second each enemy without an order attacks the closest agent.

It is an attack on a unit, not an attack-move: it sticks until the target dies. An enemy that cannot attack its closest
agent is refused the order and stays idle.
"""

from __future__ import annotations

from envs.battle.command import give_order
from envs.battle.geometry import distance2
from envs.battle.jit import kernel
from envs.battle.movement import head_for
from envs.battle.state import ATTACK, NONE

PERIOD = 8  # ticks


@kernel
def script(b, u, c):
    """Give the periodic orders if this tick is the script's."""
    if b.tick % PERIOD != b.trigger:
        return
    for i in range(c.n_agents, c.n_agents + c.n_enemies):
        if b.alive[i] and b.order[i] == NONE:
            j = closest(b, i, 0, c.n_agents)
            if j >= 0 and u.can_attack[b.kind[i], b.kind[j]]:
                give_order(b, i, ATTACK, j)


@kernel
def closest(b, i, first, count):
    """The living unit other than i in ``first .. first+count`` whose centre is nearest, -1 if nobody lives."""
    best = -1
    best_distance = 0.0
    for j in range(first, first + count):
        if j != i and b.alive[j]:
            distance = distance2(b, i, j)
            if best < 0 or distance < best_distance:
                best, best_distance = j, distance
    return best


@kernel
def follow_comrades(b, u, c, i):
    """With ``enemy_medivacs="follow"`` an idle enemy medivac flies to the closest comrade that can fight."""
    best = -1
    best_distance = 0.0
    for j in range(c.n_agents, c.n_agents + c.n_enemies):
        if b.alive[j] and u.weapons[b.kind[j]] > 0:
            distance = distance2(b, i, j)
            if best < 0 or distance < best_distance:
                best, best_distance = j, distance
    if best >= 0 and best_distance > 1.0:
        head_for(b, u, i, b.x[best], b.y[best])
