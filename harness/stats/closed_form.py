"""Intervals by formula: Wilson's over the battles of one policy, Student's t over a few seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.stats.bootstrap import Scores, Strata
from harness.stats.interval import TAIL, Interval, IntervalKind, Z


def wilson(wins: int, episodes: int) -> Interval:
    """Return the share of wins with Wilson's 95% score interval; it speaks of this one trained policy.

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
    share = wins / episodes
    return Interval.of((share, *wilson_ends(share, episodes)), IntervalKind.WILSON_OVER_BATTLES)


def wilson_ends(share: Any, episodes: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of Wilson's interval for shares (…), 0..1, of so many trials, a number or (…)."""
    share, episodes = np.asarray(share, np.float64), np.asarray(episodes, np.float64)
    widening = 1.0 + Z * Z / episodes
    middle = (share + Z * Z / (2 * episodes)) / widening
    reach = Z / widening * np.sqrt(share * (1 - share) / episodes + Z * Z / (4 * episodes * episodes))
    low = np.where(share <= 0.0, 0.0, np.maximum(0.0, middle - reach))  # exact at the ends, without rounding's 1e-17
    high = np.where(share >= 1.0, 1.0, np.minimum(1.0, middle + reach))
    return low, high


def t_half_width(variances: Sequence[float] | Scores, seeds: Sequence[int]) -> Scores:
    """Return half the length of the 95% t interval of a mean over scenarios.

    Args:
        variances: (S, …) of each scenario's seeds.
        seeds: (S,) how many each scenario has, at least 2.

    Source: F. E. Satterthwaite, Biometrics Bulletin 2 (1946), for the degrees of freedom over scenarios.
    """
    spread = np.asarray(variances, np.float64)
    count = np.asarray(seeds, np.float64).reshape(-1, *[1] * (spread.ndim - 1))
    of_means = spread / count
    total = of_means.sum(axis=0)
    weighted = (of_means**2 / (count - 1)).sum(axis=0)
    freedom = np.divide(total**2, weighted, out=np.ones_like(total), where=weighted > 0.0)
    half: Scores = np.asarray(stdtrit(freedom, 1.0 - TAIL) * np.sqrt(total) / len(of_means))
    return half


def mean_with_t(strata: Strata, battles: int | NDArray[np.int64] | None = None) -> tuple[Scores, Scores, Scores]:
    """Return the mean over scenarios of the mean over seeds, and the ends of its interval, each (…).

    Args:
        strata: per scenario, scores (…, seeds), at least 2 seeds.
        battles: where scores are shares of battles won: how many battles there were in all, a number or (…). The
            interval is then never narrower than Wilson's over these battles, so that seeds that agree by chance, or
            win nothing, promise no more than their battles show; and it stays within 0..1.
    """
    estimate = np.asarray(np.mean([stratum.mean(axis=-1) for stratum in strata], axis=0))
    variances = np.stack([stratum.var(axis=-1, ddof=1) for stratum in strata])
    reach = t_half_width(variances, [stratum.shape[-1] for stratum in strata])
    low, high = estimate - reach, estimate + reach
    if battles is None:
        return estimate, low, high
    return estimate, *widened(low, high, estimate, battles)


def widened(low: Any, high: Any, share: Any, battles: int | NDArray[np.int64]) -> tuple[Scores, Scores]:
    """Return the wider of an interval and Wilson's over battles at either end, within 0..1."""
    least, most = wilson_ends(share, battles)
    return np.clip(np.minimum(low, least), 0.0, 1.0), np.clip(np.maximum(high, most), 0.0, 1.0)
