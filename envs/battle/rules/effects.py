"""Effects after the damage point: missiles in flight, second hits, the colossus' lances."""

from __future__ import annotations

import math

import numpy as np

from envs.battle.basics.sets import WORD, foes, in_word, lowest, padded, up_to, without_lowest, words
from envs.battle.jit import kernel
from envs.battle.rules.damage import damage
from envs.battle.state import SWEEP_DELAY
from envs.battle.terrain import level_at

LANCE_SAMPLES, LANCE_STEP = 11, 0.4992  # samples across the target; ticks between two
LANCE_HALF_WIDTH, LANCE_SPACING, LANCE_RADIUS = 1.25, 0.25, 0.15
LANCE_END = 12  # first tick after 0.7182 s: the main target's damage


@kernel
def delayed_effects(b, u, c):
    """Advance the effects of all units, which their next orders do not change."""
    for word in range(words(c)):
        bits = np.uint64(0)
        count = in_word(c, word)
        for place in range(np.uint64(padded(count))):
            j = np.uint64(word * WORD) + place
            on_its_way = (b.missile[j] >= 0) | (b.burst[j] > 0.0) | (b.sweep[j] >= 0)
            bits |= np.uint64(on_its_way) << place
        bits &= up_to(count)
        while bits != 0:
            advance(b, u, c, word * WORD + lowest(bits))
            bits = without_lowest(bits)


@kernel
def advance(b, u, c, i):
    """Advance a unit's missile, second hit and lances."""
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
    first_foe, end = foes(c, i)
    main = b.sweep_target[i]
    b.channel[i] = b.channel[i] and b.alive[i] and b.alive[main]
    for lance in range(2):
        due = b.sweep_due[i, lance, slot]
        b.sweep_due[i, lance, slot] = 0
        for j in range(first_foe, end):
            if (due >> (j - first_foe)) & 1 and b.alive[j]:
                damage(b, u, c, i, j, u.damage[b.kind[i], 0, b.kind[j]])
    if b.channel[i]:
        first = 0 if age == 0 else int((age - 1) / LANCE_STEP) + 1
        last = min(int(age / LANCE_STEP), LANCE_SAMPLES - 1)
        for sample in range(first, last + 1):
            touch(b, u, c, i, main, sample, slot)
        if age == LANCE_END:
            b.channel[i] = False
            for _ in range(2):
                damage(b, u, c, i, main, u.damage[b.kind[i], 0, b.kind[main]])
    b.sweep[i] = age + 1 if age < LANCE_END + SWEEP_DELAY else -1


@kernel
def touch(b, u, c, i, main, sample, slot):
    """Mark the ground units on the target's cliff level that the two lances' samples touch."""
    first_foe, end = foes(c, i)
    level = level_at(c, b.x[main], b.y[main])
    for lance in range(2):
        offset = -LANCE_HALF_WIDTH + LANCE_SPACING * sample
        if lance == 1:
            offset = -offset
        px = b.x[main] + offset * b.sweep_x[i]
        py = b.y[main] + offset * b.sweep_y[i]
        for j in range(first_foe, end):
            bit = np.int64(1) << (j - first_foe)
            if j == main or not b.alive[j] or not u.is_ground[b.kind[j]] or b.swept[i, lance] & bit:
                continue
            dx = b.x[j] - px
            dy = b.y[j] - py
            reach = LANCE_RADIUS + u.radius[b.kind[j]]
            if dx * dx + dy * dy <= reach * reach and level_at(c, b.x[j], b.y[j]) == level:
                b.swept[i, lance] |= bit
                b.sweep_due[i, lance, slot] |= bit
