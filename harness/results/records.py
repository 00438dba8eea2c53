"""Runs, curves and battles of a study as flat records, for data frames and CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from harness.results.grouping import flat, has_winners
from studies.rows import RESULT_FIELDS, CurvePoint, EpisodeOutcome, RunRow, UnfinishedRun

if TYPE_CHECKING:
    import pandas

Named = tuple[str, str, RunRow | UnfinishedRun]
"""Algorithm and scenario as the tables name them, and the run."""


class StudyRuns(Protocol):
    """Source of the records; ``StudyData`` is one."""

    @property
    def study(self) -> str: ...
    def every(self) -> Iterator[Named]: ...
    def curve_points(self, run_id: int) -> Iterable[CurvePoint]: ...
    def outcomes(self, run_id: int) -> Iterable[EpisodeOutcome]: ...


class Records(list[dict[str, Any]]):
    """Rows as dictionaries with the same keys; ``to_pandas`` makes a DataFrame of them."""

    def to_pandas(self) -> pandas.DataFrame:
        """Return the rows as a DataFrame.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                f"to_pandas needs pandas, which is not installed ({error}). Type: pip install 'k24-harness[data]'"
            ) from error
        return pandas.DataFrame.from_records(list(self))


def run_records(study: StudyRuns) -> Records:
    """Return a record for each run: what it is, its state, its result, and every setting as ``config.…``.

    Numbers of a run without a result, and win rates where no one can win, are ``None``.
    """
    return _filled(_run_record(study.study, *named) for named in study.every())


def curve_records(study: StudyRuns) -> Records:
    """Return a record for each evaluation made in training; the learner's diagnostics are columns of their own."""
    return _filled(
        {**_key(study.study, *named), **_flat_point(point)}
        for named in study.every()
        for point in study.curve_points(named[2].run_id)
    )


def outcome_records(study: StudyRuns) -> Records:
    """Return a record for each battle of the final evaluations."""
    return _filled(
        {**_key(study.study, *named), **asdict(outcome)}
        for named in study.every()
        if isinstance(named[2], RunRow)
        for outcome in study.outcomes(named[2].run_id)
    )


def _key(study: str, algorithm: str, scenario: str, run: RunRow | UnfinishedRun) -> dict[str, Any]:
    return {"study": study, "run_id": run.run_id, "algorithm": algorithm, "scenario": scenario, "seed": run.seed}


def _run_record(study: str, algorithm: str, scenario: str, run: RunRow | UnfinishedRun) -> dict[str, Any]:
    finished = isinstance(run, RunRow)
    record = _key(study, algorithm, scenario, run)
    record["state"] = "finished" if isinstance(run, RunRow) else run.state
    record["trial"] = run.trial_number if isinstance(run, RunRow) else None
    record |= {name: getattr(run, name) if finished else None for name in RESULT_FIELDS if name != "details"}
    if isinstance(run, RunRow) and not has_winners(run):
        record |= dict.fromkeys(("win_rate", "win_low", "win_high", "wins"))
    record["resumes"] = run.details.get("resumes", 0) if isinstance(run, RunRow) else None
    record["commit"] = run.provenance.get("commit")
    record["config_hash"] = run.config_hash
    return record | flat(run.config, "config.")


def _flat_point(point: CurvePoint) -> dict[str, Any]:
    values = asdict(point)
    return {**{name: value for name, value in values.items() if name != "extra"}, **values["extra"]}


def _filled(records: Iterable[dict[str, Any]]) -> Records:
    """Give all records the same keys, in order of their first appearance."""
    found = list(records)
    keys = dict.fromkeys(key for record in found for key in record)
    return Records({key: record.get(key) for key in keys} for record in found)
