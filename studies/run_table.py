"""Keep our tables and Optuna's trials consistent, whenever the program is killed.

The two are written through separate connections, so no transaction spans both. Each change therefore has an order in
which a kill leaves something that the next opener can finish:

- start: our row first (it claims the run), then the trial, which carries the run's id from its first moment on;
- finish: our row and result first, still claimed, then the trial; a finished run that Optuna does not know as
  finished is reported later;
- fail or interrupt: the trial first, then our row; a row left ``running`` by a dead process is ended later;
- delete: our row first, then the trial's link to it; a link without its row is cut by the next opener.
"""

from __future__ import annotations

import time
from typing import Any

from optuna.trial import TrialState
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studies.dashboard.labels import objective_values, result_labels, run_note, start_labels
from studies.dashboard.trials import Trials
from studies.db.database import Database
from studies.db.errors import repeated
from studies.db.schema import Provenance, Result, Run
from studies.queue.owner import owner_of, release
from studies.queue.run_queue import RunQueue
from studies.row_queries import events, last_provenance, read_row
from studies.rows import RESULT_FIELDS, RunResult, RunRow, key_of

INTERRUPTED = "interrupted: the same command resumes the run"


class RunTable(RunQueue):
    """The runs of one study on both sides.

    Args:
        db: the database.
        study: name of the Optuna study.
        trials: Optuna's side.
    """

    def __init__(self, db: Database, study: str, trials: Trials) -> None:
        super().__init__(db, study)
        self.trials = trials

    def add_provenance(self, session: Session, run_id: int, record: dict[str, Any]) -> None:
        """Store where and with what a session of work on the run takes place."""
        earlier = session.scalar(select(func.count()).where(Provenance.run_id == run_id))
        session.add(Provenance(run_id=run_id, session=earlier or 0, started=time.time(), record=record))

    @repeated
    def start_trial(self, run_id: int) -> int:
        """Give a claimed run its RUNNING trial; returns the trial's number."""
        with self.db.transaction() as session:
            labels = _labels(session, session.get_one(Run, run_id))
        number = self.trials.start(run_id, labels)
        with self.db.transaction() as session:
            session.get_one(Run, run_id).trial_number = number
        return number

    def store_result(self, session: Session, run_id: int, result: RunResult) -> None:
        """Write the result; from its commit on the run is finished, whatever happens to the process."""
        run = session.get_one(Run, run_id)
        run.state, run.error, run.finished = "finished", None, time.time()
        session.add(Result(run_id=run_id, **{name: getattr(result, name) for name in RESULT_FIELDS}))

    @repeated
    def finalize(self, run_id: int) -> RunRow:
        """Report a finished run that we own to Optuna, and release it."""
        with self.db.transaction() as session:
            row, happened = read_row(session, session.get_one(Run, run_id)), events(session, run_id)
            labels = _labels(session, session.get_one(Run, run_id))
        values = objective_values(row, with_throughput=self.trials.with_throughput)
        number = self.trials.complete(run_id, values, labels | result_labels(row))
        self.trials.note(number, run_note(row, happened))
        with self.db.transaction() as session:
            run = session.get_one(Run, run_id)
            run.trial_number = number
            release(run)
            row = read_row(session, run)
        self.claimed.discard(run_id)
        return row

    def end_session(self, run_id: int, state: str, error: str | None, reason: str = INTERRUPTED) -> None:
        """End our session on an unfinished run: ``failed`` with its error, or ``interrupted`` for a reason."""
        self.trials.fail(run_id, error or reason)
        self.release(run_id, state, error)

    @repeated
    def finalize_unreported(self) -> None:
        """Report the finished runs that Optuna does not know as finished: a kill, or a study deleted there."""
        complete = set(self.trials.runs(TrialState.COMPLETE).values())
        with self.db.transaction() as session:
            finished = session.scalars(select(Run).filter_by(study=self.study, state="finished"))
            pending = [run for run in finished if run.id not in complete or owner_of(run) is not None]
            unreported = [run.id for run in pending if self.claim(session, run)]
        self.claimed.update(unreported)
        for run_id in unreported:
            self.finalize(run_id)

    @repeated
    def forget_deleted(self) -> None:
        """Cut the trials of deleted runs loose: SQLite gives the newest run's id out again once it is deleted."""
        shown = self.trials.runs()
        with self.db.read_transaction() as session:
            kept = set(session.scalars(select(Run.id).filter_by(study=self.study)))
        if stale := [trial for trial, run_id in shown.items() if run_id not in kept]:
            self.trials.forget(stale)

    @repeated
    def interrupt_orphans(self) -> None:
        """End the trials of runs without a living owner: ours, and those of dead processes."""
        with self.db.transaction() as session:
            running = session.scalars(select(Run).filter_by(study=self.study, state="running"))
            orphans = [run.id for run in running if self.claim(session, run)]
        self.claimed.update(orphans)
        for run_id in orphans:
            self.end_session(run_id, "interrupted", None)

    def close(self) -> None:
        """Release the connections of both sides."""
        self.trials.close()
        super().close()


def _labels(session: Session, run: Run) -> dict[str, Any]:
    return start_labels(key_of(run), last_provenance(session, run.id) or {})
