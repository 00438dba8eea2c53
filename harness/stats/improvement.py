"""Probability of improvement: how likely a run of one algorithm beats a run of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

from harness.stats.bootstrap import RESAMPLES, Scores, Strata, as_strata, bootstrap
from harness.stats.interval import Interval, IntervalKind, Z


def probability_of_improvement(
    scores: Sequence[Sequence[float]],
    baseline: Sequence[Sequence[float]],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return how likely a run of one algorithm beats one of another on a random scenario; a tie counts half.

    Args:
        scores: of the algorithm in question; ``rng`` and ``resamples`` likewise as of ``aggregates``.
        baseline: the same scenarios in the same order, of the algorithm it is held against; seeds may differ in number.

    Raises:
        ValueError: the two lists differ in scenarios, or as of ``aggregates``.

    Source: Agarwal et al., NeurIPS 2021 (the Mann–Whitney statistic, averaged over tasks).
    """
    ours, theirs = _both(scores, baseline)
    return Interval.of(bootstrap([ours, theirs], improvement, rng, resamples), IntervalKind.IMPROVEMENT_OVER_SEEDS)


def probability_with_newcombe(scores: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]]) -> Interval:
    """Return the same probability with an interval that holds for two seeds as well, where a bootstrap does not.

    Per scenario Newcombe's score interval for the Mann–Whitney statistic; over scenarios their distances from the
    estimates are added in squares.

    Source: R. G. Newcombe, Statistics in Medicine 25 (2006), part 2, method 5; G. Zou & A. Donner, Statistics in
    Medicine 27 (2008), for sums.
    """
    ours, theirs = _both(scores, baseline)
    below = above = 0.0
    for our, their in zip(ours, theirs, strict=True):
        share = float(improvement([our], [their]))
        low, high = _newcombe_ends(share, len(our), len(their))
        below, above = below + (share - low) ** 2, above + (high - share) ** 2
    estimate = float(improvement(ours, theirs))
    low, high = max(0.0, estimate - below**0.5 / len(ours)), min(1.0, estimate + above**0.5 / len(ours))
    return Interval.of((estimate, low, high), IntervalKind.IMPROVEMENT_WITH_NEWCOMBE)


def _newcombe_ends(share: float, ours: int, theirs: int) -> tuple[float, float]:
    """Return the probabilities that lie just 1.96 of their own standard errors from the observed share."""
    extra = (ours + theirs) / 2 - 1

    def surplus(truth: float) -> float:
        spread = 1 + extra * ((1 - truth) / (2 - truth) + truth / (1 + truth))
        return (share - truth) ** 2 - Z * Z * truth * (1 - truth) * spread / (ours * theirs)

    inner = min(max(share, 1e-12), 1 - 1e-12)  # 0 and 1 are roots of their own there
    low = 0.0 if share <= 0.0 else float(brentq(surplus, 0.0, inner))
    high = 1.0 if share >= 1.0 else float(brentq(surplus, inner, 1.0))
    return low, high


def _both(scores: Sequence[Sequence[float]], baseline: Sequence[Sequence[float]]) -> tuple[list[Scores], list[Scores]]:
    ours, theirs = as_strata(scores), as_strata(baseline)
    if len(ours) != len(theirs):
        raise ValueError(
            f"Scores of {len(ours)} scenario(s) cannot be held against scores of {len(theirs)}: give both algorithms "
            f"the same scenarios in the same order"
        )
    return ours, theirs


def improvement(ours: Strata, theirs: Strata) -> Scores:
    """Mean over strata of P(ours > theirs) + P(equal) / 2, for any leading axes of resamples."""
    per_stratum = []
    for our, their in zip(ours, theirs, strict=True):
        difference = our[..., :, None] - their[..., None, :]
        per_stratum.append(0.5 + 0.5 * np.sign(difference).mean(axis=(-2, -1)))
    return np.asarray(np.mean(per_stratum, axis=0), dtype=np.float64)
