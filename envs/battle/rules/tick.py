"""One update of the game: choices, things in flight, actions of units, deaths, movement, recovery."""

from __future__ import annotations

import numpy as np

from envs.battle.basics import rng
from envs.battle.basics.sets import padded
from envs.battle.jit import kernel
from envs.battle.rules.damage import resolve_deaths
from envs.battle.rules.effects import delayed_effects
from envs.battle.rules.opponent import HOVER, keep_busy, march, script
from envs.battle.rules.targeting import choose_patients, choose_targets
from envs.battle.rules.weapons import attack, heal
from envs.battle.state import HEAL, MARCH, MOVE, NONE
from envs.battle.walking.movement import head_for, move_all


@kernel
def tick(b, u, c):
    """Advance one battle by one tick (1/16 game second)."""
    choose_targets(b, u, c)
    if c.medivacs:
        choose_patients(b, u, c)
        for i in range(c.n_agents + c.n_enemies):
            b.healed[i] = 0.0
    script(b, u, c)
    n_units = c.n_agents + c.n_enemies
    for i in range(padded(n_units)):
        b.moving[i] = False
    # First what was let loose in earlier ticks: a missile d cells away lands ceil(d / speed) ticks after its launch.
    delayed_effects(b, u, c)
    if c.random_order:
        act_in_random_order(b, u, c)
    else:
        for i in range(n_units):
            if b.alive[i]:
                act(b, u, c, i)
    if c.medivacs:
        receive_healing(b, c)
    resolve_deaths(b, u, c)
    move_all(b, u, c)
    recover(b, c)
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


@kernel(inline=True)
def act(b, u, c, i):
    """Carry out unit i's order for one tick; movement is only wished for here."""
    order = b.order[i]
    if order == NONE or order == MARCH:
        act_at_will(b, u, c, i, order)
        return
    x, y = b.dest_x[i], b.dest_y[i]
    goes = True
    if order != MOVE:
        j = b.target[i]
        x, y = b.x[j], b.y[j]
        goes = heal(b, u, i) if order == HEAL else attack(b, u, c, i)
    if goes and head_for(b, u, c, i, x, y, u.speed[b.kind[i]]) and order == MOVE:
        b.order[i] = NONE


@kernel
def act_at_will(b, u, c, i, order):
    """Go on with an attack-move, or keep an idle enemy medivac busy."""
    if order == MARCH:
        march(b, u, c, i)
    elif c.idle_medivacs != HOVER and i >= c.n_agents and u.heals[b.kind[i]]:
        keep_busy(b, u, c, i)


@kernel
def receive_healing(b, c):
    """Healing lands after the tick's damage and cannot raise the dead."""
    for i in range(padded(c.n_agents + c.n_enemies)):
        healed = b.healed[i] if b.hp[i] > 0.0 else 0.0
        b.hp[i] = min(b.hp[i] + healed, b.full_hp[i])


@kernel
def recover(b, c):
    """Cooldowns, turning, regeneration of life, shields and energy of the living.

    Without branches, so that the processor takes several units at a time: the dead recover nothing.
    """
    for i in range(padded(c.n_agents + c.n_enemies)):
        alive = b.alive[i] != 0
        b.cooldown[i] = max(b.cooldown[i] - (1.0 if alive else 0.0), 0.0)
        b.hp[i] = min(b.hp[i] + (b.hp_regen[i] if alive else 0.0), b.full_hp[i])
        b.energy[i] = min(b.energy[i] + (b.energy_regen[i] if alive else 0.0), b.full_energy[i])
        recharges = alive & (b.calm[i] >= b.shield_delay[i])
        b.shield[i] = min(b.shield[i] + (b.shield_regen[i] if recharges else 0.0), b.full_shield[i])
        b.calm[i] += b.alive[i]
        b.turning[i] -= b.alive[i] if b.turning[i] > 0 else 0
