"""Read what runs have left: curves, events, outcomes, where they took place, and those without a result yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studies.db.database import clock
from studies.db.schema import Curve, Event, Outcome, Provenance, Result, Run, Throughput
from studies.owner import is_free
from studies.rows import RESULT_FIELDS, TURN_FIELDS, CurvePoint, EpisodeOutcome, RunRow, TurnReading, UnfinishedRun


def read_row(session: Session, run: Run) -> RunRow:
    """A finished run as tables and reports want it."""
    result = session.get_one(Result, run.id)
    return RunRow(
        run_id=run.id,
        trial_number=-1 if run.trial_number is None else run.trial_number,
        study=run.study,
        algorithm=run.algorithm,
        scenario=run.scenario,
        seed=run.seed,
        config_hash=run.config_hash,
        config=run.config,
        provenance=last_provenance(session, run.id) or {},
        in_turn=_in_turn(session.get(Throughput, run.id)),
        **{name: getattr(result, name) for name in RESULT_FIELDS},
    )


def _in_turn(found: Throughput | None) -> TurnReading | None:
    return None if found is None else TurnReading(**{name: getattr(found, name) for name in TURN_FIELDS})


def curve_points(session: Session, run_id: int) -> list[CurvePoint]:
    """The evaluations made during training, in order of ``env_steps``."""
    return [
        CurvePoint(
            env_steps=row.env_steps,
            win_rate=row.win_rate,
            return_mean=row.return_mean,
            episodes=row.episodes,
            loss=row.loss,
            epsilon=row.epsilon,
            wall_seconds=row.wall_seconds,
            extra=row.extra,
        )
        for row in session.scalars(select(Curve).where(Curve.run_id == run_id).order_by(Curve.env_steps))
    ]


def events(session: Session, run_id: int) -> list[tuple[int, str]]:
    """(env_steps, line) of what happened in training, in that order."""
    found = session.scalars(select(Event).where(Event.run_id == run_id).order_by(Event.env_steps, Event.text))
    return [(row.env_steps, row.text) for row in found]


def outcomes(session: Session, run_id: int) -> list[EpisodeOutcome]:
    """The episodes of the final evaluation, by slot and battle."""
    found = select(Outcome).where(Outcome.run_id == run_id).order_by(Outcome.slot, Outcome.battle_id)
    return [
        EpisodeOutcome(
            slot=row.slot,
            battle_id=row.battle_id,
            won=row.won,
            lost=row.lost,
            truncated=row.truncated,
            aborted=row.aborted,
            episode_return=row.episode_return,
            length=row.length,
        )
        for row in session.scalars(found)
    ]


def last_provenance(session: Session, run_id: int) -> dict[str, Any] | None:
    """Where and with what the newest session of work on a run took place; ``None``: it was never begun."""
    newest = select(Provenance).where(Provenance.run_id == run_id).order_by(Provenance.session.desc()).limit(1)
    found = session.scalars(newest).one_or_none()
    return found.record if found else None


def unfinished(session: Session, study: str) -> list[UnfinishedRun]:
    """The runs of a study that have no result, in the order in which they were first started.

    One that a dead process left counts as interrupted; the next process that opens the study to write updates its row.
    """
    now = clock(session)
    found = select(Run).where(Run.study == study, Run.state != "finished").order_by(Run.id)
    return [
        UnfinishedRun(
            run_id=run.id,
            algorithm=run.algorithm,
            scenario=run.scenario,
            seed=run.seed,
            config_hash=run.config_hash,
            config=run.config,
            state="interrupted" if run.state == "running" and is_free(run, now) else run.state,
            error=run.error or "",
            provenance=last_provenance(session, run.id) or {},
        )
        for run in session.scalars(found)
    ]
