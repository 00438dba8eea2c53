"""The stratified bootstrap: seeds are resampled within each scenario, and a statistic is computed for every resample.

A *score* is one number per run (a win rate, say). Scores come as one sequence of seeds per scenario; a scenario is a
stratum, resampled on its own, since its seeds say nothing about another scenario's. Seeds are the last axis of every
array; a stratum may have leading axes, for example one for the points of a learning curve, whose seeds are then drawn
whole. The axis of the resamples stands just before that of the seeds.

Source: R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021, whose
package ``rliable`` gives the same numbers on the same scores. With few seeds (under about ten) a percentile bootstrap
is known to be narrower than its name says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.interval import TAIL

RESAMPLES = 2000
NUMBERS_AT_ONCE = 4_000_000
"""Scores drawn at a time, 32 MB: more resamples or longer curves take more blocks, not more memory."""

Scores = NDArray[np.float64]
Strata = Sequence[Scores]


def as_strata(scores: Sequence[Sequence[float]] | Sequence[Scores]) -> list[Scores]:
    """Scores by scenario as arrays (…, seeds).

    Raises:
        ValueError: no scenario, fewer than two seeds in one, or a score that is not finite.
    """
    strata = [np.asarray(stratum, dtype=np.float64) for stratum in scores]
    if not strata or any(stratum.ndim < 1 or stratum.shape[-1] < 2 for stratum in strata):
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


def bootstrap(
    sides: Sequence[Strata], statistic: Callable[..., Scores], rng: np.random.Generator, resamples: int
) -> tuple[Scores, Scores, Scores]:
    """A statistic and its percentile interval under resampling of seeds within each stratum of each side.

    Args:
        sides: one algorithm, or several that are drawn independently of each other.
        statistic: takes the strata of each side, arrays (…, seeds) or (…, resamples, seeds), and reduces the seeds.
        rng: draws the resamples.
        resamples: how many.

    Returns:
        The statistic of the scores themselves, lower and upper ends, each (…).
    """
    each = sum(stratum.size for strata in sides for stratum in strata)
    block = max(1, NUMBERS_AT_ONCE // each)
    found = []
    for start in range(0, resamples, block):
        count = min(block, resamples - start)
        drawn = [[_draw(stratum, rng, count) for stratum in strata] for strata in sides]
        found.append(statistic(*drawn))
    low, high = np.quantile(np.concatenate(found, axis=-1), [TAIL, 1.0 - TAIL], axis=-1)
    return statistic(*sides), low, high


def _draw(stratum: Scores, rng: np.random.Generator, count: int) -> Scores:
    """(…, seeds) -> (…, count, seeds): seeds drawn with replacement."""
    seeds = stratum.shape[-1]
    return np.take(stratum, rng.integers(0, seeds, (count, seeds)), axis=-1)
