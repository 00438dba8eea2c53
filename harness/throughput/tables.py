"""Present a record: tables of whole agents and layers, where compression begins to pay, which thresholds are met.

The best is chosen by the first rounds, and its gain is that of the second (``compare_kernels.py``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.cli.console import log, print_table, table_of
from harness.speed.record import Record
from harness.speed.results import MASKED_GRU, Gain, GridPointResult, Peak, WorkResult
from harness.speed.storage_formats import DENSE

NOT_MEASURED = "n/a"
SPREAD = (
    "gains are over dense, from the second rounds; ± is half the distance between the quartiles, for a gain those of "
    "both times together"
)
SLOW_CUSPARSELT = 800
"""Version 0.8.0."""
FIRST_ROUNDS = "gains are over dense, from the first rounds; those of auto from the second"
AUTO_THRESHOLD = 0.98
"""Share of the dense rate that ``auto`` should reach."""
LARGE_HIDDEN = 2048
"""Hidden size from which on the whole agent should gain like its best product."""
AGENT_THRESHOLD = 0.9
"""Share of the best single product's gain that the whole agent should reach there."""

LabelledGain = tuple[Gain, str]
"""A gain, and the grid point or product that it belongs to."""


def print_tables(console: Console, record: Record) -> None:
    """Print everything that a record holds: device, peaks, tables, reasons, conclusions, warnings."""
    header = record.header
    parts = record.by_policy()
    log(console, "; ".join([*parts, f"{header['device_name']}, {versions(header)}"]))
    for peak in record.peaks.values():
        log(console, _peak_line(peak))
    for policy, part in parts.items():
        log(console, f"{policy}: whole agent, one decision of every row: {SPREAD}")
        print_table(console, agents_table(part), keys=4)
        log(console, f"{policy}: layers alone, at the largest batch of each hidden size: {FIRST_ROUNDS}")
        print_table(console, layers_table(part), keys=4)
    for line in (*reasons(record), *conclusions(record), *library_warnings(header)):
        log(console, line)


def cusparselt_version(number: int) -> str:
    """Return ``0.8.0`` for 800: the library counts thousands, hundreds and ones."""
    return f"{number // 1000}.{number // 100 % 10}.{number % 100}"


def versions(header: Mapping[str, Any]) -> str:
    """Return the versions of what multiplied: ``torch 2.11.0, cuSPARSELt 0.8.0``."""
    library = f", cuSPARSELt {cusparselt_version(header['cusparselt'])}" if header["cusparselt"] else ""
    return f"torch {header['torch']}{library}"


def library_warnings(header: Mapping[str, Any]) -> list[str]:
    """Return warnings about the version of the library that the sparse kernels come from."""
    if header["cusparselt"] != SLOW_CUSPARSELT:
        return []
    return [
        f"cuSPARSELt {cusparselt_version(SLOW_CUSPARSELT)} is called slow on Hopper by its vendor: try another version "
        "(its own package, nvidia-cusparselt-cu12 or -cu13) before you believe that a gain is missing"
    ]


def agents_table(record: Record) -> Table:
    """Return the table of one policy's whole agent: a row for each grid point and GRU."""
    first = ("hidden", "batch", "dtype", "GRU", "dense decisions/s", "± %", "masked")
    gains = ("compressed", "± %", "backend", "compressing, ms", "auto", "± %", "format")
    heads = (*first, *gains, "auto, of peak", "weights, MB")
    table = table_of(heads, words={"dtype", "GRU", "backend", "format"})
    for result in record.results:
        for gru, work in result.agents.items():
            backend = work.best_sparse()
            dense = work.seconds(DENSE)
            table.add_row(
                *(f"{result.hidden}", f"{result.batch:,}", result.dtype, gru),
                f"{result.rows / dense:,.0f}" if dense else NOT_MEASURED,
                _spread_of_time(work, DENSE),
                _times(work, work.best_masked()),
                *(_times(work, backend), _spread(work, backend), backend or "", _conversion(result, backend)),
                *(_times(work, work.auto), _spread(work, work.auto), work.auto),
                _share_of_peak(record, result, work),
                f"{work.formats[work.auto].nbytes / 1e6:,.1f}" if work.auto else NOT_MEASURED,
            )
        if result.problem:
            table.add_row(f"{result.hidden}", f"{result.batch:,}", result.dtype, Text(result.problem))
    return table


def layers_table(record: Record) -> Table:
    """Return the table of one policy's layers: a row for each layer, a column for each storage format."""
    results = _largest(record.results)
    formats = dict.fromkeys(name for result in results for work in result.layers.values() for name in work.formats)
    others = [name for name in formats if name != DENSE]
    table = table_of(
        ("hidden", "batch", "dtype", "layer", "dense, ms", *others, "auto", "± %", "format"),
        words={"dtype", "layer", "format"},
    )
    for result in results:
        for layer, work in result.layers.items():
            dense = work.first_seconds(DENSE)
            table.add_row(
                *(f"{result.hidden}", f"{result.batch:,}", result.dtype, layer),
                f"{dense * 1e3:.3f}" if dense else NOT_MEASURED,
                *(_first_times(work, name) for name in others),
                *(_times(work, work.auto), _spread(work, work.auto), work.auto),
            )
    return table


def reasons(record: Record) -> list[str]:
    """Return why storage formats were refused, each reason once, and which kernels no CUDA graph holds."""
    works = [work for result in record.results for work in (*result.layers.values(), *result.agents.values())]
    counts = Counter((name, found.refused) for work in works for name, found in work.formats.items() if found.refused)
    lines = [f"{name}: n/a, {why} ({count} times)" for (name, why), count in counts.items()]
    return lines + [f"{name}: no CUDA graph ({why})" for name, why in record.graphs_refused.items()]


def conclusions(record: Record) -> list[str]:
    """Return sentences about each policy, named where there are several; none about what was not measured."""
    parts = record.by_policy()
    return [
        f"{policy}: {line}" if len(parts) > 1 else line
        for policy, part in parts.items()
        for line in (*crossings(part.results), *auto_thresholds(part.results), *agent_thresholds(part))
    ]


def crossings(results: Sequence[GridPointResult]) -> list[str]:
    """Return for each dtype, GRU and batch the hidden size from which on the compressed agent beats the dense one."""
    gains: dict[tuple[str, str, int], list[tuple[int, Gain]]] = {}
    for result in sorted(results, key=lambda each: each.hidden):
        for gru, work in result.agents.items():
            if gain := work.sparse_gain():
                gains.setdefault((result.dtype, gru, result.batch), []).append((result.hidden, gain))
    return [
        f"{dtype}, {gru} GRU, batch {batch:,}: compressed {_crossing(gains[dtype, gru, batch])}"
        for dtype, gru, batch in sorted(gains)
    ]


def auto_thresholds(results: Sequence[GridPointResult]) -> list[str]:
    """Compare ``auto`` with its threshold over dense, and with masked dense, which computes the same."""
    agents = [(_where(result, gru), work) for result in results for gru, work in result.agents.items()]
    over_dense = [(gain, where) for where, work in agents if (gain := work.gain(work.auto))]
    lines = []
    if over_dense:
        reached = [gain for gain, _ in over_dense if gain.times >= AUTO_THRESHOLD]
        words = f"auto reaches {AUTO_THRESHOLD:g} × dense in {len(reached)} of {len(over_dense)} agents"
        lines.append(words if len(reached) == len(over_dense) else f"{words}; {_lowest(over_dense)}")
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
        lines.append(words)
    return lines


def agent_thresholds(record: Record) -> list[str]:
    """Compare for each dtype the whole agent's gain with the best single product's of the same record."""
    lines = []
    for dtype in dict.fromkeys(result.dtype for result in record.results):
        results = [result for result in record.results if result.dtype == dtype and result.hidden >= LARGE_HIDDEN]
        agents = [(work, work.auto, _at(result)) for result in results if (work := result.agents.get(MASKED_GRU))]
        products = [
            (work, work.best_sparse(), f"{name}, {_at(result)}")
            for result in results
            for name, work in result.layers.items()
        ]
        if dtype in record.peaks:
            peak = record.peaks[dtype]
            products.append((peak.work, peak.work.best_sparse(), f"{peak.size}³"))
        whole, single = _best(agents), _best(products)
        if whole and single:
            share = whole[0].times / single[0].times
            met = "met" if share >= AGENT_THRESHOLD else "not met"
            lines.append(
                f"{dtype}: whole agent {_gain_text(whole[0])} dense ({whole[1]}, 2:4 GRU), best single product "
                f"{_gain_text(single[0])} ({single[1]}): {share:.2f} of it, threshold {AGENT_THRESHOLD:g} {met}"
            )
    return lines


def _peak_line(peak: Peak) -> str:
    rate = peak.flops_per_second
    dense = f"{rate / 1e12:,.2f} TFLOP/s" if rate else NOT_MEASURED
    line = f"Peak, {peak.size}³ in {peak.dtype}: dense {dense}"
    best = peak.work.best_sparse()
    return f"{line}; {best} {_times(peak.work, best)} ± {_spread(peak.work, best)}" if best else line


def _largest(results: Sequence[GridPointResult]) -> list[GridPointResult]:
    """Return the result with the most rows of each hidden size and dtype."""
    found: dict[tuple[int, str], GridPointResult] = {}
    for result in results:
        if result.layers and result.rows >= found.get((result.hidden, result.dtype), result).rows:
            found[result.hidden, result.dtype] = result
    return list(found.values())


def _conversion(result: GridPointResult, backend: str | None) -> str:
    seconds = result.conversion_seconds.get(backend) if backend else None
    return f"{seconds * 1e3:,.1f}" if seconds is not None else NOT_MEASURED


def _share_of_peak(record: Record, result: GridPointResult, work: WorkResult) -> str:
    """Return the rate of the operations carried out, padding included, over that of one large dense product."""
    peak = record.peaks[result.dtype].flops_per_second if result.dtype in record.peaks else None
    seconds = work.seconds(work.auto)
    return f"{work.formats[work.auto].flops / seconds / peak:.0%}" if peak and seconds else NOT_MEASURED


def _spread_of_time(work: WorkResult, storage_format: str) -> str:
    """Return half the distance of a time's quartiles, in per cent of the median."""
    found = work.again.get(storage_format)
    return f"{(found.high - found.low) / 2 / found.seconds:.1%}" if found else NOT_MEASURED


def _spread(work: WorkResult, storage_format: str | None) -> str:
    """Return half the distance of a gain's quartiles, in per cent of the median."""
    gain = work.gain(storage_format) if storage_format else None
    return f"{(gain.high - gain.low) / 2 / gain.times:.1%}" if gain else NOT_MEASURED


def _times(work: WorkResult, storage_format: str | None) -> str:
    gain = work.gain(storage_format) if storage_format else None
    return f"{gain.times:.2f} ×" if gain else NOT_MEASURED


def _first_times(work: WorkResult, storage_format: str) -> str:
    gain = work.first_gain(storage_format)
    return f"{gain:.2f} ×" if gain else NOT_MEASURED


def _best(candidates: Iterable[tuple[WorkResult, str | None, str]]) -> LabelledGain | None:
    """Return the second rounds' gain of the work with the largest first one: the largest of many is partly luck."""
    ranked = [
        (first, gain, where)
        for work, name, where in candidates
        if name and (first := work.first_gain(name)) and (gain := work.gain(name))
    ]
    return max(ranked, key=lambda each: each[0])[1:] if ranked else None


def _lowest(gains: Sequence[LabelledGain]) -> str:
    gain, where = min(gains, key=lambda each: each[0].times)
    return f"lowest {_gain_text(gain)} ({where})"


def _gain_text(gain: Gain) -> str:
    return f"{gain.times:.2f} × [{gain.low:.2f}, {gain.high:.2f}]"


def _at(result: GridPointResult) -> str:
    return f"hidden {result.hidden}, batch {result.batch:,}"


def _where(result: GridPointResult, gru: str) -> str:
    return f"{_at(result)}, {result.dtype}, {gru} GRU"


def _crossing(gains: Sequence[tuple[int, Gain]]) -> str:
    """Describe (hidden, gain) pairs, given in the order of hidden."""
    path = ", ".join(f"{hidden}: {gain.times:.2f} ×" for hidden, gain in gains)
    pays, open_ = ([hidden for hidden, gain in gains if gain.side == side] for side in (1, 0))
    others = [hidden for hidden, gain in gains if gain.side != 1]
    onwards = [hidden for hidden in pays if all(hidden > each for each in others)]
    if not others:
        words = "pays at every hidden size measured"
    elif onwards:
        words = f"pays from between {max(others)} and {min(onwards)} hidden units on"
    else:
        words = f"pays at {' and '.join(map(str, pays))} only" if pays else "pays at none measured"
    between = f", no difference within the spread at {' and '.join(map(str, open_))}" if open_ else ""
    return f"{words}{between} ({path})"
