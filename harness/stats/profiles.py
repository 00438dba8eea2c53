"""Performance profiles: the share of runs that score above each threshold, with a band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.stats.bootstrap import RESAMPLES, Scores, Strata, as_strata, bootstrap
from harness.stats.interval import Band, IntervalKind

THRESHOLDS = np.linspace(0.0, 1.0, 101)
"""For win rates."""


def performance_profile(
    scores: Sequence[Sequence[float]],
    rng: np.random.Generator,
    thresholds: Scores = THRESHOLDS,
    resamples: int = RESAMPLES,
) -> Band:
    """The share of runs that score above each threshold: the whole distribution of scores instead of one number.

    Where one algorithm's profile lies above another's throughout, it is better at every quantile.

    Args:
        scores: per scenario, one score per seed (at least 2).
        rng: draws the resamples.
        thresholds: (P,) ascending.
        resamples: how many.

    Raises:
        ValueError: a scenario has fewer than two seeds, or a score is not finite.

    Source: Agarwal et al., NeurIPS 2021 (run-score distributions); E. Dolan & J. Moré, Math. Program. 91 (2002).
    """
    strata = as_strata(scores)
    low, high = bootstrap([strata], lambda drawn: profile_of(drawn, thresholds), rng, resamples)
    return Band(
        at=thresholds, estimate=profile_of(strata, thresholds), low=low, high=high, kind=IntervalKind.PROFILE_OVER_SEEDS
    )


def profile_of(strata: Strata, thresholds: Scores) -> Scores:
    """Return the share of all runs above each threshold, (P, …)."""
    pooled = np.concatenate(strata, axis=-1)
    return np.stack([(pooled > threshold).mean(axis=-1) for threshold in thresholds])
