"""Everything that is said about a comparison, computed once: the table, the files and the exports show parts of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from harness.differences import Comparison, comparisons
from harness.plot import common_points
from harness.seeding import derive_generator
from harness.stats import Aggregates, Band, aggregates, performance_profile, sample_efficiency
from harness.summary import Groups, Improvement, Row, algorithms_of, has_winners, improvements, summarise
from studies.rows import CurvePoint, EpisodeOutcome, RunRow


class Records(Protocol):
    """What is read of a run beside its row; ``StudyStore`` gives both."""

    def outcomes(self, run_id: int) -> Sequence[EpisodeOutcome]: ...

    def curve_points(self, run_id: int) -> Sequence[CurvePoint]: ...


@dataclass(frozen=True, kw_only=True)
class Overall:
    """The win rates of one algorithm over all scenarios on which it has at least two seeds."""

    algorithm: str
    scenarios: tuple[str, ...]
    aggregates: Aggregates
    profile: Band
    """Share of runs above each win rate."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The learning curve of one algorithm over its seeds, at least two."""

    algorithm: str
    scenarios: tuple[str, ...]
    measure: str
    """``win rate``, or ``return`` where no one wins."""
    band: Band


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the finished runs of a comparison show."""

    title: str
    rows: Sequence[Row]
    comparisons: Sequence[Comparison] = ()
    improvements: Sequence[Improvement] = ()
    overall: Sequence[Overall] = ()
    curves: Sequence[Curve] = field(default=(), repr=False)

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(row.scenario for row in self.rows))


def find(grouped: Groups, records: Records, *, title: str) -> Findings:
    """Compute all of it; draws are fixed by the names involved, so that equal runs give equal numbers.

    Args:
        grouped: the finished runs by algorithm and scenario.
        records: their battles and curves.
        title: above the table.
    """
    return Findings(
        title=title,
        rows=summarise(grouped),
        comparisons=comparisons(grouped, records.outcomes),
        improvements=improvements(grouped),
        overall=list(_overall(grouped)),
        curves=list(_curves(grouped, records.curve_points)),
    )


def _overall(grouped: Groups) -> Iterator[Overall]:
    for algorithm in algorithms_of(grouped):
        members = _of_several_seeds(grouped, algorithm, can_be_won=True)
        if members:
            scores = [[run.win_rate for run in runs] for runs in members.values()]
            yield Overall(
                algorithm=algorithm,
                scenarios=tuple(members),
                aggregates=aggregates(scores, derive_generator(0, "bootstrap", algorithm, "aggregates")),
                profile=performance_profile(scores, derive_generator(0, "bootstrap", algorithm, "profile")),
            )


def _curves(grouped: Groups, curve_points: Callable[[int], Sequence[CurvePoint]]) -> Iterator[Curve]:
    """One for each scenario, and one over all that can be won where there are several."""
    for algorithm in algorithms_of(grouped):
        for can_be_won, measure in ((True, "win_rate"), (False, "return_mean")):
            members = _of_several_seeds(grouped, algorithm, can_be_won=can_be_won)
            points = {scenario: [curve_points(run.run_id) for run in runs] for scenario, runs in members.items()}
            together: list[tuple[str, ...]] = [(scenario,) for scenario in points]
            if can_be_won and len(points) > 1:
                together.append(tuple(points))
            for scenarios in together:
                band = _band(algorithm, {scenario: points[scenario] for scenario in scenarios}, measure)
                if band is not None:
                    yield Curve(
                        algorithm=algorithm,
                        scenarios=scenarios,
                        measure="win rate" if can_be_won else "return",
                        band=band,
                    )


def _band(algorithm: str, points: dict[str, list[Sequence[CurvePoint]]], measure: str) -> Band | None:
    """Over the env_steps at which every run was evaluated; None where there are none."""
    each = {scenario: common_points(curves, measure) for scenario, curves in points.items()}
    steps = sorted(set.intersection(*(set(found.tolist()) for found, _ in each.values())))
    if not steps:
        return None
    scores = [values[:, np.isin(found, steps)] for found, values in each.values()]
    return sample_efficiency(np.array(steps), scores, derive_generator(0, "bootstrap", algorithm, "curve", *points))


def _of_several_seeds(grouped: Groups, algorithm: str, *, can_be_won: bool) -> dict[str, Sequence[RunRow]]:
    """Scenario -> runs of an algorithm, wherever it has two or more and there are winners, or none."""
    return {
        scenario: runs
        for (name, scenario), runs in grouped.items()
        if name == algorithm and len(runs) > 1 and has_winners(runs[0]) == can_be_won
    }
