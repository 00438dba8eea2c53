"""Sample-efficiency curves: an aggregate over all runs at each env_step, with a band."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.aggregates import pooled_iqm
from harness.stats.bootstrap import RESAMPLES, Scores, Strata, as_strata, bootstrap
from harness.stats.interval import Band, IntervalKind


def sample_efficiency(
    env_steps: NDArray[np.int64],
    scores: Sequence[NDArray[np.float64]],
    rng: np.random.Generator,
    *,
    aggregate: Callable[[Strata], Scores] = pooled_iqm,
    kind: IntervalKind = IntervalKind.CURVE_OVER_SEEDS,
    resamples: int = RESAMPLES,
) -> Band:
    """An aggregate over all runs at each point of training; seeds are drawn with their whole curves.

    Args:
        env_steps: (P,) where all runs were evaluated.
        scores: per scenario, (seeds, P) with at least 2 seeds.
        rng: draws the resamples.
        aggregate: of one algorithm's strata; ``pooled_iqm``, ``mean``, ``median`` or ``optimality_gap``.
        kind: of the aggregate.
        resamples: how many.

    Raises:
        ValueError: curves of another length than ``env_steps``, a scenario with fewer than two seeds, or a score that
            is not finite.

    Source: Agarwal et al., NeurIPS 2021.
    """
    if any(curves.ndim != 2 or curves.shape[1] != len(env_steps) for curves in scores):
        raise ValueError(
            f"Curves of shapes {[curves.shape for curves in scores]} do not fit {len(env_steps)} env_steps; give one "
            f"array (seeds, {len(env_steps)}) for each scenario"
        )
    strata = as_strata([curves.T for curves in scores])
    low, high = bootstrap([strata], aggregate, rng, resamples)
    return Band(at=np.asarray(env_steps, np.float64), estimate=aggregate(strata), low=low, high=high, kind=kind)
