"""Search spaces: ranges and choices of settings, as data that can be stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers between two ends, both included.

    Raises:
        ValueError: the ends are the wrong way round, or a logarithmic range touches 0.
    """

    low: float
    """Least value; the kind of number (int or float) is that of the setting."""
    high: float
    """Greatest value."""
    log: bool = False
    """Whether to draw evenly in the logarithm."""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a range goes from {self.low} to {self.high}; its first end must be the lower one")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range starts at {self.low}; it must start above 0")

    def suggest(self, trial: Any, name: str) -> Any:
        """Draw a value for an ``optuna.Trial``."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def __str__(self) -> str:
        return f"{self.low:g} … {self.high:g}{' (log)' if self.log else ''}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a few values."""

    values: tuple[Any, ...]
    """Numbers, booleans or texts."""

    def suggest(self, trial: Any, name: str) -> Any:
        """Draw a value for an ``optuna.Trial``."""
        return trial.suggest_categorical(name, self.values)

    def __str__(self) -> str:
        return " | ".join(map(str, self.values))


Space = dict[str, Range | Choice]
"""Field of an algorithm's config -> what it may be."""


def suggest(space: Space, trial: Any) -> dict[str, Any]:
    """Draw a value of each setting for an ``optuna.Trial``."""
    return {name: allowed.suggest(trial, name) for name, allowed in space.items()}


def to_json(space: Space) -> dict[str, Any]:
    """The space as plain data."""
    return {name: asdict(allowed) for name, allowed in space.items()}


def from_json(plain: dict[str, Any]) -> Space:
    """The space again."""
    return {
        name: Choice(values=tuple(entry["values"])) if "values" in entry else Range(**entry)
        for name, entry in plain.items()
    }
