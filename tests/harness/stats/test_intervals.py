"""Intervals by hand-computed tables, and by how often they cover a known truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from harness.stats.aggregates import aggregates, iqm
from harness.stats.bootstrap import RESAMPLES
from harness.stats.closed_form import wilson
from harness.stats.improvement import probability_of_improvement
from harness.stats.interval import Interval, IntervalKind


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def iqm_interval(scores: list[list[float]], generator: np.random.Generator, resamples: int = RESAMPLES) -> Interval:
    return aggregates(scores, generator, resamples).iqm


@pytest.mark.parametrize(
    ("wins", "episodes", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # (0.8 + z²/20 ± z √(0.016 + z²/400)) / (1 + z²/10) with z = 1.95996
        (0, 10, 0.0, 0.2775),  # z² / (10 + z²)
        (10, 10, 0.7225, 1.0),
        (15, 32, 0.3087, 0.6355),
        (1, 1, 0.2065, 1.0),  # 1 / (1 + z²)
    ],
)
def test_wilson_by_hand(wins: int, episodes: int, low: float, high: float) -> None:
    interval = wilson(wins, episodes)
    assert interval.estimate == wins / episodes
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)
    assert interval.kind == IntervalKind.WILSON_OVER_BATTLES == "95% Wilson over battles"


def test_wilson_is_exact_at_the_ends() -> None:
    for episodes in range(1, 200):
        assert wilson(0, episodes).low == 0.0
        assert wilson(episodes, episodes).high == 1.0


@pytest.mark.parametrize(("wins", "episodes"), [(0, 0), (-1, 5), (6, 5)])
def test_a_share_of_nothing_is_refused(wins: int, episodes: int) -> None:
    with pytest.raises(ValueError, match=f"{wins} wins in {episodes} finished episodes does not exist: at least 1"):
        wilson(wins, episodes)


def test_iqm_by_hand() -> None:
    assert iqm(np.array([9.0, 1.0, 2.0, 4.0])) == 3.0  # 1 and 9 cut
    assert iqm(np.array([1.0, 2.0, 6.0])) == 3.0  # below four scores nothing is cut
    assert iqm(np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 50.0, 60.0])) == 2.5  # two cut at either end
    assert iqm(np.array([[1.0, 2.0, 3.0, 9.0], [5.0, 5.0, 5.0, 5.0]])).tolist() == [2.5, 5.0]


def test_iqm_interval_of_two_seeds_by_hand() -> None:
    """Resamples of {0, 1} average 0, ½ or 1 with chances ¼, ½, ¼: both tails of 2.5% lie within the ends."""
    interval = iqm_interval([[0.0, 1.0]], rng())
    assert (interval.estimate, interval.low, interval.high) == (0.5, 0.0, 1.0)
    assert interval.kind == IntervalKind.IQM_OVER_SEEDS == "IQM, 95% bootstrap over seeds"


def test_seeds_are_resampled_within_their_scenario() -> None:
    """Two scenarios without spread inside: a stratified bootstrap has nothing to vary, a pooled one would."""
    interval = iqm_interval([[0.2, 0.2, 0.2], [0.8, 0.8, 0.8]], rng())
    assert interval.low == interval.high == pytest.approx(0.5)


def test_improvement_by_hand() -> None:
    interval = probability_of_improvement([[1.0, 2.0, 3.0]], [[0.0, 2.0]], rng())
    # against 0: three wins; against 2: one loss, one tie, one win
    assert interval.estimate == pytest.approx((3 + 0 + 0.5 + 1) / 6)
    assert interval.kind == IntervalKind.IMPROVEMENT_OVER_SEEDS
    assert interval.low < interval.estimate < interval.high
    scenarios = probability_of_improvement([[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], rng())
    assert (scenarios.estimate, scenarios.low, scenarios.high) == (0.75, 0.75, 0.75)


def test_improvement_of_one_over_the_other_adds_to_one() -> None:
    ours, theirs = [[0.1, 0.5, 0.5]], [[0.5, 0.2, 0.9]]
    there, back = (probability_of_improvement(a, b, rng()) for a, b in ((ours, theirs), (theirs, ours)))
    assert there.estimate + back.estimate == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[0.5]], r"at least two seeds in each, got shapes \[\(1,\)\]; add seeds"),
        ([], "at least one scenario"),
        ([[0.1, float("nan")]], r"must be finite numbers, got \[\[0.1, nan\]\]; leave failed runs out"),
    ],
)
def test_scores_that_cannot_be_resampled_are_refused(scores: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        iqm_interval(scores, rng())


def test_algorithms_are_held_against_each_other_on_the_same_scenarios() -> None:
    with pytest.raises(ValueError, match=r"2 scenario\(s\) cannot be held against scores of 1: give both"):
        probability_of_improvement([[0.1, 0.2], [0.3, 0.4]], [[0.1, 0.2]], rng())


# How often an interval covers the truth. The bounds are for the seeds below, so nothing here depends on luck.


def test_wilson_covers_the_truth_at_its_rate() -> None:
    """Summed over all outcomes, not drawn: the exact coverage for each true win rate, 95% on average over them."""
    episodes, truths = 32, np.linspace(0.02, 0.98, 97)
    coverage = np.zeros(len(truths))
    for wins in range(episodes + 1):
        interval = wilson(wins, episodes)
        chance = math.comb(episodes, wins) * truths**wins * (1 - truths) ** (episodes - wins)
        coverage += chance * ((interval.low <= truths) & (truths <= interval.high))
    assert 0.94 < np.mean(coverage) < 0.965
    assert min(coverage) > 0.91


def coverage_of(interval: Callable[[np.random.Generator], Interval], truth: float, draws: int, seed: int) -> float:
    """How often an interval over drawn scores covers the truth."""
    generator = rng(seed)
    intervals = [interval(generator) for _ in range(draws)]
    return float(np.mean([found.low <= truth <= found.high for found in intervals]))


def test_the_iqm_interval_covers_the_truth_at_about_its_rate() -> None:
    """Scores are uniform on [0, 1] over 20 seeds of two scenarios; the true interquartile mean is one half."""

    def drawn(generator: np.random.Generator) -> Interval:
        return iqm_interval(generator.random((2, 20)).tolist(), generator, resamples=400)

    assert 0.90 < coverage_of(drawn, 0.5, draws=400, seed=1) < 0.98


def test_the_improvement_interval_covers_the_truth_at_about_its_rate() -> None:
    """Normal scores one standard deviation apart: the true probability is Φ(1/√2) = 0.760."""

    def drawn(generator: np.random.Generator) -> Interval:
        ours, theirs = generator.normal(1.0, 1.0, (1, 15)), generator.normal(0.0, 1.0, (1, 15))
        return probability_of_improvement(ours.tolist(), theirs.tolist(), generator, resamples=400)

    assert 0.88 < coverage_of(drawn, NormalDist().cdf(1 / math.sqrt(2)), draws=300, seed=2) < 0.98
