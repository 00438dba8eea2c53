"""Interface of a logger and the data that it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


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
