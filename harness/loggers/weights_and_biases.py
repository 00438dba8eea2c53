"""Weights & Biases, offline unless the user says otherwise: nothing leaves the machine without ``wandb sync``."""

from __future__ import annotations

import os
from collections.abc import Mapping

from harness.loggers.protocol import LoggedRun


class WandbLogger:
    """One W&B run for each session; the sessions of a resumed run share a group.

    The project is the study's name (``WANDB_PROJECT`` overrides it). ``WANDB_MODE=online`` uploads at once.
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
