"""The loggers that come with the harness: CSV, TensorBoard, Weights & Biases, MLflow."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from harness.loggers.registry import LoggedRun
from harness.runs.provenance import flat

CSV_NAME = "log.csv"
CSV_HEAD = ["env_steps", "name", "value"]


class CsvLogger:
    """Appends a line for each number to ``log.csv``, so that columns never change while it grows.

    Every call is flushed, so the file can be followed with ``tail -f``.
    """

    def __init__(self, run: LoggedRun) -> None:
        run.folder.mkdir(parents=True, exist_ok=True)
        path = run.folder / CSV_NAME
        kept = _rows_until(path, run.start) if run.start and path.exists() else []
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerows([CSV_HEAD, *kept])
        self._file.flush()

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Append a line for each number."""
        self._writer.writerows([env_steps, name, repr(float(value))] for name, value in values.items())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows_until(path: Path, env_steps: int) -> list[list[str]]:
    """The whole lines of earlier sessions up to where this one begins; a kill may have cut the last line."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(CSV_HEAD) and row[0].isdigit()]
    return [row for row in rows if int(row[0]) <= env_steps]


class TensorBoardLogger:
    """Writes scalars, and the settings as text, into a folder for each run below one for the study.

    ``tensorboard --logdir runs/STUDY/tensorboard`` shows all runs.
    """

    def __init__(self, run: LoggedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder = run.folder.parent / "tensorboard" / run.name
        # purge_step: what a killed session logged beyond its last checkpoint is not shown
        self._writer = SummaryWriter(str(folder), purge_step=run.start + 1 if run.start else 0, flush_secs=10)
        self._writer.add_text("settings", f"```\n{json.dumps(run.config, indent=1, default=str)}\n```", run.start)

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Add a scalar for each number."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, env_steps)

    def close(self) -> None:
        """Write what is buffered."""
        self._writer.close()


class WandbLogger:
    """One W&B run for each session; the sessions of a resumed run share a group.

    It is offline unless the user says otherwise: nothing leaves the machine without ``wandb sync``, or
    ``WANDB_MODE=online``, which uploads at once. The project is the study's name (``WANDB_PROJECT`` overrides it).
    """

    def __init__(self, run: LoggedRun) -> None:
        import wandb

        run.folder.mkdir(parents=True, exist_ok=True)
        session = f"-from-{run.start}" if run.start else ""
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", run.study),
            name=f"{run.name}{session}",
            group=run.name,
            tags=[run.algorithm, run.scenario],
            config=dict(run.config) | {"seed": run.seed},
            dir=str(run.folder.parent),
            mode=os.environ.get("WANDB_MODE", "offline"),  # type: ignore[arg-type]  # W&B checks the word itself
            reinit="create_new",  # a comparison trains several runs in one process
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._run.define_metric("*", step_metric="env_steps")

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Add a row to the history, with ``env_steps`` as its axis."""
        self._run.log({**values, "env_steps": env_steps})

    def close(self) -> None:
        """End the W&B run."""
        self._run.finish()


LONGEST_PARAMETER = 500
"""Characters of a parameter that every MLflow store takes."""


class MlflowLogger:
    """Writes metrics and parameters through MLflow's client, into a file unless the user names a server.

    Each study is an experiment, and each run a run, in which it goes on when it is resumed.
    """

    def __init__(self, run: LoggedRun) -> None:
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        run.folder.parent.mkdir(parents=True, exist_ok=True)
        address = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{(run.folder.parent / 'mlflow.db').absolute()}")
        self._metric, self._client = Metric, MlflowClient(address)
        found = self._client.get_experiment_by_name(run.study)
        experiment = found.experiment_id if found else self._client.create_experiment(run.study)
        earlier = self._client.search_runs([experiment], filter_string=f"tags.k24_run = '{run.name}'")
        if earlier and run.start:
            self._id = earlier[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
            return
        self._id = self._client.create_run(experiment, tags={"k24_run": run.name}, run_name=run.name).info.run_id
        for name, value in flat(run.config).items():
            self._client.log_param(self._id, name, str(value)[:LONGEST_PARAMETER])

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Add a metric for each number."""
        now = int(time.time() * 1000)
        self._client.log_batch(
            self._id, [self._metric(name, float(value), now, env_steps) for name, value in values.items()]
        )

    def close(self) -> None:
        """Mark the MLflow run as finished."""
        self._client.set_terminated(self._id)
