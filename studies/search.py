"""A search over settings that any number of processes share: an Optuna study whose trials come out of the run queue.

Every trial that was asked for is a row of the queue (``run_queue.py``) before anyone works, so that their number is
exact however many workers there are. A worker claims a row, makes its Optuna trial, which carries the row's id from
its first moment on, and ends the trial before the row. So a row whose worker is gone shows in its trials how far it
came: one that was answered is over, any other is tried again with the same settings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from common.errors import quoted
from studies.db.database import connect, inspect_file, prepare_file
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import RunTakenOver, StorageError, repeated, repeated_at_start
from studies.db.optuna_storage import open_storage
from studies.db.schema import Run, Search
from studies.db.storage_url import StorageUrl, parse_storage_url
from studies.queue.run_queue import RunQueue
from studies.rows import RunKey

RETRIES = 3
"""How often a trial that its worker left is tried again; one that kills each worker must end at some time."""
RUN_ID, FAILED, STOPPED, RETRY_OF = "run_id", "error", "stopped", "again_of"
"""Attributes of a trial: its row of the queue; its objective failed; its worker was asked to stop; which it repeats."""
LOOK_AGAIN = 2.0
"""Seconds between two looks at trials that other workers are at."""


class ObjectiveFailed(Exception):
    """The objective failed by itself: the trial is over, and trying it again would not help."""


class SearchStudy:
    """One search in one database; open it with ``SearchStudy.open``, use it in a ``with`` block.

    Args:
        queue: its rows.
        request: what was asked.

    Raises:
        StorageError: the database cannot be used.
    """

    def __init__(self, queue: RunQueue, request: dict[str, Any]) -> None:
        self.url, self.name, self.request = queue.db.url, queue.study, request
        self._queue = queue
        self._storage = open_storage(self.url)
        try:
            with wrap_db_errors(self.url):
                self.optuna = optuna.create_study(
                    storage=self._storage, study_name=self.name, direction="maximize", load_if_exists=True
                )
                if not self.optuna.get_trials(deepcopy=False):
                    self._queue.ask_again()  # the study was deleted in the dashboard
        except StorageError:
            self._storage.close()
            raise

    @classmethod
    @repeated_at_start
    def open(cls, storage: str, study: str, *, request: dict[str, Any] | None = None, trials: int = 0) -> SearchStudy:
        """Open a search; with a ``request`` it is made where missing.

        Args:
            storage: as of ``StudyStore.open``.
            study: its name.
            request: the question, JSON-able; ``None``: whatever was asked before.
            trials: how many in all; more than were asked for before add to them.

        Raises:
            StorageError: the database cannot be used, there is no such search, or it asks something else.
        """
        url = parse_storage_url(storage)
        prepare_file(url)
        _refuse_comparison(url, study)
        queue = RunQueue(connect(url), study)
        try:
            with queue.db.transaction() as session:
                row = _find_or_create(session, url, study, request, trials)
                _fill(session, queue, row)
            return cls(queue, row.request)
        except StorageError:
            queue.close()
            raise

    def work(
        self,
        objective: Callable[[optuna.Trial], float],
        *,
        sampler: BaseSampler,
        pruner: BasePruner,
        on_finished: Callable[[FrozenTrial], None],
    ) -> None:
        """Claim trials until all that were asked for are over, those of other workers too: they may come back.

        Args:
            objective: works on one trial; it may prune it, or raise ``ObjectiveFailed``.
            sampler: draws settings.
            pruner: ends trials early.
            on_finished: called with each trial that ended here.

        Raises:
            KeyboardInterrupt: the user stopped it; the current trial waits for another worker.
            StorageError: the database cannot be used.
        """
        self.optuna.sampler, self.optuna.pruner = sampler, pruner
        with wrap_db_errors(self.url):
            while True:
                row = self._queue.claim_next()
                if row is not None:
                    self._work_on(row.id, objective, on_finished)
                elif self._queue.count_unfinished():
                    time.sleep(LOOK_AGAIN)
                else:
                    return

    def _work_on(
        self, run_id: int, objective: Callable[[optuna.Trial], float], on_finished: Callable[[FrozenTrial], None]
    ) -> None:
        """Do the trial of a claimed row, and release the row, whatever happens."""
        over = False
        try:
            trial = self._begin(run_id)
            over = trial is None
            if trial is not None:
                ended = self._attempt(trial, objective)
                over = _is_over(ended)
                on_finished(ended)
        finally:
            with suppress(StorageError, RunTakenOver):  # another process may have it by now
                self._queue.release(run_id, "finished" if over else "interrupted", None)
            self._queue.claimed.discard(run_id)

    @repeated
    def _begin(self, run_id: int) -> optuna.Trial | None:
        """A RUNNING trial for a row, with the settings of those before it; ``None``: the row is over."""
        trials = self.optuna.get_trials(deepcopy=False)
        earlier = [trial for trial in trials if trial.user_attrs.get(RUN_ID) == run_id]
        for trial in earlier:
            if trial.state == TrialState.RUNNING:  # of a worker that is gone
                with suppress(UpdateFinishedTrialError):
                    self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        deaths = sum(STOPPED not in trial.user_attrs for trial in earlier)
        if any(map(_is_over, earlier)) or deaths > RETRIES:
            return None
        last = earlier[-1] if earlier else create_trial(state=TrialState.RUNNING)
        new = create_trial(
            state=TrialState.RUNNING,
            params=last.params,
            distributions=last.distributions,
            user_attrs={RUN_ID: run_id} | ({RETRY_OF: last.number} if earlier else {}),
        )
        storage = self.optuna._storage  # Optuna's own view of ours, which remembers the trials that it has seen
        trial_id = storage.create_new_trial(self.optuna._study_id, template_trial=new)
        self.optuna.sampler.before_trial(self.optuna, storage.get_trial(trial_id))
        return optuna.Trial(self.optuna, trial_id)

    def _attempt(self, trial: optuna.Trial, objective: Callable[[optuna.Trial], float]) -> FrozenTrial:
        """Run the objective and end the trial; others may have ended it, taking this process for dead."""
        value, state = None, TrialState.FAIL
        try:
            value = objective(trial)
            state = TrialState.COMPLETE
        except optuna.TrialPruned:
            state = TrialState.PRUNED
        except ObjectiveFailed as error:
            with suppress(UpdateFinishedTrialError):
                trial.set_user_attr(FAILED, str(error))
        except UpdateFinishedTrialError:
            pass
        except KeyboardInterrupt:
            with suppress(UpdateFinishedTrialError):
                trial.set_user_attr(STOPPED, True)
                self._end(trial, None, state)
            raise
        return self._end(trial, value, state)

    def _end(self, trial: optuna.Trial, value: float | None, state: TrialState) -> FrozenTrial:
        with suppress(UpdateFinishedTrialError):  # perhaps by this very call, whose answer was lost with the server
            self.optuna.tell(trial, value, state=state, skip_if_finished=True)
        return self._storage.get_trial(trial._trial_id)

    def delete(self) -> bool:
        """Delete the search with all its trials; False, and nothing is deleted, where a worker is at one of them."""
        if not self._is_free():
            return False
        with wrap_db_errors(self.url):
            optuna.delete_study(study_name=self.name, storage=self._storage)
        self._delete_rows()  # last: a kill in between leaves a search without trials, which can be deleted or goes on
        return True

    @repeated
    def _is_free(self) -> bool:
        """Whether every row could be claimed; none is."""
        with self._queue.db.transaction() as session:
            rows = session.scalars(select(Run).filter_by(study=self.name)).all()
            free = all(self._queue.claim(session, row) for row in rows)
            session.rollback()
        return free

    @repeated
    def _delete_rows(self) -> None:
        with self._queue.db.transaction() as session:
            session.execute(delete(Run).where(Run.study == self.name))
            session.execute(delete(Search).where(Search.study == self.name))

    def close(self) -> None:
        """Release the connections."""
        self._storage.close()
        self._queue.close()

    def __enter__(self) -> SearchStudy:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


@repeated_at_start
def search_names(storage: str) -> list[str]:
    """Names of the searches in a database; none where there is no database yet.

    Raises:
        StorageError: it cannot be used.
    """
    url = parse_storage_url(storage)
    if url.path and not url.path.is_file():
        return []
    inspect_file(url)
    with closing(connect(url)) as db, db.read_transaction() as session:
        return list(session.scalars(select(Search.study).order_by(Search.study)))


def _is_over(trial: FrozenTrial) -> bool:
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or FAILED in trial.user_attrs


def _refuse_comparison(url: StorageUrl, study: str) -> None:
    """Raise where the name is a comparison's, before anything is written: a search's row would mislead its workers.

    Raises:
        StorageError: it is.
    """
    try:
        with closing(open_storage(url)) as storage, wrap_db_errors(url):
            directions = storage.get_study_directions(storage.get_study_id_from_name(study))
    except KeyError:
        return  # there is none yet
    if len(directions) != 1:
        raise StorageError(
            f"{url} holds a comparison {study!r}, which is no search. Nothing was changed. Name another study: "
            f"--study my_search"
        )


def _find_or_create(
    session: Session, url: StorageUrl, study: str, request: dict[str, Any] | None, trials: int
) -> Search:
    """The row of a search, made or extended as asked."""
    if request is not None:
        request = json.loads(json.dumps(request))  # as it comes back from the database, lists for tuples
    row = session.get(Search, study)
    if row is None:
        if request is None:
            raise StorageError(
                f"{url} holds no search {study!r}. Ask for one: python -m harness.tune --study {quoted(study)}"
            )
        row = Search(study=study, request=request, trials=trials, created=time.time())
        session.add(row)
    elif request is not None and row.request != request:
        differing = sorted(key for key in {*row.request, *request} if row.request.get(key) != request.get(key))
        raise StorageError(
            f"{url} holds a search {study!r} that asks something else (other: {', '.join(differing)}). Nothing was "
            f"changed. Name another study: --study my_search"
        )
    row.trials = max(row.trials, trials)
    session.flush()
    return row


def _fill(session: Session, queue: RunQueue, search: Search) -> None:
    """Queue the rows that are missing; a row's seed is its number."""
    existing = session.scalar(select(func.count()).select_from(Run).where(Run.study == search.study)) or 0
    for number in range(existing, search.trials):
        key = RunKey(algorithm="", scenario="", seed=number, config_hash="trial of a search")
        queue.create(session, key, {}, state="queued").job = {}
