"""Probability of improvement: how likely a run of one algorithm beats a run of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.stats.bootstrap import RESAMPLES, Scores, Strata, as_strata, bootstrap
from harness.stats.interval import Interval

IMPROVEMENT_OVER_SEEDS = "probability of improvement, 95% bootstrap over seeds"


def probability_of_improvement(
    scores: Sequence[Sequence[float]],
    baseline: Sequence[Sequence[float]],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """How likely a run of one algorithm beats a run of another on a scenario drawn at random; a tie counts half.

    Args:
        scores: per scenario, one score per seed (at least 2) of the algorithm in question.
        baseline: the same scenarios in the same order, of the algorithm it is held against; seeds may differ in number.
        rng: draws the resamples, of both sides independently.
        resamples: how many.

    Raises:
        ValueError: the two lists differ in scenarios, a scenario has fewer than two seeds, or a score is not finite.

    Source: Agarwal et al., NeurIPS 2021 (the Mann–Whitney statistic, averaged over tasks).
    """
    ours, theirs = as_strata(scores), as_strata(baseline)
    if len(ours) != len(theirs):
        raise ValueError(
            f"Scores of {len(ours)} scenario(s) cannot be held against scores of {len(theirs)}: give both algorithms "
            f"the same scenarios in the same order"
        )
    low, high = bootstrap([ours, theirs], improvement, rng, resamples)
    return Interval(
        estimate=float(improvement(ours, theirs)), low=float(low), high=float(high), kind=IMPROVEMENT_OVER_SEEDS
    )


def improvement(ours: Strata, theirs: Strata) -> Scores:
    """Mean over strata of P(ours > theirs) + P(equal) / 2, for any leading axes of resamples."""
    per_stratum = []
    for our, their in zip(ours, theirs, strict=True):
        difference = our[..., :, None] - their[..., None, :]
        per_stratum.append(0.5 + 0.5 * np.sign(difference).mean(axis=(-2, -1)))
    return np.asarray(np.mean(per_stratum, axis=0), dtype=np.float64)
