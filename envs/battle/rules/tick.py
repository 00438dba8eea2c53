"""One update of the game: choices, things in flight, actions of units, deaths, movement, recovery."""

from __future__ import annotations

import numpy as np

from envs.battle.jit import kernel
from envs.battle.rules import rng
from envs.battle.rules.damage import resolve_deaths
from envs.battle.rules.effects import delayed_effects
from envs.battle.rules.healing import heal
from envs.battle.rules.movement import head_for, move_all
from envs.battle.rules.opponent import HOVER, keep_busy, march, script
from envs.battle.rules.targeting import choose_patients, choose_targets
from envs.battle.rules.weapons import attack
from envs.battle.state import ACQUIRED, ATTACK, HEAL, MARCH, MOVE, NONE


@kernel
def tick(b, u, c):
    """Advance one battle by one tick (1/16 game second)."""
    choose_targets(b, u, c)
    if c.medivacs:
        choose_patients(b, u, c)
    script(b, u, c)
    n_units = c.n_agents + c.n_enemies
    for i in range(n_units):
        b.moving[i] = False
        b.healed[i] = 0.0
    # First what was let loose in earlier ticks: a missile d cells away lands ceil(d / speed) ticks after its launch.
    for i in range(n_units):
        delayed_effects(b, u, c, i)
    if c.random_order:
        act_in_random_order(b, u, c)
    else:
        for i in range(n_units):
            if b.alive[i]:
                act(b, u, c, i)
    if c.medivacs:
        receive_healing(b, u, c)
    resolve_deaths(b, u, c)
    move_all(b, u, c)
    recover(b, u, c)
    b.tick += 1


@kernel
def act_in_random_order(b, u, c):
    """As the game does: one after the other, and who is killed is dead at once, to itself and to later units."""
    resolve_deaths(b, u, c)
    n_units = c.n_agents + c.n_enemies
    for i in range(n_units):
        b.turn[i] = i
    bits = np.uint64(0)
    for i in range(n_units - 1):  # Fisher-Yates, a quarter of a draw for each swap: even to within a thousandth
        if i % 4 == 0:
            bits = rng.word(b.key, rng.UNIT_ORDER, i, b.tick)
        j = i + ((n_units - i) * np.int64(bits & np.uint64(0xFFFF)) >> 16)
        bits = bits >> np.uint64(16)
        b.turn[i], b.turn[j] = b.turn[j], b.turn[i]
    for k in range(n_units):
        i = b.turn[k]
        if b.alive[i]:
            act(b, u, c, i)
            j = b.target[i]
            if b.hp[i] <= 0.0 or (j >= 0 and b.alive[j] and b.hp[j] <= 0.0):  # nobody else can die of an action
                resolve_deaths(b, u, c)


@kernel
def act(b, u, c, i):
    """Carry out unit i's order for one tick; movement is only wished for here."""
    order = b.order[i]
    speed = u.speed[b.kind[i]]
    if order == ATTACK or order == ACQUIRED:
        if attack(b, u, c, i):
            j = b.target[i]
            head_for(b, u, c, i, b.x[j], b.y[j], speed)
    elif order == MOVE:
        if head_for(b, u, c, i, b.dest_x[i], b.dest_y[i], speed):
            b.order[i] = NONE
    elif order == HEAL:
        if heal(b, u, i):
            j = b.target[i]
            head_for(b, u, c, i, b.x[j], b.y[j], speed)
    elif order == MARCH:
        march(b, u, c, i)
    elif c.idle_medivacs != HOVER and i >= c.n_agents and u.heals[b.kind[i]]:
        keep_busy(b, u, c, i)


@kernel
def receive_healing(b, u, c):
    """Healing lands after the tick's damage and cannot raise the dead."""
    for i in range(c.n_agents + c.n_enemies):
        if b.healed[i] > 0.0 and b.hp[i] > 0.0:
            b.hp[i] = min(b.hp[i] + b.healed[i], u.hp[b.kind[i]])


@kernel
def recover(b, u, c):
    """Cooldowns, turning, regeneration of life, shields and energy of the living."""
    for i in range(c.n_agents + c.n_enemies):
        if not b.alive[i]:
            continue
        k = b.kind[i]
        b.cooldown[i] = max(b.cooldown[i] - 1.0, 0.0)
        if b.turning[i] > 0:
            b.turning[i] -= 1
        b.hp[i] = min(b.hp[i] + u.hp_regen[k], u.hp[k])
        b.energy[i] = min(b.energy[i] + u.energy_regen[k], u.energy_max[k])
        if b.calm[i] >= u.shield_delay[k]:
            b.shield[i] = min(b.shield[i] + u.shield_regen[k], u.shield[k])
        b.calm[i] += 1
