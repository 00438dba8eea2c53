"""The grid, cell after cell: what is missing is measured, kept at once, and shown while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from algorithms.protocol import PolicyLayers
from harness.cli.common import log
from harness.cli.progress import LINE_INTERVAL
from harness.throughput.backends import all_backends, first_line
from harness.throughput.cell import PolicyBench
from harness.throughput.peak import measure_peak
from harness.throughput.race import Bench, DeviceLost, bench, still_alive
from harness.throughput.record import Record
from harness.throughput.results import CellResult, Key
from harness.throughput.subject import Subject
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
    at = bench(grid.device, seconds=SECONDS)
    at.recorder.refused.update(record.graphs_refused)
    wanted = set(grid.cells())
    with _Shown(console, len(wanted), silent=grid.json) as shown:
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


def cells(grid: Grid, record: Record, at: Bench) -> Iterator[CellResult]:
    """Every cell that the record lacks; the peak of each dtype is measured before the first of them.

    Raises:
        DeviceLost: a kernel broke the device; the cell that it happened in is in the record, with the reason.
    """
    shop, missing = Workshop(grid, at), [key for key in grid.cells() if key not in record.done()]
    for dtype in dict.fromkeys(key.dtype for key in missing if key.dtype not in record.peaks):
        record.peaks[dtype] = measure_peak(DTYPES[dtype], shop.backends, at)
    for key in missing:
        if time.perf_counter() > grid.deadline:
            return
        if key in record.done():  # meanwhile, by another command that fills the same file
            continue
        try:
            yield replace(shop.laid_out(key).measure(key.batch), subject=key.subject)
        except RuntimeError as error:  # memory, above all
            problem = CellResult(**key._asdict(), rows=0, slices=0, problem=first_line(error))
            try:
                still_alive(grid.device, first_line(error))
            except DeviceLost:
                record.cells.append(problem)  # or the next start would break the device in it again
                raise
            yield problem


class Workshop:
    """Makes what a cell needs, and keeps the last of each: cells come in the order of policy and dtype."""

    def __init__(self, grid: Grid, at: Bench) -> None:
        self._subjects = {subject.label: subject for subject in grid.subjects}
        self._at = at
        self.backends = all_backends()
        self._policy: tuple[tuple[str, int], PolicyLayers] | None = None
        self._bench: tuple[tuple[str, int, str], PolicyBench] | None = None

    def laid_out(self, key: Key) -> PolicyBench:
        """The policy of a subject and hidden size, compressed in a dtype."""
        wanted, whose = (key.subject, key.hidden, key.dtype), (key.subject, key.hidden)
        if self._bench is not None and self._bench[0] == wanted:
            return self._bench[1]
        self._bench = None  # its weights must be gone before the next ones are made
        subject = self._subjects[key.subject]
        if self._policy is None or self._policy[0] != whose:
            self._policy = None
            self._policy = whose, subject.build(key.hidden, str(self._at.device))
        made = PolicyBench(self._policy[1], DTYPES[key.dtype], self.backends, self._at, both_grus=subject.both_grus)
        self._bench = wanted, made
        return made


class _Shown:
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
