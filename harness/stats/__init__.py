"""Statistics of runs: one file for each idea, their names gathered here.

``wilson`` one policy's battles · ``aggregates`` IQM, median, mean, optimality gap · ``improvement`` probability of
improvement · ``profiles`` performance profiles · ``efficiency`` sample-efficiency curves · ``paired`` differences on
the same battles · ``verdict`` what they say in words · ``power`` how many seeds would decide ·
``bootstrap`` how intervals over seeds are drawn · ``coverage`` what those over a few are worth.
"""

from harness.stats.aggregates import (
    GAP_OVER_SEEDS,
    IQM_OVER_SEEDS,
    MEAN_OVER_SEEDS,
    MEDIAN_OVER_SEEDS,
    Aggregates,
    aggregates,
    iqm,
    iqm_interval,
    win_rate_interval,
)
from harness.stats.bootstrap import RESAMPLES
from harness.stats.efficiency import sample_efficiency
from harness.stats.improvement import IMPROVEMENT_OVER_SEEDS, probability_of_improvement
from harness.stats.interval import CONFIDENCE, Band, Interval
from harness.stats.paired import Difference, paired_difference
from harness.stats.profiles import performance_profile
from harness.stats.verdict import verdict
from harness.stats.wilson import WILSON_OVER_BATTLES, wilson

__all__ = [
    "CONFIDENCE",
    "GAP_OVER_SEEDS",
    "IMPROVEMENT_OVER_SEEDS",
    "IQM_OVER_SEEDS",
    "MEAN_OVER_SEEDS",
    "MEDIAN_OVER_SEEDS",
    "RESAMPLES",
    "WILSON_OVER_BATTLES",
    "Aggregates",
    "Band",
    "Difference",
    "Interval",
    "aggregates",
    "iqm",
    "iqm_interval",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
    "sample_efficiency",
    "verdict",
    "wilson",
    "win_rate_interval",
]
