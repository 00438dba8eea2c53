"""Wilson's interval: what the battles of one evaluation say about the one policy that fought them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.stats.interval import Interval, IntervalKind, Z


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
