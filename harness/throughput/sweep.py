"""Measure a grid of policies, hidden sizes, dtypes and batches, point after point; each result is saved at once."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import TimeRemainingColumn

import algorithms.registry
import envs.registry
from algorithms.protocol import PolicyLayers
from harness.cli.console import log
from harness.cli.errors import UsageError
from harness.cli.overrides import Setting, resolve_config, resolve_env
from harness.cli.progress import LINE_INTERVAL, make_bar
from harness.policies.trained import PolicyFile
from harness.results.grouping import DIGITS
from harness.runs.provenance import config_hash
from harness.speed.compare_kernels import DeviceLost, still_alive
from harness.speed.grid_point import PolicyMeasurement, measure_peak
from harness.speed.kernels import all_backends, first_line
from harness.speed.record import Record
from harness.speed.results import GridPoint, GridPointResult
from harness.speed.timing import TimingContext
from studies.db.errors import StorageError

DTYPES = {name: getattr(torch, name) for name in ("float16", "bfloat16", "float32")}
SECONDS = 0.06
"""Duration of the rounds of one comparison, beside the least number of rounds."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A checked command line: the grid, the device and the files."""

    policies: tuple[PolicySource, ...]
    device: torch.device
    batches: tuple[int, ...]
    dtypes: tuple[str, ...]
    out: Path | None
    plot: Path | None
    json: bool
    deadline: float
    """``time.perf_counter`` after which no grid point is begun"""

    def points(self) -> list[GridPoint]:
        """Return every grid point, in the order of measuring."""
        return [
            GridPoint(policy.label, hidden, batch, dtype)
            for policy in self.policies
            for hidden in policy.hidden_sizes
            for dtype in self.dtypes
            for batch in self.batches
        ]


def measure(console: Console, grid: Grid, record: Record) -> str:
    """Measure the grid points that the record lacks, saving each; return why some are missing, or an empty text.

    The record holds every result, even one that could not be saved.
    """
    try:
        return _fill(console, grid, record)
    except StorageError as unsaved:
        return str(unsaved)


def _fill(console: Console, grid: Grid, record: Record) -> str:
    again = (
        "The same command goes on with the next grid point" if grid.out else "With --out FILE.json it could go on later"
    )
    context = TimingContext(grid.device, seconds=SECONDS)
    context.graphs_refused.update(record.graphs_refused)
    points = set(grid.points())
    with _grid_progress(console, len(points), silent=grid.json) as show:
        try:
            show(len(record.done() & points))
            for result in measure_missing(grid, record, context):
                record.results.append(result)
                record.graphs_refused = dict(context.graphs_refused)
                _save(grid, record)
                show(len(record.done() & points))
        except DeviceLost as lost:
            _save(grid, record)
            return f"{lost}. {again}"
    missing = len(points - record.done())
    return f"{missing} grid points are missing, the time was up. {again}" if missing else ""


def measure_missing(grid: Grid, record: Record, context: TimingContext) -> Iterator[GridPointResult]:
    """Measure every grid point that the record lacks; the peak of each dtype is measured before the first of them.

    Raises:
        DeviceLost: a kernel broke the device; the record holds the grid point where it happened, with the reason.
    """
    cache, missing = PolicyCache(grid, context), [point for point in grid.points() if point not in record.done()]
    for dtype in dict.fromkeys(point.dtype for point in missing if point.dtype not in record.peaks):
        record.peaks[dtype] = measure_peak(DTYPES[dtype], cache.backends, context)
    for point in missing:
        if time.perf_counter() > grid.deadline:
            return
        if point in record.done():  # by now, through another command that fills the same file
            continue
        try:
            yield replace(cache.prepare(point).measure(point.batch), policy_label=point.policy_label)
        except RuntimeError as error:  # memory, above all
            problem = GridPointResult(**point._asdict(), rows=0, slices=0, problem=first_line(error))
            try:
                still_alive(grid.device, first_line(error))
            except DeviceLost:
                record.results.append(problem)  # or the next start would break the device there again
                raise
            yield problem


class PolicyCache:
    """Builds and compresses policies, and keeps the last of each: grid points come in the order of policy and dtype."""

    def __init__(self, grid: Grid, context: TimingContext) -> None:
        self._sources = {source.label: source for source in grid.policies}
        self._context = context
        self.backends = all_backends()
        self._policy: tuple[tuple[str, int], PolicyLayers] | None = None
        self._measurement: tuple[tuple[str, int, str], PolicyMeasurement] | None = None

    def prepare(self, point: GridPoint) -> PolicyMeasurement:
        """Return the policy of a grid point, compressed in its dtype."""
        policy_key = point.policy_label, point.hidden
        key = *policy_key, point.dtype
        if self._measurement is not None and self._measurement[0] == key:
            return self._measurement[1]
        self._measurement = None  # its weights must be gone before the next ones are made
        source = self._sources[point.policy_label]
        if self._policy is None or self._policy[0] != policy_key:
            self._policy = None
            self._policy = policy_key, source.build(point.hidden, str(self._context.device))
        made = PolicyMeasurement(
            self._policy[1], DTYPES[point.dtype], self.backends, self._context, both_grus=source.both_grus
        )
        self._measurement = key, made
        return made


@contextmanager
def _grid_progress(console: Console, total: int, *, silent: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, periodic lines elsewhere; call what it yields with the number of grid points done."""
    last, done = time.perf_counter(), "{task.completed}/{task.total} grid points"
    with make_bar(console, done, TimeRemainingColumn(), silent=silent) as bar:
        task = bar.add_task("measuring", total=total)

        def update(done: int) -> None:
            nonlocal last
            bar.update(task, completed=done)
            if bar.disable and not silent and time.perf_counter() - last >= LINE_INTERVAL:
                last = time.perf_counter()
                log(console, f"{done}/{total} grid points")

        yield update


def _save(grid: Grid, record: Record) -> None:
    if grid.out:
        record.save(grid.out)


HIDDEN_FIELD, GRU_FIELD = "rnn_hidden_dim", "mask_gru"


@dataclass(frozen=True, kw_only=True)
class PolicySource:
    """Builds the policy to be measured, in each of its hidden sizes."""

    label: str
    """algorithm and scenario, and how the policy was trained"""
    hidden_sizes: tuple[int, ...]
    build: Callable[[int, str], PolicyLayers]
    """(hidden size, device) -> the policy's tensors"""
    both_grus: bool
    """whether the agent is measured with a dense GRU as well; not for a trained policy"""


def fresh_policy(
    algorithm: str, scenario: str, settings: Sequence[Setting], hidden_sizes: Sequence[int]
) -> PolicySource:
    """Return a source of policies before their first update, the GRU masked where the algorithm can do so.

    Args:
        algorithm: registered id.
        scenario: registered id; it decides widths and the number of mask groups.
        settings: every ``--set``.
        hidden_sizes: H; none: the algorithm's default.

    Raises:
        UsageError: an impossible setting, or an algorithm without hidden sizes or without layers to measure.
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
    spec = envs.registry.make(scenario, 1, seed=0, **dataclasses.asdict(options)).spec

    def build(hidden: int, device: str) -> PolicyLayers:
        overrides = {"here": {HIDDEN_FIELD: hidden, GRU_FIELD: True}}
        config, _ = resolve_config(algorithm, config_class, settings, overrides)
        made = algorithms.registry.make(algorithm, spec, config, total_env_steps=1, seed=0, device=device)
        return _layers_of(made, f"--algo {algorithm}")

    return PolicySource(
        label=", ".join(
            [f"{algorithm} on {scenario}", *(f"{each.target}.{each.key}={each.text}" for each in settings), "fresh"]
        ),
        hidden_sizes=tuple(hidden_sizes) or (int(fields[HIDDEN_FIELD]),),
        build=build,
        both_grus=True,
    )


def trained_policy(run: PolicyFile) -> PolicySource:
    """Return the source of a trained policy, as its checkpoint holds it.

    Args:
        run: as ``harness.policies.trained.read_policy_file`` returns it.

    Raises:
        UsageError: it does not fit this program, or has no layers to measure.
    """
    env = run.world(seed=0)

    def build(hidden: int, device: str) -> PolicyLayers:
        return _layers_of(run.policy(env, device), f"--run {run.path}")

    hidden = build(0, "cpu").gru[1].weight.shape[1]
    # a policy of other settings, such as an unmasked GRU, is another one in the file of results
    digest = config_hash(run.content["identity"]["algorithm"])[:DIGITS]
    label = f"{run.label} on {run.scenario}, settings {digest}"
    return PolicySource(label=label, hidden_sizes=(hidden,), build=build, both_grus=False)


def _layers_of(made: Any, flag: str) -> PolicyLayers:
    layers: PolicyLayers | None = made.policy_layers()
    if layers is None:
        raise UsageError(
            f"{flag}: this algorithm does not give its policy layer by layer, so it cannot be measured here. Choose "
            "one that does, such as the default of --algo"
        )
    return layers
