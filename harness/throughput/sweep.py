"""Measure a grid point after point, for the policies of its subjects; each result is kept at once."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import algorithms.registry
import envs.registry
from algorithms.protocol import PolicyLayers
from harness.cli.common import log
from harness.cli.errors import UsageError
from harness.cli.overrides import Setting, resolve_config, resolve_env
from harness.cli.progress import LINE_INTERVAL
from harness.policies.trained import LoadedPolicy
from harness.throughput.compare_kernels import DeviceLost, TimingContext, still_alive, timing_context
from harness.throughput.grid_point import PolicyMeasurement, measure_peak
from harness.throughput.kernels import all_backends, first_line
from harness.throughput.record import Record
from harness.throughput.results import CellResult, Key
from studies.db.errors import StorageError

DTYPES = {name: getattr(torch, name) for name in ("float16", "bfloat16", "float32")}
SECONDS = 0.06
"""For the rounds of one comparison, beside the least number of rounds."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is to be measured, checked."""

    subjects: tuple[Subject, ...]
    device: torch.device
    batches: tuple[int, ...]
    dtypes: tuple[str, ...]
    out: Path | None
    plot: Path | None
    json: bool
    deadline: float
    """``time.perf_counter`` after which no cell is begun"""

    def cells(self) -> list[Key]:
        """Every cell."""
        return [
            Key(subject.label, hidden, batch, dtype)
            for subject in self.subjects
            for hidden in subject.hidden_sizes
            for dtype in self.dtypes
            for batch in self.batches
        ]


def measure(console: Console, grid: Grid, record: Record) -> str:
    """Fill the record with the cells that it lacks, saving each; returns why some are missing, or nothing.

    What was measured is in the record even where it could not be saved.
    """
    try:
        return _fill(console, grid, record)
    except StorageError as unsaved:
        return str(unsaved)


def _fill(console: Console, grid: Grid, record: Record) -> str:
    again = "The same command goes on with the next cell" if grid.out else "With --out FILE.json it could go on later"
    at = timing_context(grid.device, seconds=SECONDS)
    at.recorder.refused.update(record.graphs_refused)
    wanted = set(grid.cells())
    with _GridProgress(console, len(wanted), silent=grid.json) as shown:
        try:
            shown.at(len(record.done() & wanted))
            for cell in cells(grid, record, at):
                record.cells.append(cell)
                record.graphs_refused = dict(at.recorder.refused)
                _save(grid, record)
                shown.at(len(record.done() & wanted))
        except DeviceLost as lost:
            _save(grid, record)
            return f"{lost}. {again}"
    missing = len(wanted - record.done())
    return f"{missing} cells are missing, the time was up. {again}" if missing else ""


def cells(grid: Grid, record: Record, at: TimingContext) -> Iterator[CellResult]:
    """Every cell that the record lacks; the peak of each dtype is measured before the first of them.

    Raises:
        DeviceLost: a kernel broke the device; the cell that it happened in is in the record, with the reason.
    """
    cache, missing = PolicyCache(grid, at), [key for key in grid.cells() if key not in record.done()]
    for dtype in dict.fromkeys(key.dtype for key in missing if key.dtype not in record.peaks):
        record.peaks[dtype] = measure_peak(DTYPES[dtype], cache.backends, at)
    for key in missing:
        if time.perf_counter() > grid.deadline:
            return
        if key in record.done():  # meanwhile, by another command that fills the same file
            continue
        try:
            yield replace(cache.prepared(key).measure(key.batch), subject=key.subject)
        except RuntimeError as error:  # memory, above all
            problem = CellResult(**key._asdict(), rows=0, slices=0, problem=first_line(error))
            try:
                still_alive(grid.device, first_line(error))
            except DeviceLost:
                record.cells.append(problem)  # or the next start would break the device in it again
                raise
            yield problem


class PolicyCache:
    """Makes what a cell needs, and keeps the last of each: cells come in the order of policy and dtype."""

    def __init__(self, grid: Grid, at: TimingContext) -> None:
        self._subjects = {subject.label: subject for subject in grid.subjects}
        self._at = at
        self.backends = all_backends()
        self._policy: tuple[tuple[str, int], PolicyLayers] | None = None
        self._bench: tuple[tuple[str, int, str], PolicyMeasurement] | None = None

    def prepared(self, key: Key) -> PolicyMeasurement:
        """The policy of a subject and hidden size, compressed in a dtype."""
        wanted, policy = (key.subject, key.hidden, key.dtype), (key.subject, key.hidden)
        if self._bench is not None and self._bench[0] == wanted:
            return self._bench[1]
        self._bench = None  # its weights must be gone before the next ones are made
        subject = self._subjects[key.subject]
        if self._policy is None or self._policy[0] != policy:
            self._policy = None
            self._policy = policy, subject.build(key.hidden, str(self._at.device))
        made = PolicyMeasurement(
            self._policy[1], DTYPES[key.dtype], self.backends, self._at, both_grus=subject.both_grus
        )
        self._bench = wanted, made
        return made


class _GridProgress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, total: int, *, silent: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} cells"))
        hidden = silent or not console.is_terminal
        self._bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden)
        self._task = self._bar.add_task("measuring", total=total)
        self._console, self._total, self._lines = console, total, hidden and not silent
        self._last = time.perf_counter()

    def at(self, done: int) -> None:
        """So many cells are there."""
        self._bar.update(self._task, completed=done)
        if self._lines and time.perf_counter() - self._last >= LINE_INTERVAL:
            self._last = time.perf_counter()
            log(self._console, f"{done}/{self._total} cells")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bar.stop()


def _save(grid: Grid, record: Record) -> None:
    if grid.out:
        record.save(grid.out)


HIDDEN_FIELD, GRU_FIELD = "rnn_hidden_dim", "mask_gru"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A policy, or one for each hidden size."""

    label: str
    """algorithm and scenario, and how it was trained"""
    hidden_sizes: tuple[int, ...]
    build: Callable[[int, str], PolicyLayers]
    """(hidden size, device) -> the policy's tensors"""
    both_grus: bool
    """whether the agent is measured with a dense GRU as well; a trained one is what it is"""


def fresh(algorithm: str, scenario: str, settings: Sequence[Setting], hidden_sizes: Sequence[int]) -> Subject:
    """A policy as it is before its first update, its GRU masked where the algorithm can do so.

    Args:
        algorithm: registered id.
        scenario: registered id; it decides widths and the number of mask groups.
        settings: every ``--set``.
        hidden_sizes: H; none: the algorithm's default.

    Raises:
        UsageError: a setting that cannot be, or an algorithm without hidden sizes or without layers to look at.
    """
    config_class = algorithms.registry.config_class(algorithm)
    fields: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(config_class)}
    if HIDDEN_FIELD not in fields:
        raise UsageError(f"--algo {algorithm} has no setting {HIDDEN_FIELD}, so it cannot be made in any hidden size")
    if any((setting.target, setting.key) == (algorithm, HIDDEN_FIELD) for setting in settings):
        raise UsageError(
            f"--set {algorithm}.{HIDDEN_FIELD}: hidden sizes are named by --hidden, such as --hidden 64,256"
        )
    options, _ = resolve_env(scenario, settings)
    spec = envs.registry.make(scenario, 1, seed=0, **vars_of(options)).spec

    def build(hidden: int, device: str) -> PolicyLayers:
        overrides = {"here": {HIDDEN_FIELD: hidden, GRU_FIELD: True}}
        config, _ = resolve_config(algorithm, config_class, settings, overrides)
        made = algorithms.registry.make(algorithm, spec, config, total_env_steps=1, seed=0, device=device)
        return _layers_of(made, f"--algo {algorithm}")

    return Subject(
        label=", ".join(
            [f"{algorithm} on {scenario}", *(f"{each.target}.{each.key}={each.text}" for each in settings), "fresh"]
        ),
        hidden_sizes=tuple(hidden_sizes) or (int(fields[HIDDEN_FIELD]),),
        build=build,
        both_grus=True,
    )


def trained(run: LoadedPolicy) -> Subject:
    """A policy as its checkpoint left it.

    Args:
        run: what ``harness.policies.trained.load_policy`` gave.

    Raises:
        UsageError: it does not fit this program, or has no layers to look at.
    """
    env = run.world(seed=0)
    layers = _layers_of(run.policy(env, "cpu"), f"--run {run.path}")

    def build(hidden: int, device: str) -> PolicyLayers:
        return _layers_of(run.policy(env, device), f"--run {run.path}")

    return Subject(
        label=f"{run.label} on {run.scenario}",
        hidden_sizes=(layers.gru[1].weight.shape[1],),
        build=build,
        both_grus=False,
    )


def vars_of(options: Any) -> dict[str, Any]:
    """A world's options as keywords."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def _layers_of(made: Any, flag: str) -> PolicyLayers:
    layers: PolicyLayers | None = made.policy_layers()
    if layers is None:
        raise UsageError(f"{flag}: this algorithm does not give its policy layer by layer; k24, qmix and kalei do")
    return layers
