"""Sets of units as bits, 64 to a word: unit i is bit i % 64 of word i // 64.

Loops that only test units set bits without a branch, so that the processor takes several units at a time; what follows
then visits those that passed and nobody else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from envs.battle.jit import kernel

WORD = 64
WORDS = 2  # for state.MAX_UNITS


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
