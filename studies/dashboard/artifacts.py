"""Files shown with a trial in the dashboard (``--artifact-dir``)."""

from __future__ import annotations

from pathlib import Path

from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial

from common.errors import quoted
from studies.db.driver_errors import wrap_db_errors
from studies.db.errors import StorageError
from studies.db.storage_url import StorageUrl


def attach_file(url: StorageUrl, storage: BaseStorage, trial: FrozenTrial | Trial, path: Path) -> None:
    """Copy a file into the artifact folder and link it to a running trial.

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
