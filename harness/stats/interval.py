"""An estimate, what it may be as well, and what kind of uncertainty that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
TAIL = (1.0 - CONFIDENCE) / 2
"""Probability left out at either end."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its interval."""

    estimate: float
    """The number itself."""
    low: float
    """Lower end, 95%."""
    high: float
    """Upper end, 95%."""
    kind: str
    """What was estimated and over what it varies, for example ``95% Wilson over battles``."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """An estimate at each of P places, each with an interval of its own; all arrays (P,) float64."""

    at: NDArray[np.float64]
    """The places: thresholds of a profile, env_steps of a curve."""
    estimate: NDArray[np.float64]
    low: NDArray[np.float64]
    """Lower ends, 95% at each place by itself."""
    high: NDArray[np.float64]
    kind: str
