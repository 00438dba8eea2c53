"""TensorBoard event files, a folder for each run below one folder for the study."""

from __future__ import annotations

import json
from collections.abc import Mapping

from harness.loggers.protocol import LoggedRun


class TensorBoardLogger:
    """Writes scalars, and the settings as text; ``tensorboard --logdir runs/STUDY/tensorboard`` shows all runs."""

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
