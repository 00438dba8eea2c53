"""The queue of work that processes share: rows of ``k24_runs``, each claimed by one living process at a time.

A row is a run of a comparison (``run_table.py``) or a trial of a search (``search.py``). The rows of a dead process, by
the one liveness rule (``owner.py``), go to the next that asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Update, func, select, update
from sqlalchemy.orm import Session

from studies.db.database import Database, clock
from studies.db.errors import RunTakenOver, repeated
from studies.db.schema import Run
from studies.queue.owner import HeartbeatThread, Owner, is_free, owner_of, release, set_owner
from studies.queue.quiet import wait_for_quiet_to_end
from studies.rows import RunKey

UNFINISHED = ("queued", "interrupted", "running")

BATCH = 256
"""Unfinished rows that are looked at together."""


class RunQueue:
    """The rows of one study.

    Args:
        db: the database.
        study: its name.
    """

    def __init__(self, db: Database, study: str) -> None:
        self.db, self.study = db, study
        self.me = Owner.myself()
        self.claimed: set[int] = set()
        """Ids of the rows of this queue, as distinct from those of another one in the same process."""
        self._heartbeats = HeartbeatThread(self.write_heartbeat)

    def get_run(self, session: Session, key: RunKey) -> Run | None:
        """Return the run with this key in this study."""
        return session.scalars(select(Run).filter_by(study=self.study, **asdict(key))).one_or_none()

    def create(self, session: Session, key: RunKey, config: dict[str, Any], state: str = "running") -> Run:
        """Create a run; one that is ``running`` is owned by this queue."""
        now = clock(session)
        run = Run(study=self.study, **asdict(key), config=config, state=state, created=now, heartbeat=now)
        if state == "running":
            set_owner(run, self.me, now)
        session.add(run)
        session.flush()
        return run

    def claim(self, session: Session, run: Run) -> bool:
        """Make this queue the owner of a run, unless a living one has it; within the caller's transaction."""
        now = clock(session)
        free = self._is_claimable(run, now)
        if free:
            set_owner(run, self.me, now)
        return free

    def _is_claimable(self, run: Run | Row[Any], now: float) -> bool:
        if owner_of(run) == self.me:
            return run.id in self.claimed  # else another queue of this process has it; no need to look the process up
        return is_free(run, now)

    def claim_next(
        self, only: Collection[int] | None = None, fits: Callable[[dict[str, Any]], bool] = lambda job: True
    ) -> Run | None:
        """Claim the oldest run that waits for a worker or was left unfinished; ``None``: there is none.

        Args:
            only: ids of runs; ``None``: any of this study.
            fits: whether this process can do a run's job. It is asked outside of any transaction: it may import much.
        """
        for run_id in self._candidates(only, fits):
            wait_for_quiet_to_end(self.db)
            run = self._claim_by_id(run_id)
            if run is not None:
                self.track(run.id)
                return run
        return None

    def _candidates(self, only: Collection[int] | None, fits: Callable[[dict[str, Any]], bool]) -> Iterator[int]:
        """Yield the ids of runs that this process could claim: the oldest, and after each lost race any other.

        In order, a hundred workers would race for the next too.
        """
        after = 0
        while True:
            waiting, now = self._waiting(after)
            if not waiting:
                return
            after = waiting[-1].id
            jobs: dict[int, dict[str, Any]] = {}
            while waiting:
                row = waiting.pop(0)
                asked = row.id not in self.claimed and (only is None or row.id in only)
                if not asked or not self._is_claimable(row, now):  # asked as late as this: it may look a process up
                    continue
                if row.id not in jobs:
                    # The first mostly fits; the others are read together, not in a query each.
                    jobs |= self._jobs([row.id, *(other.id for other in waiting)] if jobs else [row.id])
                if row.id in jobs and fits(jobs[row.id]):  # one without was deleted meanwhile
                    yield row.id
                    random.shuffle(waiting)

    @repeated
    def _waiting(self, after: int) -> tuple[list[Row[Any]], float]:
        """The next ``BATCH`` unfinished runs after an id, with their owners, and the time at which they were read."""
        columns = (Run.id, Run.owner_host, Run.owner_pid, Run.owner_started, Run.heartbeat)
        asked = select(*columns).filter_by(study=self.study).where(Run.job.is_not(None))
        asked = asked.where(Run.state.in_(UNFINISHED), Run.id > after).order_by(Run.id).limit(BATCH)
        with self.db.read_transaction() as session:
            return list(session.execute(asked)), clock(session)

    @repeated
    def _jobs(self, run_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Id -> job."""
        with self.db.read_transaction() as session:
            return {id: job or {} for id, job in session.execute(select(Run.id, Run.job).where(Run.id.in_(run_ids)))}

    @repeated
    def _claim_by_id(self, run_id: int) -> Run | None:
        """Claim a run, unless another process was faster."""
        with self.db.transaction() as session:
            run = session.get(Run, run_id)
            if run is None or run.state not in UNFINISHED or not self.claim(session, run):
                return None
            run.state = "running"
        return run

    @repeated
    def count_unfinished(self) -> int:
        """Count the rows that wait or that any process works on."""
        with self.db.read_transaction() as session:
            mine = select(func.count()).select_from(Run).filter_by(study=self.study)
            return session.scalar(mine.where(Run.state.in_(UNFINISHED))) or 0

    @repeated
    def ask_again(self) -> None:
        """Queue what is finished once more."""
        with self.db.transaction() as session:
            session.execute(update(Run).filter_by(study=self.study, state="finished").values(state="queued"))

    def track(self, run_id: int) -> None:
        """Renew the heartbeat of a claimed run until it is released."""
        self.claimed.add(run_id)
        self._heartbeats.start()

    @repeated
    def write_heartbeat(self) -> None:
        """Renew our heartbeat on all runs that we have claimed and that no other process has taken over.

        It is one statement that names its owner, so on a server it needs no lock and waits for no claim. SQLite has one
        lock for all that is written.
        """
        on_server = self.db.engine.dialect.name != "sqlite"
        with self.db.read_transaction() if on_server else self.db.transaction() as session:
            session.execute(self._mine(tuple(self.claimed)).values(heartbeat=clock(session)))

    def renew(self, session: Session, run_id: int) -> None:
        """Renew our heartbeat on a run.

        Raises:
            RunTakenOver: the run has another owner now.
        """
        renewed = session.scalars(self._mine([run_id]).values(heartbeat=clock(session)).returning(Run.id)).all()
        if not renewed:
            self.claimed.discard(run_id)
            raise RunTakenOver(
                f"Run {run_id} in {self.db.url} is no longer held by this process: another one took it over, or it was "
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

    @repeated
    def release(self, run_id: int, state: str, error: str | None) -> None:
        """End our session on an unfinished run, or on a finished trial of a search, and release it."""
        with self.db.transaction() as session:
            self.renew(session, run_id)
            run = session.get_one(Run, run_id)
            run.state, run.error = state, error
            release(run)
        self.claimed.discard(run_id)

    def close(self) -> None:
        """Release the connections."""
        self._heartbeats.stop()
        self.db.close()
