"""Statistics of runs: one file for each idea, their names gathered here.

``by_seeds`` which interval for how many seeds · ``wilson`` one policy's battles · ``student`` t over a few seeds ·
``bootstrap`` resampling of seeds · ``aggregates`` IQM, median, mean, optimality gap · ``improvement`` probability of
improvement · ``profiles`` performance profiles · ``efficiency`` sample-efficiency curves · ``paired`` differences on
the same battles · ``verdict`` what they say in words.
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
)
from harness.stats.bootstrap import RESAMPLES
from harness.stats.by_seeds import (
    COVERAGE,
    COVERAGE_NEAR_ZERO,
    ENOUGH_SEEDS,
    MEAN_WITH_T,
    aggregates_over_seeds,
    curve_over_seeds,
    improvement_over_seeds,
    profile_over_seeds,
    score_interval,
    win_rate_interval,
)
from harness.stats.efficiency import sample_efficiency
from harness.stats.improvement import (
    IMPROVEMENT_OVER_SEEDS,
    IMPROVEMENT_WITH_NEWCOMBE,
    probability_of_improvement,
    probability_with_newcombe,
)
from harness.stats.interval import CONFIDENCE, Band, Interval
from harness.stats.paired import Difference, paired_difference
from harness.stats.profiles import performance_profile
from harness.stats.verdict import verdict
from harness.stats.wilson import WILSON_OVER_BATTLES, wilson

__all__ = [
    "CONFIDENCE",
    "COVERAGE",
    "COVERAGE_NEAR_ZERO",
    "ENOUGH_SEEDS",
    "GAP_OVER_SEEDS",
    "IMPROVEMENT_OVER_SEEDS",
    "IMPROVEMENT_WITH_NEWCOMBE",
    "IQM_OVER_SEEDS",
    "MEAN_OVER_SEEDS",
    "MEAN_WITH_T",
    "MEDIAN_OVER_SEEDS",
    "RESAMPLES",
    "WILSON_OVER_BATTLES",
    "Aggregates",
    "Band",
    "Difference",
    "Interval",
    "aggregates",
    "aggregates_over_seeds",
    "curve_over_seeds",
    "improvement_over_seeds",
    "iqm",
    "iqm_interval",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
    "probability_with_newcombe",
    "profile_over_seeds",
    "sample_efficiency",
    "score_interval",
    "verdict",
    "wilson",
    "win_rate_interval",
]
