"""What a record says: tables of whole agents and layers, where compression begins to pay, which thresholds are met.

The best is chosen by the first rounds, and its gain is that of the second (``compare_kernels.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from harness.cli.common import log
from harness.throughput.grid_point import Peak
from harness.throughput.record import Record
from harness.throughput.results import MASKED_GRU, CellResult, Gain, WorkResult
from harness.throughput.storage_formats import DENSE

NOT_MEASURED = "n/a"
SPREAD = (
    "gains are over dense, in the rounds after those that choose; ± is half the distance of the quartiles, of a gain "
    "that of both times together"
)
SLOW_CUSPARSELT = 800
"""Version 0.8.0."""
FIRST_ROUNDS = "gains are over dense, in the rounds that choose; those of auto in the rounds after"
NEVER_BELOW = 0.98
"""Share of the dense rate that ``auto`` shall not fall below."""
LARGE_HIDDEN = 2048
"""Hidden sizes from which the whole agent shall gain like its best product."""
SHARE_OF_PRODUCT = 0.9
"""Of the best single product's gain, that the whole agent shall reach there."""

Found = tuple[Gain, str]
"""A gain, and what it is of."""


def show(console: Console, record: Record) -> None:
    """Everything that a record holds, in the order in which one asks."""
    header = record.header
    library = f", cuSPARSELt {cusparselt_version(header['cusparselt'])}" if header["cusparselt"] else ""
    parts = record.by_subject()
    log(console, "; ".join([*parts, f"{header['device_name']}, torch {header['torch']}{library}"]))
    for peak in record.peaks.values():
        log(console, _peak_line(peak))
    for subject, part in parts.items():
        log(console, f"{subject}: whole agent, one decision of every row: {SPREAD}")
        console.print(agents_table(part))
        log(console, f"{subject}: layers alone, at the largest batch of each hidden size: {FIRST_ROUNDS}")
        console.print(layers_table(part))
    for line in (*reasons(record), *conclusions(record), *library_warnings(header)):
        log(console, line)


def cusparselt_version(number: int) -> str:
    """``0.8.0`` for 800: the library counts thousands, hundreds and ones."""
    return f"{number // 1000}.{number // 100 % 10}.{number % 100}"


def library_warnings(header: Mapping[str, Any]) -> list[str]:
    """What is known against the library that the sparse kernels come from."""
    if header["cusparselt"] != SLOW_CUSPARSELT:
        return []
    return [
        f"cuSPARSELt {cusparselt_version(SLOW_CUSPARSELT)} is called slow on Hopper by its vendor: try another version "
        "(its own package, nvidia-cusparselt-cu12 or -cu13) before you believe that a gain is missing"
    ]


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


def conclusions(record: Record) -> list[str]:
    """Sentences about each subject of the record, named where there are several; none about what was not measured."""
    parts = record.by_subject()
    return [
        f"{subject}: {line}" if len(parts) > 1 else line
        for subject, part in parts.items()
        for line in (*crossings(part.cells), *auto_marks(part.cells), *agent_marks(part))
    ]


def crossings(cells: Sequence[CellResult]) -> list[str]:
    """For each dtype, GRU and batch: from which hidden size on the compressed agent beats the dense one."""
    message = []
    for dtype, gru, batch in _agent_keys(cells):
        gains = [
            (cell.hidden, gain) for cell, work in _agents(cells, dtype, gru, batch) if (gain := work.sparse_gain())
        ]
        if gains:
            gains.sort(key=lambda point: point[0])
            message.append(f"{dtype}, {gru} GRU, batch {batch:,}: compressed {_crossing(gains)}")
    return message


def auto_marks(cells: Sequence[CellResult]) -> list[str]:
    """How often ``auto`` falls below the dense rate, and how it does against masked dense, which computes the same."""
    agents = [(_where(cell, gru), work) for cell in cells for gru, work in cell.agents.items()]
    over_dense = [(gain, where) for where, work in agents if (gain := work.gain(work.auto))]
    message = []
    if over_dense:
        reached = [gain for gain, _ in over_dense if gain.times >= NEVER_BELOW]
        words = f"auto reaches {NEVER_BELOW:g} × dense in {len(reached)} of {len(over_dense)} agents"
        message.append(words if len(reached) == len(over_dense) else f"{words}; {_lowest(over_dense)}")
    others = [
        (gain, where)
        for where, work in agents
        if (masked := work.best_masked()) not in (None, work.auto) and (gain := work.gain(work.auto, over=masked))
    ]
    itself = sum(work.auto in work.again and work.auto == work.best_masked() for _, work in agents)
    if others or itself:
        words = f"auto against masked dense, which computes the same: is masked dense itself in {itself} agents"
        if others:
            faster, slower = (sum(gain.side == side for gain, _ in others) for side in (1, -1))
            rest = len(others) - faster - slower
            words += f", faster in {faster}, slower in {slower}, within the spread in {rest}; {_lowest(others)}"
        message.append(words)
    return message


def agent_marks(record: Record) -> list[str]:
    """For each dtype: the whole agent's gain beside the best single product's of the same run."""
    message = []
    for dtype in dict.fromkeys(cell.dtype for cell in record.cells):
        cells = [cell for cell in record.cells if cell.dtype == dtype and cell.hidden >= LARGE_HIDDEN]
        agents = [(work, work.auto, _at(cell)) for cell in cells if (work := cell.agents.get(MASKED_GRU))]
        products = [
            (work, work.best_sparse(), f"{name}, {_at(cell)}") for cell in cells for name, work in cell.layers.items()
        ]
        if dtype in record.peaks:
            peak = record.peaks[dtype]
            products.append((peak.work, peak.work.best_sparse(), f"{peak.size}³"))
        whole, single = _best(agents), _best(products)
        if whole and single:
            share = whole[0].times / single[0].times
            met = "met" if share >= SHARE_OF_PRODUCT else "not met"
            message.append(
                f"{dtype}: whole agent {_gain_text(whole[0])} dense ({whole[1]}, 2:4 GRU), best single product "
                f"{_gain_text(single[0])} ({single[1]}): {share:.2f} of it, mark {SHARE_OF_PRODUCT:g} {met}"
            )
    return message


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


def _best(candidates: Iterable[tuple[WorkResult, str | None, str]]) -> Found | None:
    """The largest gain by the first rounds, as it came out in the second: the largest of many is partly luck."""
    ranked = [
        (first, gain, where)
        for work, way, where in candidates
        if way and (first := work.first_gain(way)) and (gain := work.gain(way))
    ]
    return max(ranked, key=lambda each: each[0])[1:] if ranked else None


def _lowest(gains: Sequence[Found]) -> str:
    gain, where = min(gains, key=lambda each: each[0].times)
    return f"lowest {_gain_text(gain)} ({where})"


def _gain_text(gain: Gain) -> str:
    return f"{gain.times:.2f} × [{gain.low:.2f}, {gain.high:.2f}]"


def _at(cell: CellResult) -> str:
    return f"hidden {cell.hidden}, batch {cell.batch:,}"


def _where(cell: CellResult, gru: str) -> str:
    return f"{_at(cell)}, {cell.dtype}, {gru} GRU"


def _crossing(gains: Sequence[tuple[int, Gain]]) -> str:
    """In words, for (hidden, gain) in the order of hidden."""
    path = ", ".join(f"{hidden}: {gain.times:.2f} ×" for hidden, gain in gains)
    pays, open_ = ([hidden for hidden, gain in gains if gain.side == side] for side in (1, 0))
    others = [hidden for hidden, gain in gains if gain.side != 1]
    onwards = [hidden for hidden in pays if all(hidden > each for each in others)]
    if not others:
        words = "pays at every hidden size measured"
    elif onwards:
        words = f"pays from between {max(others)} and {min(onwards)} hidden units on"
    else:
        words = f"pays at {_listed(pays)} only" if pays else "pays at none measured"
    between = f", no difference within the spread at {_listed(open_)}" if open_ else ""
    return f"{words}{between} ({path})"


def _listed(sizes: Sequence[int]) -> str:
    return " and ".join(map(str, sizes))


def _agent_keys(cells: Sequence[CellResult]) -> Iterator[tuple[str, str, int]]:
    yield from sorted({(cell.dtype, gru, cell.batch) for cell in cells for gru in cell.agents})


def _agents(cells: Sequence[CellResult], dtype: str, gru: str, batch: int) -> Iterator[tuple[CellResult, WorkResult]]:
    for cell in cells:
        if (cell.dtype, cell.batch) == (dtype, batch) and gru in cell.agents:
            yield cell, cell.agents[gru]
