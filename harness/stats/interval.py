"""An estimate, what it may be as well, and what kind of uncertainty that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

TAIL = (1.0 - 0.95) / 2
"""Probability left out at either end of all intervals."""
Z = NormalDist().inv_cdf(1.0 - TAIL)
"""The same end of the normal distribution, 1.96."""


class IntervalKind(StrEnum):
    """What was estimated and over what it varies; the values are the words of tables, files and the database."""

    WILSON_OVER_BATTLES = "95% Wilson over battles"
    WILSON_OF_EACH_EVALUATION = "one seed: 95% Wilson over battles of each evaluation"
    RETURN_OF_ONE_SEED = "return of one seed"
    NONE_FOR_ONE_SEED = "none for one seed"
    RANGE_OF_RUNS = "least and greatest run"
    MEAN_WITH_T = "mean, 95% t over seeds"
    MEAN_OVER_SEEDS = "mean, 95% bootstrap over seeds"
    MEDIAN_OVER_SEEDS = "median of scenario means, 95% bootstrap over seeds"
    IQM_OVER_SEEDS = "IQM, 95% bootstrap over seeds"
    GAP_WITH_T = "optimality gap, 95% t over seeds"
    GAP_OVER_SEEDS = "optimality gap, 95% bootstrap over seeds"
    PROFILE_WITH_WILSON = "share of runs above a score, 95% Wilson over runs at each score"
    PROFILE_OVER_SEEDS = "share of runs above a score, 95% bootstrap over seeds at each score"
    CURVE_WITH_T = "mean over runs at each env_step, 95% t over seeds"
    CURVE_OVER_SEEDS = "IQM over runs at each env_step, 95% bootstrap over seeds"
    IMPROVEMENT_WITH_NEWCOMBE = "probability of improvement, 95% Newcombe over seeds"
    IMPROVEMENT_OVER_SEEDS = "probability of improvement, 95% bootstrap over seeds"
    PAIRED_OVER_SEEDS = "95% t over seeds, paired by battle"
    PAIRED_OVER_BATTLES = "95% over the battles of one seed, paired"
    PAIRED_OVER_BATTLES_OF_SEVERAL = "95% over battles alone, paired; a scenario has one seed"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its interval."""

    estimate: float
    """The number itself."""
    low: float
    """Lower end, 95%."""
    high: float
    """Upper end, 95%."""
    kind: IntervalKind

    @classmethod
    def of(cls, numbers: Iterable[Any], kind: IntervalKind) -> Self:
        """Return the interval of an estimate, its lower and its upper end."""
        estimate, low, high = map(float, numbers)
        return cls(estimate=estimate, low=low, high=high, kind=kind)


def format_interval(estimate: float, low: float, high: float) -> str:
    """Return ``0.312 [0.250, 0.380]``."""
    return f"{estimate:.3f} [{low:.3f}, {high:.3f}]"


@dataclass(frozen=True, kw_only=True)
class Band:
    """An estimate at each of P places, each with an interval of its own; all arrays (P,) float64."""

    at: NDArray[np.float64]
    """The places: thresholds of a profile, env_steps of a curve."""
    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    """Lower ends, 95% at each place by itself."""
    high: NDArray[np.float64]
    kind: IntervalKind

    @classmethod
    def of(cls, at: NDArray[Any], numbers: Iterable[NDArray[np.float64]], kind: IntervalKind) -> Self:
        """Return the band of estimates, their lower and their upper ends."""
        estimate, low, high = numbers
        return cls(at=np.asarray(at, np.float64), estimate=estimate, low=low, high=high, kind=kind)
