"""Read what runs have left: curves, events, outcomes, where they took place, and those without a result yet.

Stored values are held against their columns: SQLite keeps a text in a column of numbers without a word.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from studies.db.database import clock
from studies.db.errors import ContentError
from studies.db.schema import Base, Curve, Event, Outcome, Provenance, Result, Run, Search, ThroughputReading
from studies.queue.owner import is_free
from studies.rows import RESULT_FIELDS, TURN_FIELDS, CurvePoint, EpisodeOutcome, RunRow, TurnReading, UnfinishedRun

RUN = ("algorithm", "scenario", "seed", "config_hash", "config")
"""Columns of a run that its records hold as well."""
IN_ONE = 500
"""Run ids in one statement."""
ROWS = 10_000
"""Rows that are checked and turned into records at a time."""
_STORED: dict[type, tuple[set[type], str]] = {
    float: ({float, int}, "finite number"),
    int: ({int}, "whole number"),
    str: ({str}, "text"),
    bool: ({bool}, "truth value"),
    object: ({dict}, "table of values"),
    dict: ({dict}, "table of values"),
}
"""A column's type in Python -> the types that its values have, and their name."""
R = TypeVar("R")


def read_row(session: Session, run: Run) -> RunRow:
    """A finished run as tables and reports want it."""
    throughput = session.get(ThroughputReading, run.id)
    return _row(run, session.get_one(Result, run.id), throughput, last_provenance(session, run.id))


def read_rows(session: Session, study: str) -> list[RunRow]:
    """All finished runs of a study in the order in which they were first started, by two queries however many."""
    finished = (Run.study == study, Run.state == "finished")
    joined = select(Run, Result, ThroughputReading).join(Result, Result.run_id == Run.id)
    joined = joined.outerjoin(ThroughputReading, ThroughputReading.run_id == Run.id).where(*finished).order_by(Run.id)
    provenances = last_provenances(session, *finished)
    return [_row(run, result, turn, provenances.get(run.id)) for run, result, turn in session.execute(joined)]


def _row(run: Run, result: Result, throughput: ThroughputReading | None, provenance: dict[str, Any] | None) -> RunRow:
    _check_run(run)
    _check(Result, RESULT_FIELDS, result)
    try:
        in_turn = None
        if throughput is not None:
            _check(ThroughputReading, TURN_FIELDS, throughput)
            in_turn = TurnReading(**{name: getattr(throughput, name) for name in TURN_FIELDS})
        return RunRow(
            run_id=run.id,
            study=run.study,
            trial_number=-1 if run.trial_number is None else run.trial_number,
            **{name: getattr(run, name) for name in RUN},
            provenance=provenance or {},
            in_turn=in_turn,
            **{name: getattr(result, name) for name in RESULT_FIELDS},
        )
    except ValueError as error:  # a number outside of its range
        raise ContentError(f"run {run.id}: {error}") from error


def _check_run(run: Run) -> None:
    _check(Run, ("study", *RUN), run)
    for part in ("algorithm", "env", "train", "evaluation"):
        if not isinstance(run.config.get(part, {}), dict):
            raise ContentError(f"table k24_runs holds config/{part} {str(run.config[part])[:40]!r}, no table of values")


def _check(table: type[Base], names: Sequence[str], record: Base) -> None:
    _check_columns(table, names, [[getattr(record, name) for name in names]])


def _check_columns(
    table: type[Base], names: Sequence[str], rows: Sequence[Sequence[Any]], *, infinite: Collection[str] = ()
) -> None:
    """Refuse values that this program does not store.

    Args:
        table: where they lie.
        names: of the columns.
        rows: values in the same order; column by column they are looked at, since a report reads millions.
        infinite: columns of numbers that need not be finite.

    Raises:
        ContentError: a value of another type, or a number that is not finite; the message names table and column.
    """
    for name, values in zip(names, zip(*rows, strict=True), strict=False):
        column = table.__table__.columns[name]
        kind = column.type.python_type
        allowed, words = _STORED[kind]
        allowed = allowed | {type(None)} if column.nullable else allowed
        if not set(map(type, values)) <= allowed:
            wrong = next(value for value in values if type(value) not in allowed)
        elif kind is float and name not in infinite and not all(map(math.isfinite, filter(None, values))):
            wrong = next(value for value in values if value is not None and not math.isfinite(value))
        else:
            continue
        raise ContentError(f"table {table.__tablename__} holds {name} {str(wrong)[:40]!r}, no {words}")


def curves_of(session: Session, run_ids: Sequence[int]) -> dict[int, list[CurvePoint]]:
    """Run id -> the evaluations made during its training, in order of ``env_steps``."""
    return _records(session, Curve, CurvePoint, run_ids, Curve.env_steps, infinite=("loss",))


def events(session: Session, run_id: int) -> list[tuple[int, str]]:
    """(env_steps, line) of what happened in training, in that order."""
    found = session.scalars(select(Event).where(Event.run_id == run_id).order_by(Event.env_steps, Event.text))
    return [(row.env_steps, row.text) for row in found]


def outcomes_of(session: Session, run_ids: Sequence[int]) -> dict[int, list[EpisodeOutcome]]:
    """Run id -> the episodes of its final evaluation, by slot and battle."""
    return _records(session, Outcome, EpisodeOutcome, run_ids, Outcome.slot, Outcome.battle_id)


def _records(
    session: Session, table: Any, kind: type[R], run_ids: Sequence[int], *order: Any, infinite: Sequence[str] = ()
) -> dict[int, list[R]]:
    """Run id -> its rows of a table as records, whose fields are columns; ``infinite``: those that may be so."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    columns = [getattr(table, name) for name in ("run_id", *names)]
    found: dict[int, list[R]] = {run_id: [] for run_id in run_ids}
    for start in range(0, len(run_ids), IN_ONE):
        chosen = select(*columns).where(table.run_id.in_(run_ids[start : start + IN_ONE]))
        for rows in session.execute(chosen.order_by(table.run_id, *order)).partitions(ROWS):
            _check_columns(table, ("run_id", *names), rows, infinite=infinite)
            for run_id, *values in rows:
                found[run_id].append(kind(**dict(zip(names, values, strict=True))))
    return found


def last_provenances(session: Session, *which: ColumnElement[bool]) -> dict[int, dict[str, Any]]:
    """Run id -> the provenance of its newest session, for all runs that meet the conditions."""
    chosen = select(Provenance.run_id, Provenance.record).join(Run, Run.id == Provenance.run_id).where(*which)
    return {found.run_id: found.record for found in session.execute(chosen.order_by(Provenance.session))}


def last_provenance(session: Session, run_id: int) -> dict[str, Any] | None:
    """Return the provenance of a run's newest session; ``None``: it was never begun."""
    return last_provenances(session, Run.id == run_id).get(run_id)


def studies(session: Session) -> list[str]:
    """Names of all studies that have runs; those of searches have trials instead."""
    runs = select(Run.study).where(Run.study.not_in(select(Search.study)))
    return list(session.scalars(runs.distinct().order_by(Run.study)))


def states(session: Session, study: str) -> dict[int, str]:
    """Run id -> state of each run of a study."""
    return {run.id: run.state for run in session.execute(select(Run.id, Run.state).filter_by(study=study))}


def silent_since(session: Session, study: str, moment: float) -> list[int]:
    """Ids of the runs of a study that are ``running`` and whose last heartbeat came before this moment."""
    return list(session.scalars(select(Run.id).filter_by(study=study, state="running").where(Run.heartbeat < moment)))


def unfinished(session: Session, study: str) -> list[UnfinishedRun]:
    """The runs of a study that have no result, in the order in which they were first started.

    One that a dead process left counts as interrupted; the next process that opens the study to write updates its row.
    """
    now = clock(session)
    which = (Run.study == study, Run.state != "finished")
    found = session.scalars(select(Run).where(*which).order_by(Run.id)).all()
    provenances = last_provenances(session, *which)
    for run in found:
        _check_run(run)
    return [
        UnfinishedRun(
            run_id=run.id,
            **{name: getattr(run, name) for name in RUN},
            state="interrupted" if run.state == "running" and is_free(run, now) else run.state,
            error=run.error or "",
            provenance=provenances.get(run.id, {}),
        )
        for run in found
    ]
