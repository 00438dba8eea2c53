"""How many seeds a comparison needs, so that it decides in most cases and not at even odds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, stdtrit

from harness.stats.interval import TAIL
from harness.stats.paired import Difference

POWER = 0.8
"""Chance to decide that the number of seeds is chosen for, the customary one."""
QUANTILES = (np.arange(64) + 0.5) / 64
"""Of the spread that seeds may happen to show; the mean over them stands for an integral."""


def seeds_needed(difference: Difference, smallest: float, most: int) -> int | None:
    """How many new seeds of each scenario, judged alone, decide with ``POWER``: the observed difference being true.

    Args:
        difference: over seeds; from it come the true difference and the spread of each scenario.
        smallest: as of ``power``.
        most: where to stop looking.

    Returns:
        At least 2; None if ``most`` are not enough.
    """
    variances = [max(pair) for pair in zip(difference.between, difference.within, strict=True)]
    if not any(variances):
        return None  # every battle gave the same difference, and it was 0
    numbers = range(2, most + 1)
    place = bisect_left(
        numbers, True, key=lambda seeds: power(difference.estimate, variances, seeds, smallest) >= POWER
    )
    return numbers[place] if place < len(numbers) else None


def power(truth: float, variances: Sequence[float], seeds: int, smallest: float = 0.0) -> float:
    """Chance that the t interval over so many seeds decides: that it leaves out 0, or lies within ± ``smallest``.

    Args:
        truth: the true difference.
        variances: per scenario, of the difference from one seed to another; not all 0.
        seeds: of each scenario, at least 2.
        smallest: differences below it count as none; 0: none does.

    Source: the two-sided t test and two one-sided ones, integrated over the spread that is seen, as D. B. Owen,
    Biometrika 52 (1965), does; Satterthwaite's degrees of freedom over scenarios.
    """
    total = sum(variances)
    error = (total / seeds) ** 0.5 / len(variances)
    freedom = (seeds - 1) * total**2 / sum(variance**2 for variance in variances)
    seen = error * np.sqrt(2.0 * gammaincinv(freedom / 2.0, QUANTILES) / freedom)
    reach = stdtrit(freedom, 1.0 - TAIL) * seen

    def within(width: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance that the estimate lies within ± ``width``."""
        return np.asarray(ndtr((width - truth) / error) - ndtr((-width - truth) / error))

    return 1.0 - float((within(reach) - within(np.clip(smallest - reach, 0.0, reach))).mean())
