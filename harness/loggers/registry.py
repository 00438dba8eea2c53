"""Loggers by name, ``--log tensorboard,csv``: what each is given, and what it has to do."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from common.registry import Registry, UnknownIdError, load
from harness.cli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """The run that a logger follows."""

    name: str
    """Unique within the study, for example ``k24-terran_5_vs_5-seed0-0123456789ab``."""
    study: str
    algorithm: str
    scenario: str
    seed: int
    config: Mapping[str, Any]
    """Every setting that decides the result."""
    folder: Path
    """Of this run alone, with its checkpoint."""
    start: int
    """env_steps at which this session begins; entries of an earlier session beyond it are out of date."""


class Logger(Protocol):
    """Receives the numbers of one run; made by ``module:class`` called with a ``LoggedRun``."""

    def log(self, env_steps: int, values: Mapping[str, float]) -> None:
        """Store some numbers.

        Args:
            env_steps: steps summed over all battles; never falls within a session.
            values: name -> finite number; names are grouped by a slash, such as ``eval/win_rate``.
        """

    def close(self) -> None:
        """Write what is buffered and release the files."""


@dataclass(frozen=True, kw_only=True)
class LoggerEntry:
    """One registered logger."""

    entry_point: str
    """``module:class``, called with a ``LoggedRun``."""
    summary: str
    """One line for ``--help`` and the docs."""
    package: str = ""
    """The package that it needs, as imported; empty: none."""
    install: str = ""
    """What to give to pip to have it."""


_registry: Registry[LoggerEntry] = Registry("logger", hint="harness.loggers.register_logger(...) and --import FILE")


def register_logger(id: str, *, entry_point: str, summary: str, package: str = "", install: str = "") -> None:
    """Add a logger under a new name; the arguments are the fields of ``LoggerEntry``.

    Raises:
        ValueError: the name is taken, or the entry point is not of the form ``module:class``.
    """
    if not all(entry_point.partition(":")):
        raise ValueError(f"entry_point of {id!r} is {entry_point!r}, it must be 'module:class', e.g. 'mine:MyLogger'")
    entry = LoggerEntry(entry_point=entry_point, summary=summary, package=package, install=install or package)
    _registry.register(id, entry)


def summaries() -> dict[str, str]:
    """Name -> its line for ``--help``."""
    return {id: _registry.get(id).summary for id in _registry}


def check_loggers(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once.

    Raises:
        UsageError: an unknown name, or the package that a logger needs is not installed.
    """
    chosen = tuple(dict.fromkeys(names))
    for name in chosen:
        try:
            entry = _registry.get(name)
        except UnknownIdError as error:
            raise UsageError(f"--log: {error}") from error
        if entry.package and importlib.util.find_spec(entry.package) is None:
            raise UsageError(
                f"--log {name} needs the package {entry.package}, which is not installed. "
                f"Type: pip install {entry.install}; or log to a file: --log csv"
            )
    return chosen


def open_logger(name: str, run: LoggedRun) -> Logger:
    """Make a logger for a run; ``name`` has passed ``check_loggers``."""
    logger: Logger = load(_registry.get(name).entry_point)(run)
    return logger


register_logger(
    "csv",
    entry_point="harness.loggers.built_in:CsvLogger",
    summary="log.csv in the run's folder: env_steps, name, value",
)
register_logger(
    "tensorboard",
    entry_point="harness.loggers.built_in:TensorBoardLogger",
    summary="event files; tensorboard --logdir runs/STUDY/tensorboard",
    package="tensorboard",
)
register_logger(
    "wandb",
    entry_point="harness.loggers.built_in:WandbLogger",
    summary="Weights & Biases, offline unless WANDB_MODE says otherwise; wandb sync uploads it",
    package="wandb",
)
register_logger(
    "mlflow",
    entry_point="harness.loggers.built_in:MlflowLogger",
    summary="MLflow, in runs/STUDY/mlflow.db unless MLFLOW_TRACKING_URI names a server",
    package="mlflow",
    install="mlflow-skinny sqlalchemy",
)
