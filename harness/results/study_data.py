"""Data of a report, read from the study once: finished runs, those under way, their curves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.results.grouping import group_by_name, group_runs_by_config
from studies.reader import StudyReader
from studies.rows import CurvePoint, EpisodeOutcome, RunKey, RunRow, UnfinishedRun, key_of

R = TypeVar("R")
GroupKey = tuple[str, str]
"""Algorithm and scenario as the tables name them."""


@dataclass(frozen=True, kw_only=True)
class StudyData:
    """All that a report shows of a study, battles and throughput apart."""

    study: str
    groups: Mapping[GroupKey, list[RunRow]]
    """Finished runs by seed."""
    under_way: Mapping[GroupKey, list[UnfinishedRun]]
    """The others."""
    curves: Mapping[int, list[CurvePoint]]
    """Of every run, finished or not."""
    battles: Mapping[int, list[EpisodeOutcome]]
    """Final evaluation of every finished run."""

    @property
    def algorithms(self) -> list[str]:
        """In the order in which they were first started."""
        return list(dict.fromkeys(algorithm for algorithm, _ in (*self.groups, *self.under_way)))

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(scenario for _, scenario in (*self.groups, *self.under_way)))

    def finished(self) -> Iterator[tuple[str, str, RunRow]]:
        """Every finished run with its algorithm and scenario as the tables name them."""
        yield from ((*key, run) for key, runs in self.groups.items() for run in runs)

    def unfinished(self) -> Iterator[tuple[str, str, UnfinishedRun]]:
        """Every other run, likewise."""
        yield from ((*key, run) for key, runs in self.under_way.items() for run in runs)

    def every(self) -> Iterator[tuple[str, str, RunRow | UnfinishedRun]]:
        """All of them."""
        yield from self.finished()
        yield from self.unfinished()

    def newest_curves(self, algorithm: str, scenario: str) -> list[list[CurvePoint]]:
        """The curves of the finished runs, or of those in training where none has finished."""
        place = (algorithm, scenario)
        runs: Sequence[RunRow | UnfinishedRun] = self.groups.get(place, ()) or self.under_way.get(place, ())
        return [self.curves[run.run_id] for run in runs]

    def curve_points(self, run_id: int) -> list[CurvePoint]:
        """The evaluations made during a run's training."""
        return self.curves[run_id]

    def outcomes(self, run_id: int) -> list[EpisodeOutcome]:
        """The battles of a finished run's final evaluation."""
        return self.battles[run_id]


def collect(store: StudyReader, study: str, keys: Collection[RunKey] | None = None) -> StudyData:
    """Read a study.

    Args:
        store: open.
        study: its name.
        keys: only these runs, of one comparison, where each algorithm has one configuration; ``None``: all.
    """
    unfinished = store.unfinished()  # first: a run that ends between the two is then among both, and not in neither
    finished = [row for row in store.rows() if keys is None or key_of(row) in keys]
    over = {row.run_id for row in finished}
    begun = [run for run in unfinished if run.run_id not in over and (keys is None or key_of(run) in keys)]
    runs: list[RunRow | UnfinishedRun] = [*finished, *begun]
    grouped = _in_order(group_runs_by_config(runs) if keys is None else group_by_name(runs))
    return StudyData(
        study=study,
        groups=_only(RunRow, grouped),
        under_way=_only(UnfinishedRun, grouped),
        curves=store.curves([run.run_id for run in runs]),
        battles=store.all_outcomes([run.run_id for run in finished]),
    )


def _in_order(grouped: Mapping[GroupKey, list[R]]) -> dict[GroupKey, list[R]]:
    """Scenario by scenario, and in each the algorithms in the same order: that in which they were first started."""
    algorithms, scenarios = (list(dict.fromkeys(key[part] for key in grouped)) for part in (0, 1))
    keys = ((algorithm, scenario) for scenario in scenarios for algorithm in algorithms)
    return {key: grouped[key] for key in keys if key in grouped}


def _only(kind: type[R], grouped: Mapping[GroupKey, list[Any]]) -> dict[GroupKey, list[R]]:
    """The runs of one kind, and the groups that have some."""
    chosen = {key: [run for run in runs if isinstance(run, kind)] for key, runs in grouped.items()}
    return {key: runs for key, runs in chosen.items() if runs}
