"""Where 2:4 sparsity begins to pay: gains over hidden size and batch, as ``harness.throughput`` measured them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import rich.table
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from harness.cli.errors import UsageError
from harness.plots.figure import Plot, draw_plot
from harness.plots.style import INK, series
from harness.plots.throughput import Point, crossing, draw_line, in_order, place_of
from harness.report.page import Details, Head, Section, Table
from harness.throughput.record import Record, read_record
from harness.throughput.results import Gain, WorkResult
from harness.throughput.tables import SPREAD, agents_table, reasons
from harness.throughput.thresholds import conclusions, sparse_gain

GainOf = Callable[[WorkResult], Gain | None]
Line = tuple[str, list[Point]]
"""Label, and points in the order of hidden size."""
KINDS: dict[str, tuple[str, GainOf]] = {
    "compressed": ("compressed 2:4", sparse_gain),
    "auto": ("the faster way of each layer (auto)", lambda work: work.gain(work.auto)),
}
NOT_MEASURED = (
    "Not measured with this study. On a card with sparse tensor cores this command measures from which hidden size and "
    "batch on 2:4 pays; a report made after it shows the result:"
)


def find_records(given: Path | None, folder: Path) -> tuple[list[Record], list[str]]:
    """The file that was named, or else those that lie in the study's folder.

    Returns:
        What they hold, and why some of those that were only found could not be read: they must not cost the page.

    Raises:
        UsageError: the file that was named holds something else.
    """
    if given:
        return [read_record(given)], []
    records, unread = [], []
    for path in sorted(folder.glob("throughput*.json")):
        try:
            records.append(read_record(path))
        except UsageError as error:
            unread.append(str(error))
    return records, unread


def plot_crossings(folder: Path, record: Record, number: int) -> list[Plot]:
    """Speed-up over dense by hidden size, a line for each batch: compressed throughout, and ``auto``, of each subject.

    Args:
        folder: for the files.
        record: what was measured.
        number: of the record, for the files' names.
    """
    parts = record.by_subject()
    found = []
    for place, (subject, part) in enumerate(parts.items()):
        whose = f"\n{subject}" if len(parts) > 1 else ""
        for dtype, gru in sorted({(cell.dtype, gru) for cell in part.cells for gru in cell.agents}):
            for kind, (words, gain) in KINDS.items():
                if lines := list(_lines(part, dtype, gru, gain)):
                    name = f"speedup-{number}-{place}-{kind}-{dtype}-{gru.replace(':', '')}"
                    found.append(_draw(folder, name, f"{words}, {dtype}, {gru} GRU{whose}", lines))
    return found


def throughput_section(records: Sequence[Record], plots: Sequence[Plot]) -> Section:
    """What was measured, what follows from it, and the pictures."""
    message = [line for record in records for line in conclusions(record)]
    return Section(
        id="throughput",
        short="Throughput",
        title="2:4 throughput and its crossings",
        lead=[_told(record) for record in records],
        verdicts=[f"{line}." for line in message],
        tables=[
            _table(f"{subject}, whole agent: {SPREAD}", agents_table(part))
            for record in records
            for subject, part in record.by_subject().items()
        ],
        plots=plots,
        details=[Details(summary="What was refused", texts=lines) for record in records if (lines := reasons(record))],
        empty="" if records else NOT_MEASURED,
        code=() if records else ["python -m harness.throughput --all --out runs/STUDY/throughput.json"],
    )


def _lines(record: Record, dtype: str, gru: str, gain: GainOf) -> Iterator[Line]:
    cells = [cell for cell in record.cells if cell.dtype == dtype and gru in cell.agents]
    for batch in sorted({cell.batch for cell in cells}):
        own = [(float(cell.hidden), gain(cell.agents[gru])) for cell in cells if cell.batch == batch]
        points = in_order((hidden, found) for hidden, found in own if found is not None)
        if points:
            yield f"{batch:,} decisions", points


def _draw(folder: Path, name: str, title: str, lines: Sequence[Line]) -> Plot:
    crossings = [(label, at) for label, points in lines if (at := crossing(points)) is not None]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for number, (label, points) in enumerate(lines):
            look = series(number)
            place = place_of(number, len(lines))
            draw_line(axes, points, place, look.colour, linestyle=look.line, marker=look.marker, label=label)
        axes.axhline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted({hidden for _, points in lines for hidden, _ in points}))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="hidden size", ylabel="speed-up over dense")
        figure.legend(loc="outside lower left", ncols=3, handlelength=3.2)

    best = max((gain.times, label, hidden) for label, points in lines for hidden, gain in points)
    message = "; ".join(f"{label} crosses 1 near {at:,.0f}" for label, at in crossings) or "no line rises through 1"
    return draw_plot(
        folder,
        name,
        draw,
        title=title,
        alt=f"Lines over hidden sizes. Highest: {best[0]:.2f} times dense at {best[2]:,.0f} with {best[1]}; {message}.",
        caption="Bars reach from quartile to quartile; lines are shifted so that no bar hides another. Above the "
        "dashed line it pays; an upright stroke marks where a line last rises through it, from a size that is slower "
        "beyond its bar to one that is faster.",
    )


def _told(record: Record) -> str:
    """What was measured, where, with which versions and when."""
    header = record.header
    provenance = header["provenance"]
    library = f", cuSPARSELt {header['cusparselt']}" if header["cusparselt"] else ""
    peaks = [
        f"{peak.flops_per_second / 1e12:.3g} TFLOP/s for one dense {peak.size}³ product in {dtype}"
        for dtype, peak in record.peaks.items()
        if peak.flops_per_second
    ]
    subjects = "; ".join(record.by_subject()) or "no policy yet"
    return (
        f"{subjects}, measured on {header['device_name']} with torch {header['torch']}{library}, "
        f"{str(provenance.get('started', ''))[:10]}, commit {str(provenance.get('commit', 'unknown'))[:10]}, by "
        f"“{provenance.get('command', 'unknown')}”. Peak there: {'; '.join(peaks) or 'not measured'}."
    )


def _table(caption: str, table: rich.table.Table) -> Table:
    """A table of the console as one of the page."""
    heads = [Head(name=str(column.header), words=column.justify == "left") for column in table.columns]
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return Table(caption=caption, heads=heads, rows=list(zip(*columns, strict=True)))
