"""The command: flags -> grid -> one cell after the other -> table, file, picture."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import algorithms.registry
import envs.registry
from algorithms.names import ALGORITHMS as KNOWN_ALGORITHMS
from algorithms.protocol import PolicyLayers
from harness.command_line import (
    ALL_DONE,
    INTERRUPTED,
    SOME_MISSING,
    WRONG_USE,
    Parser,
    at_least_one,
    import_user_code,
    make_console,
    make_folder,
    names_in,
    say,
)
from harness.config import check_targets, parse_setting
from harness.errors import UsageError, unknown_name
from harness.plan import resolve_device
from harness.throughput.backends import all_backends, first_line
from harness.throughput.cell import PolicyBench
from harness.throughput.peak import measure_peak
from harness.throughput.plot import plot
from harness.throughput.race import Bench, DeviceLost, bench, still_alive
from harness.throughput.record import Record, new_record, open_record
from harness.throughput.report import show
from harness.throughput.results import CellResult
from harness.throughput.subject import Subject, fresh, trained
from harness.trained import read_run

DTYPES = {name: getattr(torch, name) for name in ("float16", "bfloat16", "float32")}
ALL_HIDDEN = (64, 128, 256, 512, 1024, 2048, 4096)
ALL_BATCHES = (256, 2048, 16_384, 131_072, 1_048_576)
BATCHES = (256, 4096, 65_536)
SECONDS = 0.06
"""For the rounds of one comparison, beside the least number of rounds."""
ENDINGS = (".png", ".svg", ".pdf")


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What is to be measured, checked."""

    subject: Subject
    device: torch.device
    batches: tuple[int, ...]
    dtypes: tuple[str, ...]
    out: Path | None
    plot: Path | None
    json: bool
    deadline: float
    """``time.perf_counter`` after which no cell is begun"""

    def keys(self) -> list[tuple[int, int, str]]:
        """Every cell: hidden size, batch, dtype."""
        return [
            (hidden, batch, dtype)
            for hidden in self.subject.hidden_sizes
            for dtype in self.dtypes
            for batch in self.batches
        ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code: 0 done, 1 cells are missing, 2 a mistake in the command, 130 Ctrl-C."""
    console = make_console()
    try:
        grid = read_flags(sys.argv[1:] if argv is None else argv)
        record = open_record(grid.out, grid.subject.label, grid.device) if grid.out else None
        record = record or new_record(grid.subject.label, grid.device)
        problem = measure(console, grid, record)
    except UsageError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        print("\nstopped; cells that were finished are kept where --out was given", file=sys.stderr)
        return INTERRUPTED
    if grid.json:
        print(record.as_json())
    else:
        show(console, record)
    written = [path for path in (grid.out, grid.out and grid.out.with_suffix(".csv")) if path]
    if grid.plot:
        plot(grid.plot, record)
        written.append(grid.plot)
    for line in ([f"written: {', '.join(map(str, written))}"] if written else []) + ([problem] if problem else []):
        print(line, file=sys.stderr) if grid.json else say(console, line)
    return SOME_MISSING if problem else ALL_DONE


def measure(console: Console, grid: Grid, record: Record) -> str:
    """Fill the record with the cells that it lacks, saving each; returns why some are missing, or nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} cells"))
    hidden_bar = not console.is_terminal or grid.json
    at = bench(grid.device, seconds=SECONDS)
    at.recorder.refused.update(record.graphs_refused)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=hidden_bar) as bar:
        task = bar.add_task("measuring", total=len(grid.keys()), completed=0)
        try:
            for cell in cells(grid, record, at):
                record.cells.append(cell)
                record.graphs_refused = dict(at.recorder.refused)
                _save(grid, record)
                bar.update(task, completed=len(record.done() & set(grid.keys())))
        except DeviceLost as lost:
            _save(grid, record)
            return f"{lost}. Type the same command again: it goes on with the next cell"
    missing = len(set(grid.keys()) - record.done())
    again = "type the same command again for them" if grid.out else "with --out FILE.json they can be added later"
    return f"{missing} cells are missing, the time was up; {again}" if missing else ""


def cells(grid: Grid, record: Record, at: Bench) -> Iterator[CellResult]:
    """Every cell that the record lacks; the peak of each dtype is measured before the first of them.

    Raises:
        DeviceLost: a kernel broke the device; the cell that it happened in is in the record, with the reason.
    """
    shop, missing = Workshop(grid, at), [key for key in grid.keys() if key not in record.done()]
    for dtype in dict.fromkeys(dtype for _, _, dtype in missing if dtype not in record.peaks):
        record.peaks[dtype] = measure_peak(DTYPES[dtype], shop.backends, at)
    for hidden, batch, dtype in missing:
        if time.perf_counter() > grid.deadline:
            return
        try:
            yield shop.laid_out(hidden, dtype).measure(batch)
        except RuntimeError as error:  # memory, above all
            problem = CellResult(hidden=hidden, batch=batch, rows=0, slices=0, dtype=dtype, problem=first_line(error))
            try:
                still_alive(grid.device, first_line(error))
            except DeviceLost:
                record.cells.append(problem)  # or the next start would break the device in it again
                raise
            yield problem


class Workshop:
    """Makes what a cell needs, and keeps the last of each: cells come in the order of hidden size and dtype."""

    def __init__(self, grid: Grid, at: Bench) -> None:
        self._grid, self._at = grid, at
        self.backends = all_backends()
        self._policy: tuple[int, PolicyLayers] | None = None
        self._bench: tuple[tuple[int, str], PolicyBench] | None = None

    def laid_out(self, hidden: int, dtype: str) -> PolicyBench:
        """The policy of a hidden size, compressed in a dtype."""
        if self._bench is not None and self._bench[0] == (hidden, dtype):
            return self._bench[1]
        self._bench = None  # its weights must be gone before the next ones are made
        if self._policy is None or self._policy[0] != hidden:
            self._policy = None
            self._policy = hidden, self._grid.subject.build(hidden, str(self._grid.device))
        both = self._grid.subject.both_grus
        made = PolicyBench(self._policy[1], DTYPES[dtype], self.backends, self._at, both_grus=both)
        self._bench = (hidden, dtype), made
        return made


def read_flags(argv: Sequence[str]) -> Grid:
    """Read the command line.

    Raises:
        UsageError: an unknown name, a malformed value, or flags that contradict each other.
        SystemExit: after ``--help``.
    """
    begun = time.perf_counter()
    early, _ = _parser(import_only=True).parse_known_args(argv)
    for target in early.imports:
        import_user_code(target)
    flags = _parser().parse_args(argv)
    device = torch.device(resolve_device(flags.device))
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    defaults = ("float16", "bfloat16") if device.type == "cuda" else ("float32",)
    dtypes = _listed(flags.dtypes) or list(defaults)
    for name in dtypes:
        if name not in DTYPES:
            raise unknown_name("dtype", name, DTYPES)
    batches = _numbers("--batches", flags.batches) or (ALL_BATCHES if flags.all else BATCHES)
    out, picture = (Path(given) if given else None for given in (flags.out, flags.plot))
    _check_endings(out, picture)
    return Grid(
        subject=_subject(flags),
        device=device,
        batches=tuple(batches),
        dtypes=tuple(dict.fromkeys(dtypes)),
        out=out,
        plot=picture,
        json=flags.json,
        deadline=begun + 60 * flags.minutes if flags.minutes else float("inf"),
    )


def _subject(flags: argparse.Namespace) -> Subject:
    hidden = _numbers("--hidden", flags.hidden)
    if flags.run is not None:
        if hidden or flags.all or flags.settings:
            raise UsageError("--run measures a policy as it was trained: leave out --hidden, --all and --set")
        return trained(read_run(Path(flags.run)))
    (algorithm,) = names_in("algorithm", flags.algo, algorithms.registry.ids(), _known)[:1]
    (scenario,) = names_in("scenario", flags.scenario, envs.registry.ids(), envs.registry.real_name)[:1]
    settings = tuple(parse_setting(argument) for argument in flags.settings)
    check_targets(settings, [algorithm], algorithms.registry.ids())
    return fresh(algorithm, scenario, settings, hidden or (ALL_HIDDEN if flags.all else ()))


def _check_endings(out: Path | None, picture: Path | None) -> None:
    if out is not None and out.suffix != ".json":
        raise UsageError(f"--out {out}: the results are kept as JSON, a CSV file beside it; name it {out.stem}.json")
    if picture is not None and picture.suffix not in ENDINGS:
        raise UsageError(f"--plot {picture}: a picture ends in {', '.join(ENDINGS)}; name it {picture.stem}.png")
    for path in (out, picture):
        if path is not None:
            make_folder(path.parent)


def _save(grid: Grid, record: Record) -> None:
    if grid.out:
        record.save(grid.out)


def _known(name: str) -> str:
    return KNOWN_ALGORITHMS.get(name, name)


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _numbers(flag: str, text: str | None) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(at_least_one(flag, int(part.replace("_", ""))) for part in _listed(text)))
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{flag} {text}: whole numbers, separated by commas, such as 64,1024") from None


def _parser(*, import_only: bool = False) -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m harness.throughput",
        description="Measure how fast a policy decides: dense, masked dense and compressed 2:4, layer by layer and as "
        "a whole, and from which size on compression pays.",
        allow_abbrev=False,
        add_help=not import_only,
    )
    add = parser.add_argument
    add("--import", dest="imports", action="append", default=[], metavar="FILE", help="your own algorithms and worlds")
    if import_only:
        return parser
    add("--run", metavar="FOLDER", help="a policy that harness.compare has trained; else a fresh one is measured")
    add("--algo", default="k24", metavar="NAME", help="whose fresh policy (default: %(default)s)")
    add("--scenario", default="terran_5_vs_5", metavar="NAME", help="for its widths and types (default: %(default)s)")
    add("--set", dest="settings", action="append", default=[], metavar="NAME.KEY=VALUE", help="as in harness.compare")
    add("--hidden", metavar="A,B", help="hidden sizes of fresh policies (default: the algorithm's own)")
    add("--batches", metavar="A,B", help=f"agent decisions (default: {','.join(map(str, BATCHES))})")
    add("--dtypes", metavar="A,B", help="float16, bfloat16, float32 (default: the first two; on a CPU the last)")
    add("--all", action="store_true", help="hidden sizes 64 to 4096, batches 256 to 1,048,576")
    add("--device", default="auto", metavar="NAME", help="auto, cpu, cuda or cuda:N (default: %(default)s)")
    add("--out", metavar="FILE.json", help="keep every cell there at once, and go on with those that it lacks")
    add("--minutes", type=float, metavar="N", help="begin no cell after that; --out goes on later")
    add("--plot", metavar="FILE.png", help="draw speed-up over hidden size and batch")
    add("--json", action="store_true", help="print JSON instead of tables")
    return parser
