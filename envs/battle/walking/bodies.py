"""Bodies on the ground and the room between them."""

from __future__ import annotations

import numpy as np

from envs.battle.basics.sets import WORD, WORDS, bit, in_word, lowest, padded, up_to, without_lowest, words
from envs.battle.jit import kernel
from envs.battle.state import NOBODY, NONE
from envs.battle.units import GRID

LOOK = 1.0  # cells of free ground ahead of which a unit thinks about who stands there
ROUNDING = 4.0 / GRID  # more than rounding adds to the length of a step


@kernel
def note_who_bars(b, c):
    """Note who stands still, or is stuck, and who of them is idle: comrades push those aside."""
    for word in range(words(c)):
        still = idle = np.uint64(0)
        for place in range(np.uint64(padded(in_word(c, word)))):
            j = np.uint64(word * WORD) + place
            still |= np.uint64((b.moving[j] == 0) | (b.stuck[j] != 0)) << place
            idle |= np.uint64(b.order[j] == NONE) << place
            b.stuck[j] = 0  # until it walks among others again
        b.still[word] = still
        b.idle[word] = idle
    for word in range(words(c), WORDS):  # a record may have held a larger battle before
        b.still[word] = b.idle[word] = b.near[word] = b.close[word] = b.stands[word] = np.uint64(0)


@kernel(inline=True)
def find_near(b, c, i):
    """Note the bodies on unit i's floor within a look of it, and those that its next step may touch."""
    note_near(b, i, 0, in_word(c, 0))
    if words(c) > 1:
        note_near(b, i, 1, in_word(c, 1))


@kernel(inline=True)
def note_near(b, i, word, count):
    """Note those among the units of one word."""
    first = np.uint64(word * WORD)
    floor = b.floor[i]
    x, y = b.x[i], b.y[i]
    look = b.body[i] + LOOK
    touch = b.body[i] + (b.velocity[i] + ROUNDING)
    near = close = np.uint64(0)
    for place in range(np.uint64(padded(count))):  # no branch: the processor takes several units at a time
        j = first + place
        dx = b.x[j] - x
        dy = b.y[j] - y
        far, short = look + b.body[j], touch + b.body[j]
        distance2 = dx * dx + dy * dy
        here = b.floor[j] == floor
        near |= np.uint64(here & (distance2 < far * far)) << place
        close |= np.uint64(here & (distance2 < short * short)) << place
    others = up_to(count) & ~(bit(i) if i // WORD == word else np.uint64(0))
    b.near[word] = near & others
    b.close[word] = close & near & others


@kernel(inline=True)
def anybody_near(b):
    """Whether ``find_near`` found somebody."""
    return (b.near[0] | b.near[1]) != 0


@kernel(inline=True)
def in_way(b, i, j, dx, dy):
    """Whether a step of unit i by (dx, dy) would bring it too close to unit j, and closer than it is."""
    now_x = b.x[j] - b.x[i]
    now_y = b.y[j] - b.y[i]
    then_x = now_x - dx
    then_y = now_y - dy
    least = b.body[i] + b.body[j]
    then2 = then_x * then_x + then_y * then_y
    return then2 < least * least and then2 < now_x * now_x + now_y * now_y


@kernel(inline=True)
def first_in_way(b, i, dx, dy):
    """The first of the bodies close by that is in the way of a step, -1 for none."""
    for word in range(WORDS):
        bits = b.close[word]
        while bits != 0:
            j = word * WORD + lowest(bits)
            if in_way(b, i, j, dx, dy):
                return j
            bits = without_lowest(bits)
    return NOBODY


@kernel
def clear(b, i, dx, dy):
    """Whether nobody is in the way of a step."""
    return first_in_way(b, i, dx, dy) < 0
