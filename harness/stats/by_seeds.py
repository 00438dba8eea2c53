"""Choose the interval by the number of seeds.

==========  ========================================================================================================
One         Wilson over the battles of the one policy.
2 to 9      Mean with Student's t over seeds: a percentile bootstrap over two or three seeds is the range from the
            least to the greatest, and holds the truth in 49% or 74% of cases instead of 95%.
10 or more  Interquartile mean with a stratified bootstrap, as ``rliable`` computes it.
==========  ========================================================================================================

Win rates have an interval that is never narrower than Wilson's over the battles behind them, so that two seeds without
a win do not read 0.000 [0.000, 0.000].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.aggregates import (
    THRESHOLDS,
    Aggregates,
    aggregates,
    performance_profile,
    profile_of,
    sample_efficiency,
)
from harness.stats.bootstrap import as_strata
from harness.stats.closed_form import mean_with_t, widened, wilson, wilson_ends
from harness.stats.improvement import probability_of_improvement, probability_with_newcombe
from harness.stats.interval import Band, Interval, IntervalKind

Battles = int | NDArray[np.int64]

ENOUGH_SEEDS = 10
"""Seeds of a scenario from which a bootstrap over them holds the truth in 92% of cases and more."""

COVERAGE = {1: 0.95, 2: 0.96, 3: 0.94, 5: 0.94, 10: 0.92}
"""Seeds -> share of ``win_rate_interval``'s 95% intervals that hold the truth, simulated: 320 battles a seed, win rates
of seeds normal around 0.4 with a deviation of 0.1. With one seed the truth is that policy's own win rate."""
COVERAGE_NEAR_ZERO = {1: 0.95, 2: 0.90, 3: 0.84, 5: 0.83, 10: 0.93}
"""The same where win rates of seeds are skewed, 2% on average and most below 1% (beta distribution, 0.5 and 24.5): no
interval over so few seeds knows of the rare good one. From ten seeds on the truth is the interquartile mean."""


def win_rate_interval(wins: Sequence[int], episodes: Sequence[int], rng: np.random.Generator) -> Interval:
    """Return the win rate of one algorithm on one scenario with the interval for its number of seeds.

    Args:
        wins: per seed, episodes won.
        episodes: per seed, episodes finished.
        rng: draws the bootstrap; untouched below ``ENOUGH_SEEDS``.

    Raises:
        ValueError: no seed, or no finished episode for one of them.
    """
    if len(wins) != len(episodes) or not wins:
        raise ValueError(
            f"Got wins of {len(wins)} seed(s) and episodes of {len(episodes)}; at least one of each is needed"
        )
    each = [wilson(won, of) for won, of in zip(wins, episodes, strict=True)]
    return each[0] if len(each) == 1 else score_interval([seed.estimate for seed in each], rng, sum(episodes))


def score_interval(scores: Sequence[float], rng: np.random.Generator, battles: int | None = None) -> Interval:
    """Return the score of one algorithm on one scenario over two or more seeds.

    Args:
        scores: one for each seed.
        rng: draws the bootstrap; untouched below ``ENOUGH_SEEDS``.
        battles: where scores are win rates: finished battles of all seeds together.

    Raises:
        ValueError: fewer than two seeds, or a score that is not finite.
    """
    if len(scores) < ENOUGH_SEEDS:
        return Interval.of(mean_with_t(as_strata([scores]), battles), IntervalKind.MEAN_WITH_T)
    found = aggregates([scores], rng).iqm
    assert found is not None, "a bootstrap gives all aggregates"
    return found if battles is None else _widened(found, _of_the_middle(battles, len(scores)))


def aggregates_over_seeds(scores: Sequence[Sequence[float]], rng: np.random.Generator, battles: int) -> Aggregates:
    """Return an algorithm's win rate over all its scenarios: the mean and the gap; IQM and median from ten seeds on.

    Args:
        scores: per scenario, one win rate per seed (at least 2).
        rng: draws the bootstrap.
        battles: finished battles of all these runs together.
    """
    if _fewest(scores) >= ENOUGH_SEEDS:
        found = aggregates(scores, rng)
        return Aggregates(
            iqm=found.iqm and _widened(found.iqm, _of_the_middle(battles, sum(map(len, scores)))),
            median=found.median and _widened(found.median, battles),
            mean=_widened(found.mean, battles),
            optimality_gap=_widened(found.optimality_gap, battles),
        )
    mean = Interval.of(mean_with_t(as_strata(scores), battles), IntervalKind.MEAN_WITH_T)
    gap = Interval.of((1.0 - mean.estimate, 1.0 - mean.high, 1.0 - mean.low), IntervalKind.GAP_WITH_T)
    return Aggregates(iqm=None, median=None, mean=mean, optimality_gap=gap)


def curve_over_seeds(
    env_steps: NDArray[np.int64],
    scores: Sequence[NDArray[np.float64]],
    rng: np.random.Generator,
    battles: Battles | None = None,
) -> Band:
    """Return a learning curve over two or more seeds of each scenario.

    Args:
        env_steps: (P,) where all runs were evaluated.
        scores: per scenario, (seeds, P).
        rng: draws the bootstrap.
        battles: where scores are win rates: finished battles behind each point, all runs together.
    """
    if _fewest(scores) >= ENOUGH_SEEDS:
        band = sample_efficiency(env_steps, scores, rng)
        if battles is None:
            return band
        ends = widened(band.low, band.high, band.estimate, _of_the_middle(battles, sum(map(len, scores))))
        return Band.of(env_steps, (band.estimate, *ends), band.kind)
    found = mean_with_t(as_strata([curves.T for curves in scores]), battles)
    return Band.of(env_steps, found, IntervalKind.CURVE_WITH_T)


def profile_over_seeds(scores: Sequence[Sequence[float]], rng: np.random.Generator) -> Band:
    """Return the share of runs above each win rate; arguments as of ``performance_profile``."""
    if _fewest(scores) >= ENOUGH_SEEDS:
        return performance_profile(scores, rng)
    estimate = profile_of(as_strata(scores), THRESHOLDS)
    ends = wilson_ends(estimate, sum(map(len, scores)))
    return Band.of(THRESHOLDS, (estimate, *ends), IntervalKind.PROFILE_WITH_WILSON)


def improvement_over_seeds(
    scores: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]], rng: np.random.Generator
) -> Interval:
    """Return how likely a run of one algorithm beats one of another; as of ``probability_of_improvement``."""
    if min(_fewest(scores), _fewest(baseline)) >= ENOUGH_SEEDS:
        return probability_of_improvement(scores, baseline, rng)
    return probability_with_newcombe(scores, baseline)


def _fewest(scores: Sequence[Sequence[float]] | Sequence[NDArray[np.float64]]) -> int:
    return min(map(len, scores), default=0)


def _of_the_middle(battles: Battles, runs: int) -> Battles:
    """The battles of those runs that the interquartile mean keeps."""
    return battles * (runs - 2 * (runs // 4)) // runs


def _widened(found: Interval, battles: Battles) -> Interval:
    """Widen an interval of win rates to Wilson's over these battles."""
    return Interval.of((found.estimate, *widened(found.low, found.high, found.estimate, battles)), found.kind)
