"""Keep our tables and Optuna's trials consistent, whenever the program is killed.

The two are written through separate connections, so no transaction spans both. Each change therefore has an order in
which a kill leaves something that the next opener can finish:

- start: our row first (it claims the run), then the trial, which carries the run's id from its first moment on;
- finish: our row and result first, still claimed, then the trial; a finished run that Optuna does not know as
  finished is reported later;
- fail or interrupt: the trial first, then our row; a row left ``running`` by a dead process is ended later.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Engine, Row, Update, func, select, update
from sqlalchemy.orm import Session

from studies.db.database import clock, read_transaction, transaction
from studies.db.errors import RunTakenOver
from studies.db.retrying import repeated
from studies.db.schema import Provenance, Result, Run
from studies.db.storage_url import StorageUrl
from studies.heartbeat import HeartbeatThread
from studies.labels import objective_values, result_labels, start_labels
from studies.notes import run_note
from studies.owner import Owner, is_free, owner_of, release, set_owner
from studies.quiet import wait_for_quiet_to_end
from studies.reading import events, last_provenance, read_row
from studies.rows import RESULT_FIELDS, RunKey, RunResult, RunRow
from studies.trials import Trials

INTERRUPTED = "interrupted: the same command resumes the run"
_UNFINISHED = ("queued", "interrupted", "running")

BATCH = 256
"""Unfinished runs that are looked at together."""


class RunTable:
    """The runs of one study on both sides.

    Args:
        engine: of our tables.
        place: the database, for messages.
        study: name of the Optuna study.
        trials: Optuna's side.
    """

    def __init__(self, engine: Engine, place: StorageUrl, study: str, trials: Trials) -> None:
        self.engine = engine
        self.place = place
        self.study = study
        self.trials = trials
        self.me = Owner.myself()
        self.held: set[int] = set()
        """Ids of the runs of this store, as distinct from those of another store in the same process."""
        self._heartbeats = HeartbeatThread(self.write_heartbeat)

    def transaction(self) -> AbstractContextManager[Session]:
        """A session on our tables that is committed whole or not at all."""
        return transaction(self.engine, self.place)

    def find(self, session: Session, key: RunKey) -> Run | None:
        """The run with this key in this study."""
        return session.scalars(select(Run).filter_by(study=self.study, **asdict(key))).one_or_none()

    def create(self, session: Session, key: RunKey, config: dict[str, Any], state: str = "running") -> Run:
        """A new run; one that is ``running`` is owned by this store."""
        now = clock(session)
        run = Run(study=self.study, **asdict(key), config=config, state=state, created=now, heartbeat=now)
        if state == "running":
            set_owner(run, self.me, now)
        session.add(run)
        session.flush()
        return run

    def claim(self, session: Session, run: Run) -> bool:
        """Make this store the owner of a run, unless a living one has it; within the caller's transaction."""
        now = clock(session)
        free = self._is_claimable(run, now)
        if free:
            set_owner(run, self.me, now)
        return free

    def _is_claimable(self, run: Run | Row[Any], now: float) -> bool:
        if owner_of(run) == self.me:
            return run.id in self.held  # else another store of this process has it; no need to look the process up
        return is_free(run, now)

    def claim_next(self, only: Collection[int] | None, fits: Callable[[dict[str, Any]], bool]) -> Run | None:
        """Claim the oldest run that waits for a worker or was left unfinished, and hold it; ``None``: there is none.

        Args:
            only: ids of runs; ``None``: any.
            fits: whether this process can do a run's job. It is asked outside of any transaction: it may import much.
        """
        after = 0
        while True:
            waiting, now = self._waiting(after)
            if not waiting:
                return None
            after = waiting[-1].id
            jobs: dict[int, dict[str, Any]] = {}
            while waiting:
                # The oldest first; after a lost race any other, or a hundred workers would race for the next too.
                row = waiting.pop(0)
                if (only is not None and row.id not in only) or row.id in self.held:
                    continue
                if not self._is_claimable(row, now):  # asked as late as this: it may look a process up
                    continue
                if row.id not in jobs:
                    # The first mostly fits; the others are read together, not in a query each.
                    jobs |= self._jobs([row.id, *(other.id for other in waiting)] if jobs else [row.id])
                if not fits(jobs.get(row.id, {})):
                    continue
                wait_for_quiet_to_end(self.engine, self.place)
                run = self._take(row.id)
                if run is not None:
                    self.track(run.id)
                    return run
                random.shuffle(waiting)

    @repeated
    def _waiting(self, after: int) -> tuple[list[Row[Any]], float]:
        """The next ``BATCH`` unfinished runs after an id, with their owners, and the time at which they were read."""
        columns = (Run.id, Run.owner_host, Run.owner_pid, Run.owner_started, Run.heartbeat)
        asked = select(*columns).filter_by(study=self.study).where(Run.job.is_not(None))
        asked = asked.where(Run.state.in_(_UNFINISHED), Run.id > after).order_by(Run.id).limit(BATCH)
        with read_transaction(self.engine, self.place) as session:
            return list(session.execute(asked)), clock(session)

    @repeated
    def _jobs(self, run_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Id -> job."""
        with read_transaction(self.engine, self.place) as session:
            return {id: job or {} for id, job in session.execute(select(Run.id, Run.job).where(Run.id.in_(run_ids)))}

    @repeated
    def _take(self, run_id: int) -> Run | None:
        """Claim a run, unless another process was faster."""
        with self.transaction() as session:
            run = session.get(Run, run_id)
            if run is None or run.state not in _UNFINISHED or not self.claim(session, run):
                return None
            run.state = "running"
        return run

    def track(self, run_id: int) -> None:
        """Renew the heartbeat of a claimed run until it is released."""
        self.held.add(run_id)
        self._heartbeats.start()

    @repeated
    def write_heartbeat(self) -> None:
        """Renew our heartbeat on all runs that we hold and that no other process has taken over.

        It is one statement that names its owner, so on a server it needs no lock and waits for no claim.
        """
        with self._unqueued() as session:
            session.execute(self._mine(tuple(self.held)).values(heartbeat=clock(session)))

    def _unqueued(self) -> AbstractContextManager[Session]:
        """A session for a single statement; SQLite has one lock for all that is written."""
        if self.engine.dialect.name == "sqlite":
            return self.transaction()
        return read_transaction(self.engine, self.place)

    def renew(self, session: Session, run_id: int) -> None:
        """Renew our heartbeat on a run.

        Raises:
            RunTakenOver: the run has another owner now.
        """
        renewed = session.scalars(self._mine([run_id]).values(heartbeat=clock(session)).returning(Run.id)).all()
        if not renewed:
            self.held.discard(run_id)
            raise RunTakenOver(
                f"Run {run_id} in {self.place} is no longer held by this process: another one took it over, or it was "
                f"removed. This process stops working on it; nothing stored is lost."
            )

    def _mine(self, run_ids: Sequence[int]) -> Update:
        return update(Run).where(
            Run.id.in_(run_ids),
            Run.state == "running",
            Run.owner_host == self.me.host,
            Run.owner_pid == self.me.pid,
            Run.owner_started == self.me.started,
        )

    def add_provenance(self, session: Session, run_id: int, record: dict[str, Any]) -> None:
        """Store where and with what a session of work on the run takes place."""
        earlier = session.scalar(select(func.count()).where(Provenance.run_id == run_id))
        session.add(Provenance(run_id=run_id, session=earlier or 0, started=time.time(), record=record))

    @repeated
    def start_trial(self, run_id: int) -> int:
        """Give a claimed run its RUNNING trial; returns the trial's number."""
        with self.transaction() as session:
            labels = _labels(session, session.get_one(Run, run_id))
        number = self.trials.start(run_id, labels)
        with self.transaction() as session:
            session.get_one(Run, run_id).trial_number = number
        return number

    def store_result(self, session: Session, run_id: int, result: RunResult) -> None:
        """Write the result; from its commit on the run is finished, whatever happens to the process."""
        run = session.get_one(Run, run_id)
        run.state, run.error, run.finished = "finished", None, time.time()
        session.add(Result(run_id=run_id, **{name: getattr(result, name) for name in RESULT_FIELDS}))

    @repeated
    def finalize(self, run_id: int) -> RunRow:
        """Tell Optuna about a finished run that we hold, and let go of it."""
        with self.transaction() as session:
            row, happened = read_row(session, session.get_one(Run, run_id)), events(session, run_id)
            labels = _labels(session, session.get_one(Run, run_id))
        values = objective_values(row, with_throughput=self.trials.with_throughput)
        number = self.trials.complete(run_id, values, labels | result_labels(row))
        self.trials.note(number, run_note(row, happened))
        with self.transaction() as session:
            run = session.get_one(Run, run_id)
            run.trial_number = number
            release(run)
            row = read_row(session, run)
        self.held.discard(run_id)
        return row

    def end_session(self, run_id: int, state: str, error: str | None, reason: str = INTERRUPTED) -> None:
        """End our session on an unfinished run: ``failed`` with its error, or ``interrupted`` for a reason."""
        self.trials.fail(run_id, error or reason)
        self._abandon(run_id, state, error)
        self.held.discard(run_id)

    @repeated
    def _abandon(self, run_id: int, state: str, error: str | None) -> None:
        with self.transaction() as session:
            self.renew(session, run_id)
            run = session.get_one(Run, run_id)
            run.state, run.error = state, error
            release(run)

    @repeated
    def finalize_unsettled(self) -> None:
        """Tell Optuna about finished runs that it does not know as finished: a kill, or a study deleted there."""
        complete = self.trials.completed_runs()
        with self.transaction() as session:
            finished = session.scalars(select(Run).filter_by(study=self.study, state="finished"))
            unsettled = [run for run in finished if run.id not in complete or owner_of(run) is not None]
            untold = [run.id for run in unsettled if self.claim(session, run)]
        self.held.update(untold)
        for run_id in untold:
            self.finalize(run_id)

    @repeated
    def interrupt_orphans(self) -> None:
        """End the trials of runs without a living owner: ours, and those of dead processes."""
        with self.transaction() as session:
            running = session.scalars(select(Run).filter_by(study=self.study, state="running"))
            orphans = [run.id for run in running if self.claim(session, run)]
        self.held.update(orphans)
        for run_id in orphans:
            self.end_session(run_id, "interrupted", None)

    def close(self) -> None:
        """Release the connections of both sides."""
        self._heartbeats.stop()
        self.trials.close()
        self.engine.dispose()


def _labels(session: Session, run: Run) -> dict[str, Any]:
    key = RunKey(algorithm=run.algorithm, scenario=run.scenario, seed=run.seed, config_hash=run.config_hash)
    return start_labels(key, last_provenance(session, run.id) or {})
