"""Units' own choices: targets to attack, patients to heal.

Enemies always do, agents only on an attack-move, which the actions of an env_step never give: it comes through the
game's interface alone. SMACv2's script for enemies is in ``opponent.py``, the agents' choice of a target in
``smacv2/orders.py``, and calls for help when hit in ``damage.py``.
"""

from __future__ import annotations

import numpy as np

from envs.battle.basics.command import acquire, give_order
from envs.battle.basics.geometry import distance2, within
from envs.battle.basics.sets import WORD, comrades, foes, in_word, lowest, padded, up_to, without_lowest, words
from envs.battle.jit import kernel
from envs.battle.state import ACQUIRED, HEAL, MARCH, MOVE, NOBODY, NONE
from envs.battle.unit_types import SWEEP

LEASH = 21.0  # cells that an idle unit may follow a target of its own choice
LEASH_RESET = 5.0  # cells from where it stood that it is pulled back to


@kernel(inline=True)
def choosers(b, c, word):
    """The bits of the units that live and act for themselves."""
    alive = marching = np.uint64(0)
    count = in_word(c, word)
    for place in range(np.uint64(padded(count))):
        i = np.uint64(word * WORD) + place
        alive |= np.uint64(b.alive[i]) << place
        marching |= np.uint64(b.marches[i]) << place
    return alive & up_to(count) & (marching | ~up_to(max(c.n_agents - word * WORD, 0)))


@kernel
def best_target(b, u, c, i):
    """The foe that unit i would attack on its own: in scan range, threats first, then near."""
    k = b.kind[i]
    if u.weapons[k] == 0:
        return NOBODY
    best = NOBODY
    best_threat = 0
    best_distance = 0.0
    # A colossus prefers what stands near its last target.
    x, y = b.x[i], b.y[i]
    if u.delivery[k, 0] == SWEEP and b.target[i] >= 0:
        last = b.target[i]
        x, y = (b.x[last], b.y[last]) if b.alive[last] else (b.fell_x[last], b.fell_y[last])
    for j in range(*foes(c, i)):
        if not b.alive[j] or not u.can_attack[k, b.kind[j]] or not within(b, u, i, j, u.scan_range[k, 0]):
            continue
        threat = u.threatens[k, b.kind[j]]
        dx = b.x[j] - x
        dy = b.y[j] - y
        distance = dx * dx + dy * dy
        if best < 0 or threat > best_threat or (threat == best_threat and distance < best_distance):
            best, best_threat, best_distance = j, threat, distance
    return best


@kernel
def choose_targets(b, u, c):
    """The idle and the marching acquire; those on their way to a target of their own choice may choose a nearer one."""
    for word in range(words(c)):
        bits = choosers(b, c, word)
        while bits != 0:
            choose_target(b, u, c, word * WORD + lowest(bits))
            bits = without_lowest(bits)


@kernel(inline=True)
def choose_target(b, u, c, i):
    """Unit i's choice."""
    if b.order[i] == ACQUIRED:
        reconsider(b, u, c, i)
    elif b.order[i] == MOVE:
        come_back(b, i)
    if b.order[i] == NONE or b.order[i] == MARCH:
        looks = c.acquire_period == 1 or (b.tick + i) % c.acquire_period == 0
        j = best_target(b, u, c, i) if looks else NOBODY
        if j >= 0:
            acquire(b, i, j)
        elif b.marches[i]:
            b.order[i] = MARCH


@kernel
def reconsider(b, u, c, i):
    """Keep an acquired target while attacking it; else look again now and then, and mind the leash."""
    j = b.target[i]
    if not b.alive[j]:
        give_order(b, i, NONE, j)
        return
    attacking = b.swing[i] > 0.0 or b.burst[i] > 0.0 or b.channel[i]
    if attacking or within(b, u, i, j, u.range[b.kind[i], 0]):
        return
    if u.speed[b.kind[i]] == 0.0 or (c.lets_go and not within(b, u, i, j, u.scan_range[b.kind[i], 0])):
        give_order(b, i, NONE, j)
    elif not b.marches[i] and from_anchor2(b, i) > LEASH * LEASH:
        give_order(b, i, MOVE, NOBODY)
        b.dest_x[i], b.dest_y[i] = b.anchor_x[i], b.anchor_y[i]
    elif (b.tick + i) % c.reconsider_period == 0:
        better = best_target(b, u, c, i)
        if better >= 0 and better != j:
            anchor_x, anchor_y = b.anchor_x[i], b.anchor_y[i]
            acquire(b, i, better)
            b.anchor_x[i], b.anchor_y[i] = anchor_x, anchor_y


@kernel
def come_back(b, i):
    """A unit that its leash pulls back is free again near the place that it left."""
    if from_anchor2(b, i) <= LEASH_RESET * LEASH_RESET:
        give_order(b, i, NONE, NOBODY)


@kernel
def from_anchor2(b, i):
    """Squared distance from where the unit stood when it acquired."""
    dx = b.x[i] - b.anchor_x[i]
    dy = b.y[i] - b.anchor_y[i]
    return dx * dx + dy * dy


@kernel
def choose_patients(b, u, c):
    """Idle medivacs heal by themselves: the lowest share of life first, then the nearest, one medivac each."""
    for word in range(words(c)):
        bits = healers(b, c, word)
        while bits != 0:
            i = word * WORD + lowest(bits)
            bits = without_lowest(bits)
            free = b.order[i] == NONE or b.order[i] == MARCH
            own = i >= c.n_agents or b.marches[i]
            if own and free and b.energy[i] >= u.autocast_energy[b.kind[i]]:
                j = best_patient(b, u, c, i)
                if j >= 0:
                    give_order(b, i, HEAL, j)


@kernel(inline=True)
def healers(b, c, word):
    """The bits of the living that can heal."""
    bits = np.uint64(0)
    count = in_word(c, word)
    for place in range(np.uint64(padded(count))):
        i = np.uint64(word * WORD) + place
        bits |= np.uint64(b.alive[i] & b.heals[i]) << place
    return bits & up_to(count)


@kernel
def best_patient(b, u, c, i):
    """The comrade that an idle medivac would heal, or NOBODY."""
    k = b.kind[i]
    best = NOBODY
    best_share = 1.0
    best_distance = 0.0
    for j in range(*comrades(c, i)):
        if j == i or not b.alive[j] or not u.is_biological[b.kind[j]]:
            continue
        share = b.hp[j] / u.hp[b.kind[j]]
        if share >= 1.0 or not within(b, u, i, j, u.autocast_range[k]) or is_healed(b, u, c, j):
            continue
        distance = distance2(b, i, j)
        if best < 0 or share < best_share or (share == best_share and distance < best_distance):
            best, best_share, best_distance = j, share, distance
    return best


@kernel
def is_healed(b, u, c, j):
    """Whether some medivac has this unit as its patient already."""
    for i in range(c.n_agents + c.n_enemies):
        if b.alive[i] and u.heals[b.kind[i]] and b.order[i] == HEAL and b.target[i] == j:
            return True
    return False
