"""Statistics at many places, each with an interval of its own: performance profiles and sample-efficiency curves.

Source of both: R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021;
of profiles before them E. Dolan & J. Moré, Math. Program. 91 (2002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.aggregates import pooled_iqm
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
