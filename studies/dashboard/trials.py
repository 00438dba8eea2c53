"""Optuna's side of a study: the study with its three objectives, and one trial per run.

A trial is found by its attribute ``run_id``, never by its number alone: the study may have been deleted in the
dashboard and its numbers given out again.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.storages._rdb.models import TrialModel, TrialUserAttributeModel
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
from optuna_dashboard import save_note
from sqlalchemy import Select, select, update

from common.errors import quoted
from studies.dashboard.parameters import distributions_for, parameters_of
from studies.db.database import Database
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError, repeated
from studies.db.optuna_storage import open_storage
from studies.db.storage_url import StorageUrl

METRIC_NAMES = ["win rate", "sparsity", "FLOPs saved"]
"""The objectives, all maximised, in the order of a trial's values."""
EARLIER_NAMES = ["win rate", "sparsity", "throughput (decisions/s)"]
"""Those of studies that were begun by earlier versions, which go on with them."""
TRIES = 100
"""How often a trial is created again with the parameters' lists as other processes have left them; each time one of
those has created its own."""


class Trials:
    """The trials of one Optuna study in a database.

    Raises:
        StorageError: a study of that name has other objectives, or the database cannot be used.
    """

    def __init__(self, url: StorageUrl, study: str) -> None:
        self._url = url
        self._storage = open_storage(url)
        self._db = Database(self._storage.engine, url)
        try:
            with wrap_db_errors(url):
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
        if directions != ["maximize"] * len(METRIC_NAMES) or names not in (None, METRIC_NAMES, EARLIER_NAMES):
            raise StorageError(
                f"{self._url} holds a study {self._study.study_name!r} with other objectives ({names or directions});"
                f" a comparison needs {METRIC_NAMES}. Nothing was changed. Name another study: --study my_comparison"
            )
        self.with_throughput = names == EARLIER_NAMES
        """Whether the third objective is that of earlier versions."""
        if names is None:
            with warnings.catch_warnings():  # Optuna marks the labels as experimental; they change no stored value
                warnings.simplefilter("ignore", ExperimentalWarning)
                self._study.set_metric_names(METRIC_NAMES)

    @repeated
    def of_run(self, run_id: int) -> list[FrozenTrial]:
        """All trials of a run, oldest first; found by the database, since reading all trials takes seconds."""
        mine = self._with_run_id().where(TrialUserAttributeModel.value_json == json.dumps(run_id))
        with self._db.read_transaction() as session:
            found = sorted(row.trial_id for row in session.execute(mine))
        with wrap_db_errors(self._url):
            return [self._storage.get_trial(id) for id in found]

    def _with_run_id(self) -> Select[tuple[int, str]]:
        """Ids of this study's trials, each with the id of its run as JSON."""
        attribute = TrialUserAttributeModel
        pairs = select(TrialModel.trial_id, attribute.value_json).join(
            attribute, attribute.trial_id == TrialModel.trial_id
        )
        return pairs.where(TrialModel.study_id == self._study_id, attribute.key == "run_id")

    @repeated
    def runs(self, *states: TrialState) -> dict[int, int]:
        """Id of a trial -> id of its run, of the trials in one of these states; without any, of all."""
        wanted = self._with_run_id()
        if states:
            wanted = wanted.where(TrialModel.state.in_(states))
        with self._db.read_transaction() as session:
            return {row.trial_id: json.loads(row.value_json) for row in session.execute(wanted)}

    @repeated
    def forget(self, trial_ids: Collection[int]) -> None:
        """Cut the trials of deleted runs loose from their runs' ids, which later runs may get."""
        with wrap_db_errors(self._url):
            trials = [self._storage.get_trial(id) for id in trial_ids]
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self._end(trial, TrialState.FAIL, None, {"ended": "its run was deleted"})
        attribute = TrialUserAttributeModel
        rename = update(attribute).where(attribute.trial_id.in_(trial_ids), attribute.key == "run_id")
        with self._db.transaction() as session:
            session.execute(rename.values(key="deleted_run"))

    @repeated
    def start(self, run_id: int, attributes: Mapping[str, Any]) -> int:
        """Continue the run's RUNNING trial, or create one whole with its attributes; returns its number."""
        running = [trial for trial in self.of_run(run_id) if trial.state == TrialState.RUNNING]
        if running:
            with suppress(UpdateFinishedTrialError):  # ended meanwhile, for example by hand in the dashboard
                self._set_attributes(running[-1], attributes)
                return running[-1].number
        return self._create(TrialState.RUNNING, None, {"run_id": run_id, **attributes})

    @repeated
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

    @repeated
    def fail(self, run_id: int, reason: str) -> None:
        """End the RUNNING trial of the run as FAIL, with the reason as an attribute."""
        for trial in self.of_run(run_id):
            if trial.state == TrialState.RUNNING:
                self._end(trial, TrialState.FAIL, None, {"ended": reason})

    @repeated
    def attach(self, number: int, path: Path) -> None:
        """Copy a file into the artifact folder and link it to a RUNNING trial."""
        with wrap_db_errors(self._url):
            trial = self._storage.get_trial(self._id_of(number))
        attach_file(self._url, self._storage, trial, path)

    @repeated
    def note(self, number: int, text: str) -> None:
        """Write the Markdown that the dashboard shows as a trial's note, in place of an earlier one."""
        with wrap_db_errors(self._url):
            save_note(optuna.Trial(self._study, self._id_of(number)), text)

    def delete_study(self) -> None:
        """Delete the Optuna study with all its trials."""
        with wrap_db_errors(self._url):
            optuna.delete_study(study_name=self._study.study_name, storage=self._storage)

    def close(self) -> None:
        """Release the connections."""
        self._storage.close()

    def _id_of(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def _create(self, state: TrialState, values: Sequence[float] | None, attributes: dict[str, Any]) -> int:
        """Create a trial whole; returns its number."""
        for tries_left in reversed(range(TRIES)):
            try:
                return self._try_to_create(state, values, attributes)
            except ValueError as error:  # another process has put a new value into a list of choices since we read it
                if isinstance(error, StorageError) or not tries_left:
                    raise
        raise AssertionError("the last try either returns or raises")

    def _try_to_create(self, state: TrialState, values: Sequence[float] | None, attributes: dict[str, Any]) -> int:
        parameters = parameters_of(attributes)
        with wrap_db_errors(self._url):
            trial = create_trial(
                state=state,
                values=values,
                params=parameters,
                distributions=distributions_for(self._storage, self._study_id, parameters),
                user_attrs=attributes,
            )
            trial_id = self._storage.create_new_trial(self._study_id, template_trial=trial)
            return self._storage.get_trial(trial_id).number

    def _set_attributes(self, trial: FrozenTrial, attributes: Mapping[str, Any]) -> None:
        with wrap_db_errors(self._url):
            for name, value in attributes.items():
                if trial.user_attrs.get(name, ...) != value:
                    self._storage.set_trial_user_attr(trial._trial_id, name, value)

    def _end(
        self, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None, attributes: Mapping[str, Any]
    ) -> bool:
        """End a trial, its attributes first, since a finished trial takes none; False where it has ended already."""
        with suppress(UpdateFinishedTrialError), wrap_db_errors(self._url):
            self._set_attributes(trial, attributes)
            return self._storage.set_trial_state_values(trial._trial_id, state, values)
        return False


def attach_file(url: StorageUrl, storage: BaseStorage, trial: FrozenTrial | Trial, path: Path) -> None:
    """Copy a file into the artifact folder and link it to a running trial, for the dashboard (``--artifact-dir``).

    Raises:
        StorageError: the file cannot be read or the copy cannot be written.
    """
    folder = url.artifact_folder
    try:
        path.open("rb").close()  # first: Optuna links before it reads, and a link to nothing would remain
        folder.mkdir(parents=True, exist_ok=True)
        with wrap_db_errors(url):
            upload_artifact(
                study_or_trial=trial,
                file_path=str(path),
                artifact_store=FileSystemArtifactStore(folder),
                storage=storage,
            )
    except OSError as error:
        raise StorageError(
            f"{path} could not be attached to trial {trial.number} ({error}). The run itself is stored; look at the "
            f"file and at the folder with: ls -ld {quoted(path)} {quoted(folder)}"
        ) from error
