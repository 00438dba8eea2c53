"""What many runs show together: four aggregates in one number each, performance profiles, sample-efficiency curves.

Source: R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021; of
profiles before them E. Dolan & J. Moré, Math. Program. 91 (2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import RESAMPLES, Scores, Strata, as_strata, bootstrap
from harness.stats.interval import Band, Interval, IntervalKind


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


THRESHOLDS = np.linspace(0.0, 1.0, 101)
"""For win rates."""


def performance_profile(
    scores: Sequence[Sequence[float]],
    rng: np.random.Generator,
    thresholds: Scores = THRESHOLDS,
    resamples: int = RESAMPLES,
) -> Band:
    """The share of runs that score above each of the ascending thresholds (P,), instead of one number.

    Where one algorithm's profile lies above another's throughout, it is better at every quantile. Other arguments and
    errors as of ``aggregates``.
    """
    found = bootstrap([as_strata(scores)], lambda drawn: profile_of(drawn, thresholds), rng, resamples)
    return Band.of(thresholds, found, IntervalKind.PROFILE_OVER_SEEDS)


def profile_of(strata: Strata, thresholds: Scores) -> Scores:
    """Return the share of all runs above each threshold, (P, …)."""
    pooled = np.concatenate(strata, axis=-1)
    return np.stack([(pooled > threshold).mean(axis=-1) for threshold in thresholds])


def sample_efficiency(
    env_steps: NDArray[np.int64],
    scores: Sequence[NDArray[np.float64]],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Band:
    """Return the interquartile mean over all runs at each point of training; seeds are drawn with their whole curves.

    Args:
        env_steps: (P,) where all runs were evaluated.
        scores: per scenario, (seeds, P) with at least 2 seeds; ``rng`` and ``resamples`` as of ``aggregates``.

    Raises:
        ValueError: curves of another length than ``env_steps``, or as of ``aggregates``.
    """
    if any(curves.ndim != 2 or curves.shape[1] != len(env_steps) for curves in scores):
        raise ValueError(
            f"Curves of shapes {[curves.shape for curves in scores]} do not fit {len(env_steps)} env_steps; give one "
            f"array (seeds, {len(env_steps)}) for each scenario"
        )
    found = bootstrap([as_strata([curves.T for curves in scores])], pooled_iqm, rng, resamples)
    return Band.of(env_steps, found, IntervalKind.CURVE_OVER_SEEDS)
