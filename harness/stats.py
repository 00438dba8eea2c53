"""Intervals for win rates: Wilson over battles, interquartile mean over seeds, probability of improvement.

A *score* is one number per run (a win rate, say). Scores come as one sequence of seeds per scenario; a scenario is a
stratum, resampled on its own, since its seeds say nothing about another scenario's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

WILSON_OVER_BATTLES = "95% Wilson over battles"
IQM_OVER_SEEDS = "IQM, 95% bootstrap over seeds"
IMPROVEMENT_OVER_SEEDS = "probability of improvement, 95% bootstrap over seeds"
CONFIDENCE = 0.95
RESAMPLES = 2000

Strata = Sequence[NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate, what it may be as well, and what kind of uncertainty that is."""

    estimate: float
    """The number itself."""
    low: float
    """Lower end, 95%."""
    high: float
    """Upper end, 95%."""
    kind: str
    """What was estimated and over what it varies, for example ``95% Wilson over battles``."""


def wilson(wins: int, episodes: int) -> Interval:
    """The share of wins with Wilson's 95% score interval: what these battles say about this one trained policy.

    Args:
        wins: episodes won.
        episodes: episodes finished, at least 1.

    Raises:
        ValueError: no episode was finished, or more were won than finished.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if episodes < 1 or not 0 <= wins <= episodes:
        raise ValueError(
            f"A win rate of {wins} wins in {episodes} finished episodes does not exist: at least 1 episode must be "
            f"finished and wins lie within 0..episodes. If every battle was aborted, look at the world's own messages."
        )
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = wins / episodes
    widening = 1.0 + z * z / episodes
    middle = (share + z * z / (2 * episodes)) / widening
    reach = z / widening * math.sqrt(share * (1 - share) / episodes + z * z / (4 * episodes * episodes))
    low = 0.0 if wins == 0 else max(0.0, middle - reach)  # exact at the ends, where rounding would leave 1e-17
    high = 1.0 if wins == episodes else min(1.0, middle + reach)
    return Interval(estimate=share, low=low, high=high, kind=WILSON_OVER_BATTLES)


def iqm(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interquartile mean along the last axis: the mean without the floor(n/4) lowest and highest scores.

    Args:
        scores: (..., n) float64, n at least 1; below 4 nothing is cut and the plain mean remains.

    Source: R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021.
    """
    count = scores.shape[-1]
    cut = count // 4
    middle: NDArray[np.float64] = np.sort(scores, axis=-1)[..., cut : count - cut].mean(axis=-1)
    return middle


def iqm_interval(scores: Sequence[Sequence[float]], rng: np.random.Generator, resamples: int = RESAMPLES) -> Interval:
    """Interquartile mean of all scores, with a stratified percentile bootstrap over seeds.

    Args:
        scores: per scenario, one score per seed (at least 2).
        rng: draws the resamples.
        resamples: how many.

    Raises:
        ValueError: a scenario has fewer than two seeds, or a score is not finite.

    Source: Agarwal et al., NeurIPS 2021. With few seeds (under about ten) a percentile bootstrap is known to be
    narrower than its name says.
    """
    strata = _strata(scores)

    def pooled_iqm(drawn: Strata) -> NDArray[np.float64]:
        return iqm(np.concatenate(drawn, axis=-1))

    low, high = _bootstrap([strata], lambda drawn: pooled_iqm(drawn[0]), rng, resamples)
    return Interval(estimate=float(pooled_iqm(strata)), low=low, high=high, kind=IQM_OVER_SEEDS)


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
    ours, theirs = _strata(scores), _strata(baseline)
    if len(ours) != len(theirs):
        raise ValueError(
            f"Scores of {len(ours)} scenario(s) cannot be held against scores of {len(theirs)}: give both algorithms "
            f"the same scenarios in the same order"
        )
    low, high = _bootstrap([ours, theirs], lambda drawn: _improvement(drawn[0], drawn[1]), rng, resamples)
    return Interval(estimate=float(_improvement(ours, theirs)), low=low, high=high, kind=IMPROVEMENT_OVER_SEEDS)


def win_rate_interval(wins: Sequence[int], episodes: Sequence[int], rng: np.random.Generator) -> Interval:
    """The win rate of one algorithm on one scenario: Wilson for one seed, IQM over seeds for two or more.

    Args:
        wins: per seed, episodes won.
        episodes: per seed, episodes finished.
        rng: draws the bootstrap; untouched for one seed.

    Raises:
        ValueError: no seed, or no finished episode for one of them.
    """
    if len(wins) != len(episodes) or not wins:
        raise ValueError(
            f"Got wins of {len(wins)} seed(s) and episodes of {len(episodes)}; at least one of each is needed"
        )
    each = [wilson(won, of) for won, of in zip(wins, episodes, strict=True)]
    return each[0] if len(each) == 1 else iqm_interval([[seed.estimate for seed in each]], rng)


def _improvement(ours: Strata, theirs: Strata) -> NDArray[np.float64]:
    """Mean over strata of P(ours > theirs) + P(equal) / 2, for any leading axes of resamples."""
    per_stratum = []
    for our, their in zip(ours, theirs, strict=True):
        difference = our[..., :, None] - their[..., None, :]
        per_stratum.append(((difference > 0) + 0.5 * (difference == 0)).mean(axis=(-2, -1)))
    return np.asarray(np.mean(per_stratum, axis=0), dtype=np.float64)


def _bootstrap(
    sides: Sequence[Strata],
    statistic: Callable[[list[Strata]], NDArray[np.float64]],
    rng: np.random.Generator,
    resamples: int,
) -> tuple[float, float]:
    """Percentile interval of a statistic under resampling of seeds within each stratum of each side."""
    drawn: list[Strata] = [
        [stratum[rng.integers(0, len(stratum), (resamples, len(stratum)))] for stratum in strata] for strata in sides
    ]
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(statistic(drawn), [tail, 1.0 - tail])
    return float(low), float(high)


def _strata(scores: Sequence[Sequence[float]]) -> list[NDArray[np.float64]]:
    strata = [np.asarray(stratum, dtype=np.float64) for stratum in scores]
    if not strata or any(stratum.ndim != 1 or len(stratum) < 2 for stratum in strata):
        shapes = [stratum.shape for stratum in strata]
        raise ValueError(
            f"A bootstrap over seeds needs at least one scenario and at least two seeds in each, got shapes {shapes}; "
            f"add seeds (--seeds 1,2,3), or use wilson(wins, episodes) for one seed"
        )
    if not all(np.isfinite(stratum).all() for stratum in strata):
        raise ValueError(
            f"Scores must be finite numbers, got {[stratum.tolist() for stratum in strata]}; leave failed runs out"
        )
    return strata
