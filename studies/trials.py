"""Optuna's side of a study: the study with its three objectives, and one trial per run.

A trial is found by its attribute ``run_id``, never by its number alone: the study may have been deleted in the
dashboard and its numbers given out again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.exc import IntegrityError, OperationalError

from studies.errors import StorageError, translated

METRIC_NAMES = ["win rate", "sparsity", "throughput (decisions/s)"]
"""The objectives, all maximised, in the order of a trial's values."""


class Trials:
    """The trials of one Optuna study in the database at ``path``.

    Raises:
        StorageError: a study of that name has other objectives, or the database cannot be used.
    """

    def __init__(self, path: Path, study: str, busy_seconds: float) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # each new study and trial would print over progress bars
        self._path = path
        self._storage = _open_storage(path, busy_seconds)
        try:
            with translated(path):
                self._study = optuna.create_study(
                    storage=self._storage,
                    study_name=study,
                    directions=["maximize"] * len(METRIC_NAMES),
                    load_if_exists=True,
                )
                self._study_id = self._storage.get_study_id_from_name(study)
                self._check_objectives()
        except StorageError:
            self.close()
            raise

    def _check_objectives(self) -> None:
        directions = [direction.name.lower() for direction in self._study.directions]
        names = self._study.metric_names
        if directions != ["maximize"] * len(METRIC_NAMES) or names not in (None, METRIC_NAMES):
            raise StorageError(
                f"{self._path} holds a study {self._study.study_name!r} with other objectives ({names or directions}); "
                f"a comparison needs {METRIC_NAMES}. Nothing was changed. Name another study: --study my_comparison"
            )
        if names is None:
            with warnings.catch_warnings():  # Optuna marks the labels as experimental; they change no stored value
                warnings.simplefilter("ignore", ExperimentalWarning)
                self._study.set_metric_names(METRIC_NAMES)

    def of_run(self, run_id: int) -> list[FrozenTrial]:
        """All trials of a run, oldest first."""
        with translated(self._path):
            trials = self._study.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.user_attrs.get("run_id") == run_id]

    def completed_runs(self) -> set[int]:
        """Ids of the runs that Optuna knows as finished."""
        with translated(self._path):
            trials = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return {trial.user_attrs["run_id"] for trial in trials if "run_id" in trial.user_attrs}

    def start(self, run_id: int, attributes: Mapping[str, Any]) -> int:
        """Continue the run's RUNNING trial, or create one whole with its attributes; returns its number."""
        running = [trial for trial in self.of_run(run_id) if trial.state == TrialState.RUNNING]
        if running and self._set_attributes(running[-1], attributes):
            return running[-1].number
        return self._create(TrialState.RUNNING, None, {"run_id": run_id, **attributes})

    def complete(self, run_id: int, values: Sequence[float], attributes: Mapping[str, Any]) -> int:
        """Make sure that one COMPLETE trial shows the run; returns its number."""
        trials = self.of_run(run_id)
        for trial in trials:
            if trial.state == TrialState.COMPLETE:
                return trial.number
        for trial in trials:
            if trial.state == TrialState.RUNNING and self._end(trial, TrialState.COMPLETE, values, attributes):
                return trial.number
        return self._create(TrialState.COMPLETE, values, {"run_id": run_id, **attributes})

    def fail(self, run_id: int, reason: str) -> None:
        """End the RUNNING trial of the run as FAIL, with the reason as an attribute."""
        for trial in self.of_run(run_id):
            if trial.state == TrialState.RUNNING:
                self._end(trial, TrialState.FAIL, None, {"ended": reason})

    def upload(self, number: int, path: Path, folder: Path) -> None:
        """Copy a file into the artifact folder and link it to a RUNNING trial."""
        with translated(self._path):
            trial = self._storage.get_trial(
                self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
            )
            upload_artifact(
                study_or_trial=trial,
                file_path=str(path),
                artifact_store=FileSystemArtifactStore(folder),
                storage=self._storage,
            )

    def close(self) -> None:
        """Release the connections."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _create(self, state: TrialState, values: Sequence[float] | None, attributes: dict[str, Any]) -> int:
        trial = create_trial(state=state, values=values, user_attrs=attributes)
        with translated(self._path):
            trial_id = self._storage.create_new_trial(self._study_id, template_trial=trial)
            return self._storage.get_trial(trial_id).number

    def _set_attributes(self, trial: FrozenTrial, attributes: Mapping[str, Any]) -> bool:
        """False where the trial was ended meanwhile, for example by hand in the dashboard."""
        try:
            with translated(self._path):
                for name, value in attributes.items():
                    if trial.user_attrs.get(name, ...) != value:
                        self._storage.set_trial_user_attr(trial._trial_id, name, value)
        except UpdateFinishedTrialError:
            return False
        return True

    def _end(
        self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None, attributes: Mapping[str, Any]
    ) -> bool:
        """End a trial, its attributes first, since a finished trial takes none; False as above."""
        if not self._set_attributes(trial, attributes):
            return False
        try:
            with translated(self._path):
                return self._storage.set_trial_state_values(trial._trial_id, state, values)
        except UpdateFinishedTrialError:
            return False


def _open_storage(path: Path, busy_seconds: float) -> RDBStorage:
    """Optuna's storage on the file; its tables are created where missing."""
    url = f"sqlite:///{path}".replace("{", "{{").replace("}", "}}")  # Optuna fills in what stands in braces
    for last_try in (False, False, False, False, True):
        try:
            return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": busy_seconds}})
        except (OperationalError, IntegrityError) as error:
            # Optuna looks which tables are missing and then creates them: two first starts at once collide there.
            collided = isinstance(error, IntegrityError) or "already exists" in str(error)
            if last_try or not collided:
                with translated(path):
                    raise
            time.sleep(0.1)
        except RuntimeError as error:  # the file's Optuna tables have another version
            raise StorageError(f"{path} and the installed Optuna do not fit: {error} Nothing was changed.") from error
    raise AssertionError("the last try either returns or raises")
