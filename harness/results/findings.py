"""Everything that is reported of a comparison, computed once: the table, the files and the exports show parts of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from harness.results.aggregates import (
    AlgorithmRow,
    CommonRuns,
    Improvement,
    ScenarioAggregates,
    aggregate_over_scenarios,
    common_runs,
    improvements,
    summarize_groups,
)
from harness.results.comparisons import PairwiseComparison, pairwise_comparisons
from harness.results.grouping import Groups, algorithms_of, has_winners, label_legend
from harness.runs.seeding import bootstrap_generator
from harness.stats.by_seeds import curve_over_seeds
from harness.stats.interval import Band
from studies.rows import CurvePoint, EpisodeOutcome, RunRow, common_points


class RunDetails(Protocol):
    """Battles and curves of runs; ``StudyData`` gives both."""

    def outcomes(self, run_id: int) -> Sequence[EpisodeOutcome]: ...

    def curve_points(self, run_id: int) -> Sequence[CurvePoint]: ...


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """The learning curve of one algorithm over its seeds, at least two."""

    algorithm: str
    scenarios: tuple[str, ...]
    seeds: int
    """Of each scenario."""
    measure: str
    """``win rate``, or ``return`` where no one wins."""
    band: Band


@dataclass(frozen=True, kw_only=True)
class ComparisonReport:
    """Results of the finished runs of a comparison."""

    title: str
    rows: Sequence[AlgorithmRow]
    comparisons: Sequence[PairwiseComparison] = ()
    improvements: Sequence[Improvement] = ()
    scenario_aggregates: Sequence[ScenarioAggregates] = ()
    left_out: Sequence[str] = ()
    """Runs that comparisons and sums leave out, and why; a line each."""
    legend: Mapping[str, str] = field(default_factory=dict)
    """What names with a digest stand for."""
    curves: Sequence[LearningCurve] = field(default=(), repr=False)

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(row.scenario for row in self.rows))

    @property
    def over_several(self) -> bool:
        """Whether the algorithms have several scenarios in common, with several seeds each."""
        return any(len(each.scenarios) > 1 for each in self.scenario_aggregates)


CurveJob = tuple[str, Mapping[str, Sequence[RunRow]], str]
"""An algorithm, its runs by scenario, and what of their evaluations is drawn over env_steps."""


Track = Callable[[Sequence[CurveJob]], Iterable[CurveJob]]
"""Gives the jobs one after another, and may show how far they are."""


def compute_report(grouped: Groups, details: RunDetails, *, title: str, track: Track = iter) -> ComparisonReport:
    """Compute all of it; draws are fixed by the names involved, so that equal runs give equal numbers.

    Args:
        grouped: the finished runs by algorithm and scenario.
        details: their battles and curves.
        title: above the table.
        track: what the curves are drawn from, which takes longest: about a second for 15 of a thousand points.
    """
    common = common_runs(grouped)
    compared, not_compared = pairwise_comparisons(grouped, details.outcomes)
    curves = (_curve(job, details.curve_points) for job in track(list(_curve_jobs(grouped, common))))
    return ComparisonReport(
        title=title,
        rows=summarize_groups(grouped),
        comparisons=compared,
        improvements=improvements(grouped),
        scenario_aggregates=list(aggregate_over_scenarios(grouped, common)),
        curves=[curve for curve in curves if curve is not None],
        left_out=[*not_compared, *([common.left_out] if common.left_out else [])],
        legend=label_legend((*group, run) for group, runs in grouped.items() for run in runs),
    )


def _curve_jobs(grouped: Groups, common: CommonRuns) -> Iterator[CurveJob]:
    """One for each scenario, and one over all that the algorithms have in common where there are several."""
    for algorithm in algorithms_of(grouped):
        several = [(where, runs) for (name, where), runs in grouped.items() if name == algorithm and len(runs) > 1]
        for scenario, runs in sorted(several, key=lambda each: not has_winners(each[1][0])):
            yield algorithm, {scenario: runs}, "win_rate" if has_winners(runs[0]) else "return_mean"
        if algorithm in common.algorithms and len(common.seeds) > 1:
            yield algorithm, common.of(grouped, algorithm), "win_rate"


def _curve(job: CurveJob, curve_points: Callable[[int], Sequence[CurvePoint]]) -> LearningCurve | None:
    """Over the env_steps at which every run was evaluated; None where there are none."""
    algorithm, members, measure = job
    seeds = [[curve_points(run.run_id) for run in runs] for runs in members.values()]
    each = [(common_points(curves, measure), common_points(curves, "episodes")[1]) for curves in seeds]
    steps = sorted(set.intersection(*(set(found.tolist()) for (found, _), _ in each)))
    if not steps:
        return None
    scores = [values[:, np.isin(found, steps)] for (found, values), _ in each]
    battles = sum(episodes[:, np.isin(found, steps)].sum(axis=0) for (found, _), episodes in each)
    rng = bootstrap_generator(algorithm, "curve", *members)
    return LearningCurve(
        algorithm=algorithm,
        scenarios=tuple(members),
        seeds=min(map(len, seeds)),
        measure="win rate" if measure == "win_rate" else "return",
        band=curve_over_seeds(np.array(steps), scores, rng, battles if measure == "win_rate" else None),
    )
