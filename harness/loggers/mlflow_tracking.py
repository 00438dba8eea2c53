"""MLflow: an experiment for each study, a run for each run, in a file unless the user names a server."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from harness.loggers.protocol import LoggedRun
from harness.runs.provenance import flat

LONGEST = 500
"""Characters of a parameter that every MLflow store takes."""


class MlflowLogger:
    """Writes metrics and parameters through MLflow's client; a resumed run goes on in the same MLflow run."""

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
            self._client.log_param(self._id, name, str(value)[:LONGEST])

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Add a metric for each number."""
        now = int(time.time() * 1000)
        self._client.log_batch(
            self._id, [self._metric(name, float(value), now, env_steps) for name, value in values.items()]
        )

    def close(self) -> None:
        """Mark the MLflow run as finished."""
        self._client.set_terminated(self._id)
