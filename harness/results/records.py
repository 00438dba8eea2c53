"""Runs, curves and battles of a study as flat records, for data frames and CSV files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.results.grouping import has_winners
from harness.results.study_data import StudyData
from harness.runs.provenance import flat
from studies.rows import RESULT_FIELDS, CurvePoint, RunRow, UnfinishedRun

if TYPE_CHECKING:
    import pandas

OF_WINNERS = ("win_rate", "win_low", "win_high", "wins")
THROUGHPUT = {"throughput": "decisions_per_second"} | {
    f"throughput_{name}": name for name in ("low", "high", "quiet", "batch", "dtype")
}
"""Column -> field of ``TurnReading``: how fast the policy decides, measured in turn with the others."""


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


def run_records(study: StudyData) -> Records:
    """Return a record for each run: what it is, its state, its result, and every setting as ``config.…``.

    Numbers of a run without a result, and win rates where no one can win, are ``None``.
    """
    return _filled(_run_record(study.study, *named) for named in study.every())


def curve_records(study: StudyData) -> Records:
    """Return a record for each evaluation made in training; the learner's diagnostics are columns of their own."""
    return _filled(
        {**_key(study.study, *named), **_flat_point(point, named[2])}
        for named in study.every()
        for point in study.curve_points(named[2].run_id)
    )


def outcome_records(study: StudyData) -> Records:
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
    finished = run if isinstance(run, RunRow) else None
    reading = finished and finished.in_turn
    return {
        **_key(study, algorithm, scenario, run),
        "state": getattr(run, "state", "finished"),
        "trial": getattr(run, "trial_number", None),
        **{name: getattr(run, name, None) for name in RESULT_FIELDS if name != "details"},
        **{name: reading and getattr(reading, field) for name, field in THROUGHPUT.items()},
        **(dict.fromkeys(OF_WINNERS) if finished and not has_winners(finished) else {}),
        "resumes": finished.details.get("resumes", 0) if finished else None,
        "commit": run.provenance.get("commit"),
        "config_hash": run.config_hash,
        **flat(run.config, "config."),
    }


def _flat_point(point: CurvePoint, run: RunRow | UnfinishedRun) -> dict[str, Any]:
    values = asdict(point)
    extra = values.pop("extra")
    if isinstance(run, RunRow) and not has_winners(run):
        values["win_rate"] = None
    return values | extra


def _filled(records: Iterable[dict[str, Any]]) -> Records:
    """Give all records the same keys, in order of their first appearance."""
    found = list(records)
    keys = dict.fromkeys(key for record in found for key in record)
    return Records({key: record.get(key) for key in keys} for record in found)
