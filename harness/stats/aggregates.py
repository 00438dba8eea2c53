"""One number for an algorithm over all its scenarios and seeds: interquartile mean, median, mean, optimality gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.bootstrap import RESAMPLES, Scores, Strata, as_strata, bootstrap
from harness.stats.interval import Interval, IntervalKind


@dataclass(frozen=True, kw_only=True)
class Aggregates:
    """The four aggregates of one algorithm, from ten seeds on all from the same resamples."""

    iqm: Interval | None
    """None where there are too few seeds for a bootstrap; so for the median."""
    median: Interval | None
    mean: Interval
    optimality_gap: Interval


def iqm(scores: Scores) -> Scores:
    """Interquartile mean along the last axis: the mean without the floor(n/4) lowest and highest scores.

    Args:
        scores: (..., n) float64, n at least 1; below 4 nothing is cut and the plain mean remains.

    Source: R. Agarwal et al., NeurIPS 2021.
    """
    count = scores.shape[-1]
    cut = count // 4
    middle: Scores = np.sort(scores, axis=-1)[..., cut : count - cut].mean(axis=-1)
    return middle


def pooled_iqm(strata: Strata) -> Scores:
    """Interquartile mean of the scores of all scenarios together."""
    return iqm(np.concatenate(strata, axis=-1))


def mean(strata: Strata) -> Scores:
    """Mean over scenarios of the mean over seeds."""
    return np.asarray(np.mean([stratum.mean(axis=-1) for stratum in strata], axis=0))


def median(strata: Strata) -> Scores:
    """Median over scenarios of the mean over seeds; the mean itself where there is one scenario."""
    return np.asarray(np.median([stratum.mean(axis=-1) for stratum in strata], axis=0))


def optimality_gap(strata: Strata) -> Scores:
    """Return the mean shortfall of scores from 1; a score above it counts as on it. Less is better."""
    return 1.0 - np.minimum(np.concatenate(strata, axis=-1), 1.0).mean(axis=-1)


def aggregates(scores: Sequence[Sequence[float]], rng: np.random.Generator, resamples: int = RESAMPLES) -> Aggregates:
    """All four aggregates with stratified bootstrap intervals.

    Args:
        scores: per scenario, one score per seed (at least 2), 1 being the best that can be had.
        rng: draws the resamples.
        resamples: how many.

    Raises:
        ValueError: a scenario has fewer than two seeds, or a score is not finite.

    Source: Agarwal et al., NeurIPS 2021.
    """

    def all_four(strata: Strata) -> Scores:
        return np.stack([pooled_iqm(strata), median(strata), mean(strata), optimality_gap(strata)])

    kinds = (
        IntervalKind.IQM_OVER_SEEDS,
        IntervalKind.MEDIAN_OVER_SEEDS,
        IntervalKind.MEAN_OVER_SEEDS,
        IntervalKind.GAP_OVER_SEEDS,
    )
    numbers = zip(*bootstrap([as_strata(scores)], all_four, rng, resamples), strict=True)
    found = [Interval.of(each, kind) for each, kind in zip(numbers, kinds, strict=True)]
    return Aggregates(iqm=found[0], median=found[1], mean=found[2], optimality_gap=found[3])
