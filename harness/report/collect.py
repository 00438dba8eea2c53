"""What a report is made of, read from the study once: finished runs, those under way, their curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from harness.report.variants import variant_names
from studies.ledger import last_provenance
from studies.rows import CurvePoint, EpisodeOutcome, RunKey, RunRow
from studies.schema import Run
from studies.store import StudyStore


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A run that has no result yet."""

    run_id: int
    algorithm: str
    """Its variant's name."""
    scenario: str
    seed: int
    state: str
    """``running``, ``interrupted``, ``failed``, …"""
    error: str
    """What it failed with; empty where it did not."""
    provenance: dict[str, Any]
    """Of its newest session; empty where none has begun."""


@dataclass(frozen=True, kw_only=True)
class StudyData:
    """All that a report shows of a study, clips and throughput tables apart."""

    study: str
    runs: tuple[RunRow, ...]
    """Finished; ``algorithm`` is the variant's name."""
    unfinished: tuple[Unfinished, ...]
    keys: Mapping[int, RunKey]
    """Of every finished run, its algorithm's registered name in it."""
    curves: Mapping[int, list[CurvePoint]]
    """Of every run, finished or not."""
    battles: Mapping[int, list[EpisodeOutcome]]
    """Final evaluation of every finished run."""

    @property
    def algorithms(self) -> list[str]:
        """Variants in the order in which they were first started."""
        return list(dict.fromkeys(run.algorithm for run in (*self.runs, *self.unfinished)))

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(run.scenario for run in (*self.runs, *self.unfinished)))

    @property
    def groups(self) -> dict[tuple[str, str], list[RunRow]]:
        """(algorithm, scenario) -> finished runs by seed, scenario by scenario."""
        found: dict[tuple[str, str], list[RunRow]] = {}
        for scenario in self.scenarios:
            for algorithm in self.algorithms:
                members = [run for run in self.runs if (run.algorithm, run.scenario) == (algorithm, scenario)]
                if members:
                    found[algorithm, scenario] = sorted(members, key=lambda run: run.seed)
        return found

    def curve_points(self, run_id: int) -> list[CurvePoint]:
        """The evaluations made during a run's training."""
        return self.curves[run_id]

    def outcomes(self, run_id: int) -> list[EpisodeOutcome]:
        """The battles of a finished run's final evaluation."""
        return self.battles[run_id]


def collect(store: StudyStore, study: str, keys: Collection[RunKey] | None = None) -> StudyData:
    """Read a study.

    Args:
        store: open.
        study: its name.
        keys: only these runs; ``None``: all.
    """
    finished = [(row, key) for row in store.rows() if (key := _key(row)) and (keys is None or key in keys)]
    under_way = [run for run in _unfinished(store, study) if keys is None or _key(run) in keys]
    every = [*(row for row, _ in finished), *under_way]
    names = iter(variant_names([(run.algorithm, run.config) for run in every]))
    runs = tuple(dataclasses.replace(row, algorithm=next(names)) for row, _ in finished)
    unfinished = tuple(
        Unfinished(
            run_id=run.id,
            algorithm=next(names),
            scenario=run.scenario,
            seed=run.seed,
            state=run.state,
            error=run.error or "",
            provenance=record,
        )
        for run, record in ((run, _provenance(store, run)) for run in under_way)
    )
    ids = [run.run_id for run in (*runs, *unfinished)]
    return StudyData(
        study=study,
        runs=runs,
        unfinished=unfinished,
        keys={row.run_id: key for row, key in finished},
        curves={run_id: store.curve_points(run_id) for run_id in ids},
        battles={run.run_id: store.outcomes(run.run_id) for run in runs},
    )


def _key(run: RunRow | Run) -> RunKey:
    return RunKey(algorithm=run.algorithm, scenario=run.scenario, seed=run.seed, config_hash=run.config_hash)


def _unfinished(store: StudyStore, study: str) -> list[Run]:
    with store._ledger.transaction() as session:
        return list(session.scalars(select(Run).where(Run.study == study, Run.state != "finished").order_by(Run.id)))


def _provenance(store: StudyStore, run: Run) -> dict[str, Any]:
    with store._ledger.transaction() as session:
        return last_provenance(session, run.id) or {}
