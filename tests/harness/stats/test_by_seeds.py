"""Which interval for how many seeds, by hand-computed tables and by how often each holds a known truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.by_seeds import (
    COVERAGE,
    COVERAGE_NEAR_ZERO,
    aggregates_over_seeds,
    curve_over_seeds,
    improvement_over_seeds,
    profile_over_seeds,
    score_interval,
    win_rate_interval,
)
from harness.stats.closed_form import t_half_width, wilson
from harness.stats.improvement import probability_of_improvement
from harness.stats.interval import Interval, IntervalKind

T1, T2 = 12.706205, 4.302653
"""Student's t at 97.5% with 1 and 2 degrees of freedom."""
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ends(found: Interval) -> object:
    """The ends of an interval, to be compared with those by hand."""
    return pytest.approx((found.low, found.high), abs=1e-6)


def test_one_seed_gets_wilson_a_few_the_mean_with_t_and_ten_the_iqm() -> None:
    generator = rng()
    assert win_rate_interval([8], [10], generator) == wilson(8, 10)
    few = win_rate_interval([40, 50, 60], [100, 100, 100], generator)
    assert generator.random() == rng().random(), "below ten seeds nothing is drawn"
    assert few.estimate == pytest.approx(0.5)
    reach = T2 * 0.1 / math.sqrt(3)
    assert (0.5 - reach, 0.5 + reach) == ends(few)
    kinds = {seeds: win_rate_interval([50] * seeds, [100] * seeds, rng()).kind for seeds in (1, 2, 3, 9, 10)}
    a_few = dict.fromkeys((2, 3, 9), IntervalKind.MEAN_WITH_T)
    assert kinds == {1: IntervalKind.WILSON_OVER_BATTLES, **a_few, 10: IntervalKind.IQM_OVER_SEEDS}


def test_two_seeds_by_hand() -> None:
    reach = T1 * math.sqrt(2) / math.sqrt(2)
    assert (4 - reach, 4 + reach) == ends(score_interval([3.0, 5.0], rng()))


@pytest.mark.parametrize("seeds", [2, 3, 9, 10, 20])
def test_no_win_is_not_certainty(seeds: int) -> None:
    """The interval is Wilson's over all battles: 0 of 32 by seed."""
    found = win_rate_interval([0] * seeds, [32] * seeds, rng())
    battles = 32 * (seeds if seeds < 10 else seeds - 2 * (seeds // 4))  # the IQM is of the seeds in the middle
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, pytest.approx(wilson(0, battles).high))
    won = win_rate_interval([32] * seeds, [32] * seeds, rng())
    assert (won.low, won.high) == (pytest.approx(1 - found.high), 1.0)


def test_seeds_that_agree_by_chance_promise_no_more_than_their_battles() -> None:
    found = win_rate_interval([16, 16], [32, 32], rng())
    assert (found.low, found.high) == ends(wilson(32, 64))


def test_ends_stay_within_shares() -> None:
    assert ends(win_rate_interval([10, 90], [100, 100], rng())) == (0.0, 1.0)


def test_win_rates_need_both_numbers_for_each_seed() -> None:
    with pytest.raises(ValueError, match=r"wins of 2 seed\(s\) and episodes of 1"):
        win_rate_interval([1, 2], [10], rng())
    with pytest.raises(ValueError, match=r"wins of 0 seed\(s\)"):
        win_rate_interval([], [], rng())


def test_t_over_scenarios_by_hand() -> None:
    """Equal spread in two scenarios of three seeds: 2 · 2 degrees of freedom; one that varies alone has 2."""
    assert float(t_half_width([0.01, 0.01], [3, 3])) == pytest.approx(2.776445 * 0.1 / math.sqrt(6), rel=1e-5)
    assert float(t_half_width([0.01, 0.0], [3, 3])) == pytest.approx(T2 * 0.1 / math.sqrt(3) / 2, rel=1e-5)
    assert t_half_width([[0.01, 0.0], [0.0, 0.0]], [3, 3]).tolist() == [pytest.approx(T2 * 0.1 / math.sqrt(3) / 2), 0.0]


def test_sums_over_scenarios_of_a_few_seeds() -> None:
    found = aggregates_over_seeds([[0.4, 0.5, 0.6], [0.1, 0.1, 0.1]], rng(), battles=6 * 320)
    assert (found.iqm, found.median, found.mean.estimate) == (None, None, pytest.approx(0.3))
    assert found.mean.high - 0.3 == pytest.approx(T2 * 0.1 / math.sqrt(3) / 2, rel=1e-5)
    assert found.optimality_gap.low == pytest.approx(1 - found.mean.high)


def test_sums_and_curves_of_many_seeds_that_win_nothing_promise_no_more_than_their_battles() -> None:
    found = aggregates_over_seeds([[0.0] * 10, [0.0] * 12], rng(), battles=22 * 320)
    assert (found.mean.high, found.median.high) == (pytest.approx(wilson(0, 22 * 320).high),) * 2
    assert found.iqm.high == pytest.approx(wilson(0, 12 * 320).high), "of 22 runs the IQM keeps 12"
    assert found.optimality_gap.low == pytest.approx(1 - wilson(0, 22 * 320).high)
    curve = curve_over_seeds(np.array([0, 10]), [np.zeros((10, 2))], rng(), np.array([320, 640]))
    assert curve.high.tolist() == pytest.approx([wilson(0, 192).high, wilson(0, 384).high])


def test_curves_and_profiles_of_a_few_seeds() -> None:
    scores = np.array([[0.0, 0.4], [0.0, 0.5], [0.0, 0.6]])
    curve = curve_over_seeds(np.array([0, 10]), [scores], rng(), np.array([96, 96]))
    assert curve.estimate.tolist() == [0.0, pytest.approx(0.5)]
    assert (curve.low[0], curve.high[0]) == (0.0, pytest.approx(wilson(0, 96).high))
    assert curve.high[1] - 0.5 == pytest.approx(T2 * 0.1 / math.sqrt(3), rel=1e-5)
    profile = profile_over_seeds([[0.2, 0.4], [0.4, 0.8]], rng())
    assert (profile.estimate[30], profile.low[30]) == (0.75, pytest.approx(wilson(3, 4).low))
    assert "bootstrap" in profile_over_seeds([[0.2] * 10], rng()).kind
    assert "bootstrap" in curve_over_seeds(np.array([0, 10]), [np.zeros((10, 2))], rng()).kind


def test_improvement_of_a_few_seeds() -> None:
    found = improvement_over_seeds([[1.0, 2.0, 3.0]], [[0.0, 2.0]], rng())
    assert (found.estimate, found.kind) == (pytest.approx(4.5 / 6), IntervalKind.IMPROVEMENT_WITH_NEWCOMBE)
    certain = improvement_over_seeds([[2.0, 3.0]], [[0.0, 1.0]], rng())
    assert (certain.estimate, certain.high) == (1.0, 1.0)
    # (1 − θ)² = z² θ (1 − θ) (1 + (1 − θ) / (2 − θ) + θ / (1 + θ)) / 4, the one root below 1
    z = NormalDist().inv_cdf(0.975)
    theta = certain.low
    spread = 1 + (1 - theta) / (2 - theta) + theta / (1 + theta)
    assert 0.2 < theta < 0.6
    assert 1 - theta == pytest.approx(z * z * theta * spread / 4)
    back = improvement_over_seeds([[0.0, 1.0]], [[2.0, 3.0]], rng())
    assert (back.low, back.high) == (0.0, pytest.approx(1 - theta))
    ten = [list(range(10))]
    assert improvement_over_seeds(ten, ten, rng()) == probability_of_improvement(ten, ten, rng())


# How often an interval holds the truth. The draws are fixed, so nothing here depends on luck.


def normal(generator: np.random.Generator, seeds: int) -> NDArray[np.float64]:
    return np.clip(generator.normal(0.4, 0.1, seeds), 0.0, 1.0)


def skewed(generator: np.random.Generator, seeds: int) -> NDArray[np.float64]:
    """Most seeds win next to nothing, a few win more; 2% on average."""
    return generator.beta(0.5, 24.5, seeds)


def coverage(draw: Draw, seeds: int, draws: int = 1000, battles: int = 320) -> float:
    """How often ``win_rate_interval`` holds what it estimates: a policy's rate, a mean over seeds, or their IQM."""
    generator, population = rng(seeds), np.sort(draw(rng(99), 100_000))
    truth = population.mean() if seeds < 10 else population[25_000:75_000].mean()
    held = 0
    for _ in range(draws):
        rates = draw(generator, seeds)
        wins = generator.binomial(battles, rates)
        found = win_rate_interval(wins.tolist(), [battles] * seeds, generator)
        held += found.low <= (rates[0] if seeds == 1 else truth) <= found.high
    return held / draws


@pytest.mark.parametrize("seeds", list(COVERAGE))
def test_intervals_hold_the_truth_as_often_as_is_said(seeds: int) -> None:
    """±0.025 is about three standard errors of 1,000 drawings."""
    assert coverage(normal, seeds) == pytest.approx(COVERAGE[seeds], abs=0.025)
    assert coverage(skewed, seeds) == pytest.approx(COVERAGE_NEAR_ZERO[seeds], abs=0.035)


def test_the_bootstrap_over_three_seeds_would_not() -> None:
    """The broken twin: the range from the least to the greatest."""
    generator, held = rng(3), 0
    for _ in range(1000):
        rates = normal(generator, 3)
        held += rates.min() <= 0.4 <= rates.max()
    assert held / 1000 < 0.8


@pytest.mark.parametrize("seeds", [2, 3, 5, 9])
@pytest.mark.parametrize("apart", [0.0, 1.0, 2.0])
def test_improvement_over_a_few_seeds_holds_the_truth(seeds: int, apart: float) -> None:
    generator, truth, held = rng(seeds), NormalDist().cdf(apart / math.sqrt(2)), 0
    for _ in range(400):
        ours, theirs = generator.normal(apart, 1.0, (1, seeds)), generator.normal(0.0, 1.0, (1, seeds))
        found = improvement_over_seeds(ours.tolist(), theirs.tolist(), generator)
        held += found.low <= truth <= found.high
    assert held / 400 > 0.89
