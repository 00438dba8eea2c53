"""The loggers of one run together: what they are given, and what happens when one of them fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from common.errors import describe
from harness.loggers.registry import LoggedRun, Logger, open_logger
from studies.rows import CurvePoint, RunResult

LOG_EVERY = 1_000
"""env_steps between two entries of training itself; evaluations are logged when they are made."""
FINAL = ("win_rate", "win_low", "win_high", "return_mean", "sparsity_masked", "sparsity_model", "throughput",
         "speedup_24", "env_steps_per_second", "wall_seconds")  # fmt: skip
"""Fields of the result that are logged at the end."""
_OF_EVALUATION = ("win_rate", "return_mean", "episodes")


class RunLog:
    """Hands the numbers of a run to all of its loggers.

    A logger that fails (a full disk, a server that is gone) is dropped with a message: the run and its stored result
    matter more than a second view of it.

    Args:
        names: of loggers, as ``check_loggers`` returns them; none: nothing is logged.
        run: which run; ``None``: nothing is logged.
        warn: shows a line to the user.
    """

    def __init__(self, names: Sequence[str], run: LoggedRun | None, warn: Callable[[str], None]) -> None:
        self._warn, self._next = warn, run.start if run else 0
        self._loggers: dict[str, Logger] = {}
        if run is None:
            return
        for name in names:
            try:
                self._loggers[name] = open_logger(name, run)
            except Exception as error:  # whatever a logger of somebody else raises
                self._drop(name, error)

    @classmethod
    def off(cls) -> RunLog:
        """Return a log without loggers."""
        return cls((), None, lambda line: None)

    def is_due(self, env_steps: int) -> bool:
        """Whether it is time for another entry of training."""
        return bool(self._loggers) and env_steps >= self._next

    def training(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Log how training goes; the next entry is due ``LOG_EVERY`` env_steps later."""
        self._next = env_steps + LOG_EVERY
        self._log(env_steps, {f"train/{name}": value for name, value in values.items()})

    def evaluated(self, point: CurvePoint) -> None:
        """Log a point of the learning curve, with the learner's diagnostics."""
        values = {f"eval/{name}": getattr(point, name) for name in _OF_EVALUATION}
        values |= {f"learner/{name}": value for name, value in point.extra.items()}
        values |= {"train/epsilon": point.epsilon, "time/wall_seconds": point.wall_seconds}
        if point.loss is not None:
            values["train/loss"] = point.loss
        self._log(point.env_steps, values)

    def finished(self, result: RunResult) -> None:
        """Log the final evaluation; what was not measured is left out."""
        found = asdict(result)
        self._log(result.env_steps, {f"final/{name}": found[name] for name in FINAL if found[name] is not None})

    def close(self) -> None:
        """Close every logger."""
        self._each(lambda logger: logger.close())
        self._loggers.clear()

    def _log(self, env_steps: int, values: Mapping[str, float]) -> None:
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        self._each(lambda logger: logger.log(env_steps, finite))

    def _each(self, call: Callable[[Logger], None]) -> None:
        for name, logger in list(self._loggers.items()):
            try:
                call(logger)
            except Exception as error:
                self._drop(name, error)

    def _drop(self, name: str, error: Exception) -> None:
        self._loggers.pop(name, None)
        self._warn(f"--log {name} stopped ({describe(error)}); the run goes on without it")
