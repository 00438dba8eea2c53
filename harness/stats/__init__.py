"""Statistics of runs: one file for each idea; what other packages use is gathered here.

``by_seeds`` which interval for how many seeds · ``wilson`` one policy's battles · ``student`` t over a few seeds ·
``bootstrap`` resampling of seeds · ``aggregates`` IQM, median, mean, optimality gap · ``improvement`` probability of
improvement · ``bands`` performance profiles and sample-efficiency curves · ``paired`` differences on the same battles ·
``verdict`` what they say in words.
"""

from harness.stats.aggregates import Aggregates
from harness.stats.bootstrap import RESAMPLES
from harness.stats.by_seeds import (
    COVERAGE,
    COVERAGE_NEAR_ZERO,
    ENOUGH_SEEDS,
    aggregates_over_seeds,
    curve_over_seeds,
    improvement_over_seeds,
    profile_over_seeds,
    score_interval,
    win_rate_interval,
)
from harness.stats.interval import Band, Interval, IntervalKind, format_interval
from harness.stats.paired import Difference, paired_difference
from harness.stats.verdict import verdict
from harness.stats.wilson import wilson

__all__ = [
    "COVERAGE",
    "COVERAGE_NEAR_ZERO",
    "ENOUGH_SEEDS",
    "RESAMPLES",
    "Aggregates",
    "Band",
    "Difference",
    "Interval",
    "IntervalKind",
    "aggregates_over_seeds",
    "curve_over_seeds",
    "format_interval",
    "improvement_over_seeds",
    "paired_difference",
    "profile_over_seeds",
    "score_interval",
    "verdict",
    "wilson",
    "win_rate_interval",
]
