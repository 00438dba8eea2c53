"""The tables of the console: whole agents, layers, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from harness.cli.common import log
from harness.throughput.grid_point import Peak
from harness.throughput.record import Record
from harness.throughput.results import CellResult, WorkResult
from harness.throughput.storage_formats import DENSE
from harness.throughput.thresholds import conclusions

NOT_MEASURED = "n/a"
SPREAD = (
    "gains are over dense, in the rounds after those that choose; ± is half the distance of the quartiles, of a gain "
    "that of both times together"
)
FIRST_ROUNDS = "gains are over dense, in the rounds that choose; those of auto in the rounds after"


def show(console: Console, record: Record) -> None:
    """Everything that a record holds, in the order in which one asks."""
    header = record.header
    library = f", cuSPARSELt {header['cusparselt']}" if header["cusparselt"] else ""
    parts = record.by_subject()
    log(console, "; ".join([*parts, f"{header['device_name']}, torch {header['torch']}{library}"]))
    for peak in record.peaks.values():
        log(console, _peak_line(peak))
    for subject, part in parts.items():
        log(console, f"{subject}: whole agent, one decision of every row: {SPREAD}")
        console.print(agents_table(part))
        log(console, f"{subject}: layers alone, at the largest batch of each hidden size: {FIRST_ROUNDS}")
        console.print(layers_table(part))
    for line in (*reasons(record), *conclusions(record)):
        log(console, line)


def agents_table(record: Record) -> Table:
    """A row for each cell and GRU, of one subject."""
    first = ("hidden", "batch", "dtype", "GRU", "dense decisions/s", "± %", "masked")
    gains = ("compressed", "± %", "backend", "compressing, ms", "auto", "± %", "way")
    heads = (*first, *gains, "auto, of peak", "weights, MB")
    table = _table(heads, words={"dtype", "GRU", "backend", "way"})
    for cell in record.cells:
        for gru, work in cell.agents.items():
            backend = work.best_sparse()
            dense = work.seconds(DENSE)
            table.add_row(
                *(f"{cell.hidden}", f"{cell.batch:,}", cell.dtype, gru),
                f"{cell.rows / dense:,.0f}" if dense else NOT_MEASURED,
                _spread_of_time(work, DENSE),
                _times(work, work.best_masked()),
                *(_times(work, backend), _spread(work, backend), backend or "", _conversion(cell, backend)),
                *(_times(work, work.auto), _spread(work, work.auto), work.auto),
                _share_of_peak(record, cell, work),
                f"{work.ways[work.auto].nbytes / 1e6:,.1f}" if work.auto else NOT_MEASURED,
            )
        if cell.problem:
            table.add_row(f"{cell.hidden}", f"{cell.batch:,}", cell.dtype, cell.problem)
    return table


def layers_table(record: Record) -> Table:
    """A row for each layer, a column for each way, of one subject."""
    cells = _largest(record.cells)
    ways = list(dict.fromkeys(way for cell in cells for work in cell.layers.values() for way in work.ways))
    others = [way for way in ways if way != DENSE]
    table = _table(
        ("hidden", "batch", "dtype", "layer", "dense, ms", *others, "auto", "± %", "way"),
        words={"dtype", "layer", "way"},
    )
    for cell in cells:
        for name, work in cell.layers.items():
            dense = work.first_seconds(DENSE)
            table.add_row(
                *(f"{cell.hidden}", f"{cell.batch:,}", cell.dtype, name),
                f"{dense * 1e3:.3f}" if dense else NOT_MEASURED,
                *(_first_times(work, way) for way in others),
                *(_times(work, work.auto), _spread(work, work.auto), work.auto),
            )
    return table


def reasons(record: Record) -> list[str]:
    """Why ways were refused, each reason once, and whose kernels no CUDA graph holds."""
    found: dict[tuple[str, str], int] = {}
    works = [work for cell in record.cells for work in (*cell.layers.values(), *cell.agents.values())]
    for work in works:
        for way, result in work.ways.items():
            if result.refused:
                found[way, result.refused] = found.get((way, result.refused), 0) + 1
    message = [f"{way}: n/a, {why} ({count} times)" for (way, why), count in found.items()]
    return message + [f"{way}: no CUDA graph ({why})" for way, why in record.graphs_refused.items()]


def _peak_line(peak: Peak) -> str:
    rate = peak.flops_per_second
    dense = f"{rate / 1e12:,.2f} TFLOP/s" if rate else NOT_MEASURED
    line = f"Peak, {peak.size}³ in {peak.dtype}: dense {dense}"
    best = peak.work.best_sparse()
    return f"{line}; {best} {_times(peak.work, best)} ± {_spread(peak.work, best)}" if best else line


def _largest(cells: Sequence[CellResult]) -> list[CellResult]:
    """Of each hidden size and dtype, the cell with the most rows."""
    found: dict[tuple[int, str], CellResult] = {}
    for cell in cells:
        if cell.layers and cell.rows >= found.get((cell.hidden, cell.dtype), cell).rows:
            found[cell.hidden, cell.dtype] = cell
    return list(found.values())


def _conversion(cell: CellResult, backend: str | None) -> str:
    seconds = cell.conversion_seconds.get(backend) if backend else None
    return f"{seconds * 1e3:,.1f}" if seconds is not None else NOT_MEASURED


def _share_of_peak(record: Record, cell: CellResult, work: WorkResult) -> str:
    """Operations carried out, padding included, beside what one large dense product reaches."""
    peak = record.peaks[cell.dtype].flops_per_second if cell.dtype in record.peaks else None
    seconds = work.seconds(work.auto)
    return f"{work.ways[work.auto].flops / seconds / peak:.0%}" if peak and seconds else NOT_MEASURED


def _spread_of_time(work: WorkResult, way: str) -> str:
    """Half the distance of the quartiles, in per cent of the median."""
    found = work.again.get(way)
    return f"{(found.high - found.low) / 2 / found.seconds:.1%}" if found else NOT_MEASURED


def _spread(work: WorkResult, way: str | None) -> str:
    """The same for a gain."""
    gain = work.gain(way) if way else None
    return f"{(gain.high - gain.low) / 2 / gain.times:.1%}" if gain else NOT_MEASURED


def _times(work: WorkResult, way: str | None) -> str:
    gain = work.gain(way) if way else None
    return f"{gain.times:.2f} ×" if gain else NOT_MEASURED


def _first_times(work: WorkResult, way: str) -> str:
    gain = work.first_gain(way)
    return f"{gain:.2f} ×" if gain else NOT_MEASURED


def _table(heads: Sequence[str], *, words: set[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for head in heads:
        table.add_column(head, justify="left" if head in words else "right")
    return table
