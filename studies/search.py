"""A search over settings that any number of processes share: an Optuna study whose trials come out of a queue.

Every trial that was asked for is put into the study as WAITING before anyone works; a worker only takes what waits, so
that the number of trials is exact however many workers there are. A trial whose worker is gone, by the liveness rule of
runs (``owner.py``), is failed by Optuna and queued again here. The process that fills the queue owns the search's row
meanwhile, and repairs what a kill left between two steps: nothing is lost, and nothing is done twice.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import select
from sqlalchemy.orm import Session

from studies.db.database import clock, connect, inspect_file, make_folder, read_transaction, transaction
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError
from studies.db.optuna_storage import OurStorage, close_storage, open_storage
from studies.db.retrying import repeated
from studies.db.schema import Search
from studies.db.storage_url import StorageUrl, parse_storage_url
from studies.owner import Owner, is_free, owner_of, release, set_owner
from studies.store import BUSY_SECONDS

MISSED = 3
"""Heartbeats missed after which a trial counts as left by a worker that cannot be looked up from here."""
RETRIES = 3
"""How often a trial that its worker left is queued again; one that kills each worker must end at some time."""
FAILED, STOPPED, RETRY_OF, DEATHS = "error", "stopped", "again_of", "deaths"
"""Attributes of a trial: its objective failed; its worker was asked to stop; which trial it repeats; workers lost."""

_OWNER = "k24:owner"
"""System attribute of a trial: the process that works on it."""
_OPEN = (TrialState.WAITING, TrialState.RUNNING)


class ObjectiveFailed(Exception):
    """The objective failed by itself: the trial is over, and trying it again would not help."""


class QueueEmpty(Exception):
    """No trial waits in the queue."""


class _Attempt:
    """The objective at work on one trial."""

    def __init__(self, objective: Callable[[optuna.Trial], float]) -> None:
        self._objective = objective
        self.overtaken: FrozenTrial | None = None
        """The trial, if others took this process for dead (it was suspended, say) and have queued it again."""

    def __call__(self, trial: optuna.Trial) -> float:
        """Run the objective; an interrupted trial is marked as stopped, which is no worker's death."""
        try:
            return self._objective(trial)
        except KeyboardInterrupt:
            trial.set_user_attr(STOPPED, True)
            raise
        finally:
            found = trial.storage.get_trial(trial._trial_id)
            self.overtaken = found if found.state.is_finished() else None


class _QueueStorage(OurStorage):
    """Hands out trials that were put in, and makes none by itself."""

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        if template_trial is None:
            raise QueueEmpty
        return super()._create_new_trial(study_id, template_trial)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Hand out a trial with its first heartbeat: Optuna overlooks the death of a worker that wrote none."""
        if state == TrialState.RUNNING:
            super().record_heartbeat(trial_id)
        try:
            changed = super().set_trial_state_values(trial_id, state, values)
            if changed and state == TrialState.RUNNING:
                self.set_trial_system_attr(trial_id, _OWNER, asdict(Owner.myself()))
            return changed
        except UpdateFinishedTrialError:  # perhaps by this very call, whose answer was lost when the server went away
            found = self.get_trial(trial_id)
            if found.state == state and found.values == (None if values is None else list(values)):
                return True
            raise

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Return the trials whose worker is gone: by the process table where it knows, else by missed heartbeats."""
        late = super()._get_stale_trial_ids(study_id)
        stale = []
        for trial in self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,)):
            owner = trial.system_attrs.get(_OWNER)
            known = None if owner is None or owner == asdict(Owner.myself()) else Owner(**owner).look_up()
            if trial._trial_id in late if known is None else not known:
                stale.append(trial._trial_id)
        return stale

    def record_heartbeat(self, trial_id: int) -> None:
        """Write a heartbeat; a failure must not end the thread that writes the next ones."""
        with suppress(Exception):
            super().record_heartbeat(trial_id)


class SearchStudy:
    """One search in one database; open it with ``SearchStudy.open``, use it in a ``with`` block.

    Args:
        place: the database.
        study: name of the Optuna study.
        row: what was asked; ``request["heartbeat"]`` is the seconds between two heartbeats of a trial.
        busy_seconds: how long to wait for another process's write.
    """

    def __init__(self, place: StorageUrl, study: str, row: Search, busy_seconds: float) -> None:
        self.place, self.name, self.request = place, study, row.request
        self.heartbeat = float(row.request["heartbeat"])
        self._engine = connect(place, busy_seconds)
        interval = max(1, round(self.heartbeat))
        beating = {"heartbeat_interval": interval, "grace_period": MISSED * interval}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeats are one in Optuna
            self._storage = open_storage(place, busy_seconds, _QueueStorage, **beating)
        try:
            with wrap_db_errors(place):
                self.optuna = optuna.create_study(
                    storage=self._storage, study_name=study, direction="maximize", load_if_exists=True
                )
        except StorageError:
            self.close()
            raise

    @classmethod
    def open(
        cls,
        storage: str,
        study: str,
        *,
        request: dict[str, Any] | None = None,
        trials: int = 0,
        busy_seconds: float = BUSY_SECONDS,
    ) -> SearchStudy:
        """Open a search; with a ``request`` it is made where missing.

        Args:
            storage: as of ``StudyStore.open``.
            study: its name.
            request: the question, JSON-able; ``None``: whatever was asked before.
            trials: how many are wanted altogether; more than were asked for before add to them.
            busy_seconds: how long to wait for another process's write.

        Raises:
            StorageError: the database cannot be used, there is no such search, or it asks something else.
        """
        place = parse_storage_url(storage)
        if place.path:
            make_folder(place.path)
        inspect_file(place, busy_seconds)
        _refuse_comparison(place, study, busy_seconds)
        engine = connect(place, busy_seconds)
        try:
            with transaction(engine, place) as session:
                row = _find_or_create(session, place, study, request, trials)
        finally:
            engine.dispose()
        return cls(place, study, row, busy_seconds)

    def work(
        self,
        objective: Callable[[optuna.Trial], float],
        *,
        sampler: BaseSampler,
        pruner: BasePruner,
        on_finished: Callable[[FrozenTrial], None],
    ) -> None:
        """Take trials until all that were asked for are over, those of other workers too: they may come back.

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
        with wrap_db_errors(self.place):
            while self.fill():
                hand = _Attempt(objective)
                try:
                    self.optuna.optimize(
                        hand, n_trials=1, catch=(ObjectiveFailed,), callbacks=[lambda _, trial: on_finished(trial)]
                    )
                except QueueEmpty:
                    time.sleep(min(self.heartbeat, 5.0) / 2)
                except KeyboardInterrupt:
                    self.fill()
                    raise
                except (ValueError, AssertionError, UpdateFinishedTrialError):  # so Optuna refuses what came too late
                    if hand.overtaken is None:
                        raise
                    on_finished(hand.overtaken)

    def fill(self) -> int:
        """Queue what is missing and what was left by its worker; returns how many trials wait or run.

        One process does it at a time; the others wait for it.
        """
        me = Owner.myself()
        while not self._set_owner(me):
            time.sleep(0.1)
        try:
            return self._fill()
        finally:
            self._release()

    @repeated
    def _fill(self) -> int:
        """Look at all trials and queue what is missing; begun again, it sees what is there by then."""
        with wrap_db_errors(self.place):
            with read_transaction(self._engine, self.place) as session:
                wanted = session.get_one(Search, self.name).trials
            trials = self.optuna.get_trials(deepcopy=False)
            repeated = {trial.user_attrs.get(RETRY_OF) for trial in trials}
            answered = sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED, *_OPEN) for trial in trials)
            for trial in trials:
                if trial.state == TrialState.FAIL and trial.number not in repeated:
                    answered += 1
                    if FAILED not in trial.user_attrs and trial.user_attrs.get(DEATHS, 0) < RETRIES:
                        self.optuna.add_trial(_retry(trial))
            for _ in range(wanted - answered):
                self.optuna.add_trial(create_trial(state=TrialState.WAITING))
            return len(self.optuna.get_trials(deepcopy=False, states=_OPEN))

    @repeated
    def _release(self) -> None:
        with transaction(self._engine, self.place) as session:
            release(session.get_one(Search, self.name))

    @repeated
    def _set_owner(self, me: Owner) -> bool:
        with transaction(self._engine, self.place) as session:
            row, now = session.get_one(Search, self.name), clock(session)
            free = owner_of(row) == me or is_free(row, now)
            if free:
                set_owner(row, me, now)
            return free

    def close(self) -> None:
        """Release the connections."""
        close_storage(self._storage)
        self._engine.dispose()

    def __enter__(self) -> SearchStudy:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def search_names(storage: str, *, busy_seconds: float = BUSY_SECONDS) -> list[str]:
    """Names of the searches in a database; none where there is no database yet.

    Raises:
        StorageError: it cannot be used.
    """
    place = parse_storage_url(storage)
    if place.path and not place.path.is_file():
        return []
    inspect_file(place, busy_seconds)
    engine = connect(place, busy_seconds)
    try:
        with read_transaction(engine, place) as session:
            return list(session.scalars(select(Search.study).order_by(Search.study)))
    finally:
        engine.dispose()


def _refuse_comparison(place: StorageUrl, study: str, busy_seconds: float) -> None:
    """Raise where the name is a comparison's, before anything is written: a search's row would mislead its workers.

    Raises:
        StorageError: it is.
    """
    storage = open_storage(place, busy_seconds)
    try:
        with wrap_db_errors(place):
            directions = storage.get_study_directions(storage.get_study_id_from_name(study))
    except KeyError:
        return  # there is none yet
    finally:
        close_storage(storage)
    if len(directions) != 1:
        raise StorageError(
            f"{place} holds a comparison {study!r}, which is no search. Nothing was changed. Name another study: "
            f"--study my_search"
        )


def _find_or_create(
    session: Session, place: StorageUrl, study: str, request: dict[str, Any] | None, trials: int
) -> Search:
    """The row of a search, made or extended as asked."""
    if request is not None:
        request = json.loads(json.dumps(request))  # as it comes back from the database, lists for tuples
    row = session.get(Search, study)
    if row is None:
        if request is None:
            raise StorageError(
                f"{place} holds no search {study!r}. Ask for one: python -m harness.tune --study {study}"
            )
        row = Search(study=study, request=request, trials=trials, created=time.time(), heartbeat=0.0)
        session.add(row)
    elif request is not None and row.request != request:
        differing = sorted(key for key in {*row.request, *request} if row.request.get(key) != request.get(key))
        raise StorageError(
            f"{place} holds a search {study!r} that asks something else (other: {', '.join(differing)}). Nothing was "
            f"changed. Name another study: --study my_search"
        )
    row.trials = max(row.trials, trials)
    session.flush()
    return row


def _retry(trial: FrozenTrial) -> FrozenTrial:
    """A trial with the same settings that waits."""
    deaths = trial.user_attrs.get(DEATHS, 0) + (STOPPED not in trial.user_attrs)
    return create_trial(
        state=TrialState.WAITING,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={RETRY_OF: trial.number, DEATHS: deaths},
    )
