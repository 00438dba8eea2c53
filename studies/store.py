"""OPEN THIS FIRST: a study of runs in one database.

    with StudyStore.open("sqlite:///studies/studies.db", study="compare") as store:
        run = store.begin(key, config=config, provenance=provenance)
        if run.status == "started" or run.status == "resumed":
            run.curve(CurvePoint(env_steps=10_000, win_rate=0.2, …))
            row = run.finish(RunResult(win_rate=0.4, …))
        elif run.status == "finished":
            row = run.row
        table = store.rows()

A run is (study, algorithm, scenario, seed, config_hash). It is a trial of the Optuna study with win rate, sparsity and
FLOPs saved as values; everything else about it lies in the ``k24_`` tables of the same database. Runs can be queued,
for workers to claim.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import optuna
from optuna_dashboard import save_note
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from common.signals import deferred_interrupts
from studies.dashboard.trials import Trials, attach_file
from studies.db.database import clock, connect, prepare_file
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError, repeated, repeated_at_start
from studies.db.schema import Outcome, Result, Run, ThroughputReading
from studies.db.storage_url import BUSY_SECONDS, DEFAULT_STORAGE, parse_storage_url
from studies.queue.owner import ABANDONED_AFTER, owner_of
from studies.queue.quiet import quiet_machine, wait_for_quiet_to_end
from studies.reader import StudyReader
from studies.row_queries import last_provenance, read_row
from studies.rows import EpisodeOutcome, RunKey, TurnReading
from studies.run import RunRecord, Status
from studies.run_table import RunTable

DEFAULT_STUDY = "compare"


class StudyStore(StudyReader):
    """One study in one database; open it with ``StudyStore.open``, close it or use it in a ``with`` block."""

    def __init__(self, run_table: RunTable) -> None:
        super().__init__(run_table.db, run_table.study)
        self._run_table = run_table
        self._closed = False

    @classmethod
    @repeated_at_start
    def open(
        cls, storage: str = DEFAULT_STORAGE, study: str = DEFAULT_STUDY, *, busy_seconds: float = BUSY_SECONDS
    ) -> StudyStore:
        """Open a study; folder, file, tables and study are created where missing.

        Finished runs that Optuna does not know as finished (the program was killed just then) are reported to it here.

        Args:
            storage: ``sqlite:///relative/file.db``, ``sqlite:////absolute/file.db`` or
                ``postgresql://user@host/database``.
            study: name of the Optuna study; another comparison in the same file takes another name.
            busy_seconds: how long to wait for another process's write.

        Raises:
            StorageError: the file is damaged, locked, no database, another program's, of a newer version, or cannot be
                written; or the study has other objectives. The file is as it was before.
        """
        url = parse_storage_url(storage, busy_seconds)
        if not study:
            raise StorageError(f"The study's name is empty. Type: --study {DEFAULT_STUDY}")
        prepare_file(url)
        trials = Trials(url, study)
        try:
            run_table = RunTable(connect(url), study, trials)
        except StorageError:
            trials.close()
            raise
        try:
            run_table.forget_deleted()
            run_table.finalize_unreported()
        except StorageError:
            run_table.close()
            raise
        return cls(run_table)

    def begin(self, key: RunKey, *, config: dict[str, Any], provenance: dict[str, Any]) -> RunRecord:
        """Start a run, resume it, or say why not; see ``RunRecord.status``.

        Args:
            key: which run.
            config: the resolved configuration, JSON-able. An unfinished run takes this one over: with an equal hash
                it can differ in the settings of evaluation alone.
            provenance: code, versions, machine, ``command`` of this session, JSON-able.
        """
        run_table = self._run_table
        wait_for_quiet_to_end(run_table.db)
        record = self._claim(key, config, provenance)
        if record.status in ("started", "resumed"):
            run_table.track(record.run_id)
            record.trial_number = run_table.start_trial(record.run_id)
        return record

    @repeated
    def _claim(self, key: RunKey, config: dict[str, Any], provenance: dict[str, Any]) -> RunRecord:
        """Claim a run in one transaction; its trial is not begun yet."""
        run_table = self._run_table
        status: Status
        row = last_error = earlier = None
        owner = ""
        with run_table.db.transaction() as session:
            run = run_table.get_run(session, key)
            if run is None:
                run, status = run_table.create(session, key, config), "started"
            elif run.state == "finished":
                row, status = read_row(session, run), "finished"
                earlier = row.provenance
            elif not run_table.claim(session, run):  # one from ``claim_next`` is ours already
                status, owner = "running_elsewhere", _describe_owner(run, clock(session))
            else:
                last_error, earlier = run.error, last_provenance(session, run.id)
                status = "resumed" if earlier is not None else "started"  # a queued one was never begun
                run.state, run.error, run.config = "running", None, config
            if status in ("started", "resumed"):
                run_table.add_provenance(session, run.id, provenance)
        return RunRecord(
            key=key,
            run_id=run.id,
            trial_number=-1 if run.trial_number is None else run.trial_number,
            created=run.created,
            status=status,
            row=row,
            owner=owner,
            last_error=last_error,
            earlier=earlier,
            run_table=run_table,
        )

    @repeated
    def enqueue(self, asked: Iterable[tuple[RunKey, dict[str, Any], dict[str, Any]]]) -> list[int]:
        """Ask for runs: from now on any process may claim them; one that failed before waits again.

        Args:
            asked: of each run its key, its configuration as in ``begin``, and its job: JSON-able, all that a worker
                needs to do it.

        Returns:
            The ids of the runs. One that is finished or worked on stays as it is.
        """
        run_table, ids = self._run_table, []
        with run_table.db.transaction() as session:
            for key, config, job in asked:
                run = run_table.get_run(session, key) or run_table.create(session, key, config, state="queued")
                run.job = job
                if run.state == "failed":
                    run.state = "queued"
                ids.append(run.id)
        return ids

    def claim_next(
        self, *, only: Collection[int] | None = None, fits: Callable[[dict[str, Any]], bool] = lambda job: True
    ) -> dict[str, Any] | None:
        """Claim the next run that waits, or that a dead process left; the caller then does ``begin`` it.

        Args:
            only: ids of runs; ``None``: any of this study.
            fits: whether this process can do a job.

        Returns:
            Its job, or ``None`` where nothing is left to claim.
        """
        run = self._run_table.claim_next(only, fits)
        return None if run is None else run.job

    def annotate(self, trial: optuna.Trial, path: Path, note: str) -> None:
        """Attach a file and a Markdown note to a trial of another study in this database, for the dashboard."""
        with wrap_db_errors(self.url):
            attach_file(self.url, trial.storage, trial, path)
            save_note(trial, note)

    @repeated
    def replace_evaluation(
        self, run_id: int, config: dict[str, Any], evaluation: Mapping[str, Any], outcomes: Sequence[EpisodeOutcome]
    ) -> bool:
        """Store another final evaluation of a finished run in place of the one before.

        Its trial keeps its first values: Optuna changes no finished trial.

        Args:
            run_id: of the run.
            config: with the settings of the new evaluation; all else as before.
            evaluation: fields of ``RunResult`` that the battles decide.
            outcomes: how they ended.

        Returns:
            False, and nothing is stored, where another process has deleted the run meanwhile.
        """
        with self._run_table.db.transaction() as session:
            if not self._finished_of(session, [run_id]):
                return False
            session.get_one(Run, run_id).config = config
            result = session.get_one(Result, run_id)
            for name, value in evaluation.items():
                setattr(result, name, value)
            session.execute(delete(Outcome).where(Outcome.run_id == run_id))
            session.add_all(Outcome(run_id=run_id, **asdict(outcome)) for outcome in outcomes)
        return True

    def _finished_of(self, session: Session, run_ids: Collection[int]) -> set[int]:
        """Return the runs that are finished and still there: what takes minutes to measure may be deleted meanwhile."""
        there = select(Run.id).filter_by(study=self.study, state="finished").where(Run.id.in_(run_ids))
        return set(session.scalars(there))

    def delete_runs(self, run_ids: Collection[int], *, whole_study: bool) -> set[int]:
        """Delete runs with all that is stored of them, and the trials that show them; returns the ids of those deleted.

        Args:
            run_ids: which; one that another living process works on stays.
            whole_study: delete the Optuna study itself too, once no run is left. Without it the trials of deleted runs
                stay in the dashboard, since Optuna deletes no single trial.
        """
        deleted = self._delete(run_ids)
        self._run_table.forget_deleted()
        if whole_study and not self.states():
            self._run_table.trials.delete_study()
            self._closed = True  # nothing is left to report to Optuna
            self._run_table.close()
        return deleted

    @repeated
    def _delete(self, run_ids: Collection[int]) -> set[int]:
        run_table, deleted = self._run_table, set()
        with run_table.db.transaction() as session:
            for run in session.scalars(select(Run).filter_by(study=self.study).where(Run.id.in_(run_ids))).all():
                if run_table.claim(session, run):  # a finished one may be on its way to Optuna
                    deleted.add(run.id)
                    session.delete(run)
        return deleted

    def quiet_machine(self, patience: float) -> AbstractContextManager[bool]:
        """Keep this machine free of this database's other work; see ``quiet.quiet_machine``."""
        return quiet_machine(self._run_table.db, patience)

    @repeated
    def store_readings(self, readings: Mapping[int, TurnReading]) -> None:
        """Store how fast policies decide, by the ids of their finished runs, in place of earlier readings.

        Runs that another process has deleted meanwhile are passed over.
        """
        with self._run_table.db.transaction() as session:
            for run_id in self._finished_of(session, readings):
                session.merge(ThroughputReading(run_id=run_id, **asdict(readings[run_id])))

    @repeated
    def store_speedups(self, speedups: Mapping[int, dict[str, Any]]) -> None:
        """Store 2:4 speed-ups, JSON-able, by the ids of their finished runs, likewise.

        Args:
            speedups: each with ``speedup`` or, where that is ``None``, its ``reason``.
        """
        with self._run_table.db.transaction() as session:
            for run_id in self._finished_of(session, speedups):
                result, found = session.get_one(Result, run_id), speedups[run_id]
                result.speedup_24, result.speedup_24_reason = found["speedup"], found["reason"] or ""
                result.details = {**result.details, "speedup_24": found}

    def close(self) -> None:
        """End what was left open: runs of this store and of dead processes become ``interrupted``, their trials FAIL.

        They can be begun again at any time. Calling it twice is allowed.
        """
        if self._closed:
            return
        self._closed = True
        with deferred_interrupts():  # a second Ctrl-C would leave runs that seem to be worked on
            try:
                self._run_table.finalize_unreported()
                self._run_table.interrupt_orphans()
            finally:
                self._run_table.close()


def study_names(storage: str = DEFAULT_STORAGE) -> list[str]:
    """Names of the studies whose runs an existing database holds.

    Raises:
        StorageError: there is no such database, or it cannot be used.
    """
    with StudyReader.open(storage, "") as reader:
        return reader.studies()


def _describe_owner(run: Run, now: float) -> str:
    owner = owner_of(run)
    assert owner is not None, "a run without an owner is always free to claim"
    age = max(0.0, now - run.heartbeat)
    return (
        f"on {owner.host}, process {owner.pid}, last heartbeat {age:.0f} s ago (it is taken over when that "
        f"process is gone; where processes cannot be looked up, after {ABANDONED_AFTER:.0f} s without one)"
    )
