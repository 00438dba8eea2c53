"""Files shown with a trial in the dashboard (``--artifact-dir``), kept in ``artifacts`` next to the database."""

from __future__ import annotations

from pathlib import Path

from studies.errors import StorageError
from studies.trials import Trials


def artifact_folder(database: Path) -> Path:
    """Where the files lie, for ``optuna-dashboard sqlite:///… --artifact-dir FOLDER``."""
    return database.parent / "artifacts"


def attach_file(trials: Trials, database: Path, trial_number: int, path: Path) -> None:
    """Copy a file into the artifact folder and link it to a running trial.

    Raises:
        StorageError: the file cannot be read or the copy cannot be written.
    """
    folder = artifact_folder(database)
    try:
        path.open("rb").close()  # first: Optuna links before it reads, and a link to nothing would remain
        folder.mkdir(parents=True, exist_ok=True)
        trials.upload(trial_number, path, folder)
    except OSError as error:
        raise StorageError(
            f"{path} could not be attached to trial {trial_number} ({error}). The run itself is stored; look at the "
            f"file and at the folder with: ls -ld {path} {folder}"
        ) from error
