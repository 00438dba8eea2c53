"""Sets of units as bits: visiting them gives the units back in order, at the edges of a word as well."""

from __future__ import annotations

import numpy as np
import pytest

from envs.battle.basics.sets import WORD, WORDS, bit, lowest, padded, up_to, without_lowest
from envs.battle.jit import kernel
from envs.battle.state import MAX_UNITS


@kernel
def visited(words, found):
    """The units of a set, in the order in which loops of the engine visit them."""
    count = 0
    for word in range(WORDS):
        bits = words[word]
        while bits != 0:
            found[count] = word * WORD + lowest(bits)
            bits = without_lowest(bits)
            count += 1
    return count


@pytest.mark.parametrize("units", [[], [0], [63], [64], [0, 5, 63, 64, 79], list(range(MAX_UNITS))])
def test_units_are_visited_in_order(units: list[int]) -> None:
    words, found = np.zeros(WORDS, np.uint64), np.full(MAX_UNITS, -1)
    for i in units:
        words[i // WORD] |= bit(i)
    assert found[: visited(words, found)].tolist() == units


@pytest.mark.parametrize("count", [0, 1, 63, 64, 80])
def test_the_first_units_of_a_word(count: int) -> None:
    assert int(up_to(count)) == 2 ** min(count, WORD) - 1


def test_loops_run_over_whole_vectors_and_stay_in_the_record() -> None:
    assert [padded(count) for count in (0, 1, 4, 5, MAX_UNITS)] == [0, 4, 4, 8, MAX_UNITS]
    assert MAX_UNITS <= WORD * WORDS
