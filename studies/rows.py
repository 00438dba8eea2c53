"""Plain records that go into a study and come out of it: keys, results, curve points, outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np


def _require_finite(record: Any, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(record, name)
        if not math.isfinite(value):
            raise ValueError(
                f"{type(record).__name__}: {name} is {value}, it must be a finite number (Optuna would mark the trial "
                f"failed); a run without such a number ends with RunRecord.fail(reason)"
            )


def finite_or_none(value: float | None) -> float | None:
    """Return a number as it is stored where it may be missing: JSON and PostgreSQL know no infinity."""
    return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True, kw_only=True)
class RunKey:
    """Identity of a run within its study."""

    algorithm: str
    """Registered id, for example ``k24``."""
    scenario: str
    """Registered id, for example ``terran_5_vs_5``."""
    seed: int
    """Seeds the world, the parameters and the exploration."""
    config_hash: str
    """Hash of the resolved configuration, so that a changed setting is another run."""

    def __str__(self) -> str:
        return f"{self.algorithm} on {self.scenario}, seed {self.seed}, config {self.config_hash}"


@dataclass(frozen=True, kw_only=True, slots=True)  # a report reads millions
class CurvePoint:
    """One greedy evaluation during training."""

    env_steps: int
    """Steps summed over all battles, before this evaluation."""
    win_rate: float
    """Wins / finished greedy episodes, 0..1."""
    return_mean: float
    """Mean undiscounted return of those episodes."""
    episodes: int
    """How many episodes were finished."""
    loss: float | None
    """Mean learner loss since the last point; ``None`` before the first update, and where it is not finite."""
    epsilon: float
    """Exploration rate of training at this point, 0..1."""
    wall_seconds: float
    """Seconds of work on this run so far, over all its sessions."""
    extra: dict[str, float] = field(default_factory=dict)
    """Further diagnostics by name, for example ``temperature`` or ``pattern_entropy``."""

    def __post_init__(self) -> None:
        _require_finite(self, ("win_rate", "return_mean", "epsilon", "wall_seconds"))
        object.__setattr__(self, "loss", finite_or_none(self.loss))


@dataclass(frozen=True, kw_only=True, slots=True)  # a report reads millions
class EpisodeOutcome:
    """Outcome of one episode of the final evaluation; a draw is none of won, lost, truncated and aborted."""

    slot: int
    """Which of the E battles side by side."""
    battle_id: int
    """How many battles the slot had started before this one."""
    won: bool
    """The enemies are gone and an ally lives."""
    lost: bool
    """The allies are gone and an enemy lives."""
    truncated: bool
    """The step limit cut it."""
    aborted: bool
    """The world broke down; counted neither as finished nor as won."""
    episode_return: float
    """Undiscounted sum of rewards."""
    length: int
    """env_steps."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """Result of a finished run, for the table and for Optuna.

    Raises:
        ValueError: a number is missing or outside its range, or the 2:4 speed-up is absent without a reason.
    """

    win_rate: float
    """Wins / finished greedy episodes of the final evaluation, 0..1; Optuna's first objective."""
    win_low: float
    """Lower end of its interval, 0..1."""
    win_high: float
    """Upper end of its interval, 0..1."""
    interval_kind: str
    """What the interval is, for example ``95% Wilson over battles``."""
    return_mean: float
    """Mean undiscounted return of the same episodes."""
    sparsity_masked: float
    """Zeros / entries of the prunable weights, 0..1; Optuna's second objective."""
    sparsity_model: float
    """Zeros / entries of the whole agent network, 0..1."""
    throughput: float
    """Agent decisions per second of the trained policy, read while others may have trained: never compared or shown.
    See ``TurnReading``."""
    throughput_batch: int
    """Agents decided for in one call while measuring."""
    throughput_dtype: str
    """Number format while measuring, for example ``float32``."""
    speedup_24: float | None
    """Dense seconds / compressed seconds of a whole greedy pass of the agent network, fp16, on sparse tensor cores;
    ``None`` where it was not measured."""
    speedup_24_reason: str
    """Why ``speedup_24`` is ``None``; empty otherwise."""
    env_steps: int
    """Steps of training, summed over all battles."""
    env_steps_per_second: float
    """Training speed: env_steps / seconds of work, evaluation included."""
    wall_seconds: float
    """Seconds of work on this run, over all its sessions."""
    device: str
    """Where it was trained and measured, for example ``cpu``."""
    episodes: int
    """Finished episodes of the final evaluation."""
    wins: int
    """Won among them."""
    aborted: int = 0
    """Episodes of the final evaluation that broke down; reported, not counted."""
    details: dict[str, Any] = field(default_factory=dict)
    """Further JSON-able findings, for example sparsity per layer, the timings behind the speed-up, and ``resumes``: how
    often training went on from a checkpoint with an empty replay."""

    def __post_init__(self) -> None:
        shares = ("win_rate", "win_low", "win_high", "sparsity_masked", "sparsity_model")
        _require_finite(self, (*shares, "return_mean", "throughput", "env_steps_per_second", "wall_seconds"))
        for name in shares:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"RunResult: {name} is {getattr(self, name)}, it is a share and must be within 0..1")
        if self.throughput <= 0.0:
            raise ValueError(f"RunResult: throughput is {self.throughput}, it must be above 0 decisions/s")
        if self.speedup_24 is None and not self.speedup_24_reason:
            raise ValueError("RunResult: speedup_24 is None, so speedup_24_reason must say why, e.g. 'no CUDA device'")
        if self.speedup_24 is not None and not (math.isfinite(self.speedup_24) and self.speedup_24 > 0.0):
            raise ValueError(f"RunResult: speedup_24 is {self.speedup_24}, it must be a finite factor above 0, or None")


@dataclass(frozen=True, kw_only=True)
class TurnReading:
    """Agent decisions per second of one policy, measured in turn with the others of its session."""

    session: str
    """Readings of two sessions are not compared."""
    measured: float
    """Seconds since 1970 (UTC)."""
    decisions_per_second: float
    """Median over rounds."""
    low: float
    """Lower quartile."""
    high: float
    """Upper quartile."""
    rounds: int
    batch: int
    """Agents decided for in one call."""
    dtype: str
    device: str
    machine: str
    """Processor and threads, or the card."""
    load: float
    """Cores that other processes kept busy meanwhile."""
    quiet: bool
    """Whether that was little enough to compare the reading."""


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A run in the database, with or without a result."""

    run_id: int
    """Primary key in ``k24_runs``."""
    algorithm: str
    scenario: str
    seed: int
    config_hash: str
    config: dict[str, Any]
    """The resolved configuration."""
    provenance: dict[str, Any]
    """Code, versions and machine of its newest session; empty where none has begun."""


@dataclass(frozen=True, kw_only=True)
class RunRow(StoredRun, RunResult):
    """A finished run as tables and reports read it: its key, its record numbers, its result."""

    trial_number: int
    """Optuna's number of the trial within the study."""
    study: str
    """Name of the Optuna study."""
    in_turn: TurnReading | None = None
    """How fast its policy decides; ``None``: not measured yet."""


@dataclass(frozen=True, kw_only=True)
class UnfinishedRun(StoredRun):
    """A run that has no result yet."""

    state: str
    """``queued``, ``running``, ``interrupted`` or ``failed``."""
    error: str
    """What it failed with; empty where it did not."""


def key_of(run: Any) -> RunKey:
    """Return the key of a run in its study; a run is any record with the four fields."""
    return RunKey(algorithm=run.algorithm, scenario=run.scenario, seed=run.seed, config_hash=run.config_hash)


RESULT_FIELDS = tuple(f.name for f in fields(RunResult))
TURN_FIELDS = tuple(f.name for f in fields(TurnReading))


def common_points(seeds: Sequence[Sequence[CurvePoint]], measure: str = "win_rate") -> tuple[np.ndarray, np.ndarray]:
    """env_steps (P,) that every seed was evaluated at, and win rates or another measure (seeds, P) there."""
    by_step = [{point.env_steps: getattr(point, measure) for point in curve} for curve in seeds]
    steps = sorted(set.intersection(*(set(points) for points in by_step)))
    return np.array(steps), np.array([[points[step] for step in steps] for points in by_step])
