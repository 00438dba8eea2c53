"""Sets of units: a side is a range of numbers, agents first; any other set is bits, 64 to a word.

Unit i is bit i % 64 of word i // 64. Loops that only test units set bits without a branch, so that the processor takes
several units at a time; what follows then visits those that passed and nobody else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from envs.battle.jit import kernel

WORD = 64
WORDS = 2  # for state.MAX_UNITS


@kernel(inline=True)
def agents(c):
    """The first agent, and one past the last."""
    return 0, c.n_agents


@kernel(inline=True)
def enemies(c):
    """The first enemy, and one past the last."""
    return c.n_agents, c.n_agents + c.n_enemies


@kernel(inline=True)
def foes(c, i):
    """The first unit of the side that unit i fights, and one past the last."""
    return enemies(c) if i < c.n_agents else agents(c)


@kernel(inline=True)
def comrades(c, i):
    """The first unit of unit i's side, and one past the last."""
    return agents(c) if i < c.n_agents else enemies(c)


def _trailing_zeros(typing_context: Any, bits: Any) -> Any:
    """Trailing zeros of a word that is not 0: one instruction."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], cgutils.true_bit)

    return types.int64(types.uint64), generate


trailing_zeros: Any = intrinsic(_trailing_zeros)


@kernel(inline=True)
def lowest(bits):
    """The number of the lowest bit of a word that is not 0."""
    return trailing_zeros(np.uint64(bits))


@kernel(inline=True)
def without_lowest(bits):
    """The word without its lowest bit."""
    return bits & (bits - np.uint64(1))


@kernel(inline=True)
def padded(count):
    """A number of units rounded up to whole vectors of four: what a loop does to the units beyond must not matter."""
    return (count + 3) & ~3


@kernel(inline=True)
def up_to(count):
    """The bits of the first units of a word."""
    return ~np.uint64(0) if count >= WORD else (np.uint64(1) << np.uint64(count)) - np.uint64(1)


@kernel(inline=True)
def words(c):
    """Words that the units of a battle fill."""
    return 1 if c.n_agents + c.n_enemies <= WORD else WORDS


@kernel(inline=True)
def in_word(c, word):
    """How many units are in one of these words."""
    return min(c.n_agents + c.n_enemies - word * WORD, WORD)


@kernel(inline=True)
def bit(i):
    """Unit i's bit in its word."""
    return np.uint64(1) << np.uint64(i % WORD)
