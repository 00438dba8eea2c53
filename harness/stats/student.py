"""Student's t over a few seeds: the mean over scenarios of the mean over seeds, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.stats.bootstrap import Scores, Strata
from harness.stats.interval import TAIL
from harness.stats.wilson import wilson_ends


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
