"""How many seeds would decide: known numbers, how often they do, and what following the advice costs in errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from harness.stats import Difference, paired_difference, verdict
from harness.stats.power import POWER, power
from harness.stats.verdict import SMALLEST_OF_INTEREST, seeds_to_decide
from tests.harness.stats.test_paired import difference, drawn

SPREAD = 0.07
"""Of one algorithm's win rate from one seed to another."""


@pytest.mark.parametrize(("ratio", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_known_numbers(ratio: float, seeds: int) -> None:
    """Pairs that a two-sided t test at 5% needs for 80% power. Source: tables after Cohen (1988), ``dz``."""
    assert power(ratio, [1.0], seeds - 1) < POWER <= power(ratio, [1.0], seeds)
    assert seeds_to_decide(difference(ratio, 1.0, 3), won=False) == seeds


def test_several_scenarios_share_the_burden() -> None:
    """The error of a mean over four scenarios is half that of one, its degrees of freedom are four times as many."""
    assert power(0.5, [1.0] * 4, 9) > power(1.0, [1.0], 9)
    assert power(0.5, [1.0] * 4, 101) == pytest.approx(power(1.0, [1.0], 101), abs=1e-3)
    one_varies = power(0.5, [4.0, 0.0, 0.0, 0.0], 10)
    assert one_varies == pytest.approx(power(1.0, [1.0], 10)), "the scenario that varies is all there is"


def test_too_many_seeds_are_no_advice() -> None:
    assert seeds_to_decide(difference(0.02, 5.0, 3), won=True) is None
    assert seeds_to_decide(difference(0.0, 5.0, 3), won=False) is None, "no size of return is of interest by itself"
    assert seeds_to_decide(difference(0.0, 0.0, 3), won=False) is None
    assert seeds_to_decide(difference(1000.0, 0.001, 3), won=False) == 2


def decided(found: Difference) -> bool:
    return found.low > 0.0 or found.high < 0.0 or max(-found.low, found.high) < SMALLEST_OF_INTEREST


@pytest.mark.parametrize("truth", [0.0, 0.025, 0.08, 0.12])
def test_the_seeds_that_it_asks_for_decide_at_their_rate(truth: float) -> None:
    """Where the first look saw difference and spread as they are; ±0.06 is more than three standard errors."""
    rng = np.random.default_rng(1)
    spread = np.var([pairs.mean() for pairs in drawn(rng, 2000, SPREAD, truth)]) ** 0.5
    seeds = seeds_to_decide(difference(truth, float(spread), 3), won=True)
    assert seeds is not None
    found = [paired_difference([drawn(rng, seeds, SPREAD, truth)], shares=True) for _ in range(400)]
    assert np.mean([decided(each) for each in found]) == pytest.approx(POWER + 0.02, abs=0.06)
    fewer = [paired_difference([drawn(rng, seeds // 2, SPREAD, truth)], shares=True) for _ in range(400)]
    assert np.mean([decided(each) for each in fewer]) < 0.65, "half as many do not"


def looks(rng: np.random.Generator, *, alone: bool, most: int) -> Difference:
    """Two equal algorithms: three seeds, then as many as the verdict asks for, until it decides.

    Args:
        rng: draws the seeds.
        alone: whether further seeds are judged without those before them, as the verdict says.
        most: how many looks.
    """
    seeds = drawn(rng, 3, SPREAD)
    for _ in range(most - 1):
        found = paired_difference([seeds], shares=True)
        more = None if decided(found) else seeds_to_decide(found, won=True)
        if more is None:
            break
        seeds = drawn(rng, more, SPREAD) if alone else seeds + drawn(rng, more, SPREAD)
    return paired_difference([seeds], shares=True)


def calls_a_winner(found: Sequence[Difference]) -> float:
    return float(np.mean(["wins more" in verdict("a", "b", each, won=True) for each in found]))


def test_seeds_judged_alone_are_wrong_at_their_rate() -> None:
    """What the report says: 5 of 100, and 10 where either of two looks counts."""
    rng = np.random.default_rng(2)
    found = [looks(rng, alone=True, most=2) for _ in range(800)]
    assert calls_a_winner([each for each in found if each.seeds[0] > 3]) == pytest.approx(0.05, abs=0.025)
    assert calls_a_winner(found) < 0.125


def test_seeds_added_until_it_decides_are_wrong_more_often() -> None:
    """What README and report say: 14 of 100."""
    rng = np.random.default_rng(2)
    assert calls_a_winner([looks(rng, alone=False, most=10) for _ in range(600)]) == pytest.approx(0.14, abs=0.04)


def test_the_advice_is_for_each_of_several_scenarios() -> None:
    rng = np.random.default_rng(3)
    found = paired_difference([drawn(rng, 3, SPREAD), drawn(rng, 3, SPREAD)], shares=True)
    more = seeds_to_decide(found, won=True)
    assert verdict("a", "b", found, won=True).endswith(
        f": no difference shown; about {more} more seeds of each scenario, judged alone, would decide"
    )
