"""Wilson's interval: what the battles of one evaluation say about the one policy that fought them."""

from __future__ import annotations

import math
from statistics import NormalDist

from harness.stats.interval import TAIL, Interval

WILSON_OVER_BATTLES = "95% Wilson over battles"


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
    z = NormalDist().inv_cdf(1.0 - TAIL)
    share = wins / episodes
    widening = 1.0 + z * z / episodes
    middle = (share + z * z / (2 * episodes)) / widening
    reach = z / widening * math.sqrt(share * (1 - share) / episodes + z * z / (4 * episodes * episodes))
    low = 0.0 if wins == 0 else max(0.0, middle - reach)  # exact at the ends, where rounding would leave 1e-17
    high = 1.0 if wins == episodes else min(1.0, middle + reach)
    return Interval(estimate=share, low=low, high=high, kind=WILSON_OVER_BATTLES)
