"""The picture: speed-up over hidden size, a line for each batch, and where it crosses 1."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from harness.runs.files import atomic_write
from harness.throughput.record import Record
from harness.throughput.results import CellResult, Gain, WorkResult
from harness.throughput.thresholds import sparse_gain

MARKERS = "os^Dv<>P*X"
Point = tuple[float, Gain]
"""Hidden size and gain."""
ASIDE = 0.12
"""Octaves of hidden size that the outermost lines stand beside their true place."""


def plot(path: Path, record: Record) -> None:
    """Draw a row of panels for each subject, dtype and GRU: compressed throughout, and ``auto``; both over dense.

    Bars reach from quartile to quartile. Where nothing was compressed, the first panel is empty and says so. A batch
    has its own marker and grey, so the picture needs no colours.

    Args:
        path: of the picture; its ending decides the format; its folder is made.
        record: what was measured.

    Raises:
        OSError: there is no room for it, or it may not be written there.
    """
    parts = record.by_subject()
    rows = [
        (subject, dtype, gru)
        for subject, part in parts.items()
        for dtype, gru in sorted({(cell.dtype, gru) for cell in part.cells for gru in cell.agents})
    ]
    figure = Figure(figsize=(10.0, 0.8 + 3.4 * max(1, len(rows))), layout="constrained")
    FigureCanvasAgg(figure)
    whose = next(iter(parts), "") if len(parts) == 1 else f"{len(parts)} policies"
    figure.suptitle(f"{whose} · {record.header['device_name']}", fontsize=10)
    panels = figure.subplots(max(1, len(rows)), 2, squeeze=False, sharey="row", sharex=True)
    for (left, right), (subject, dtype, gru) in zip(panels, rows, strict=False):
        cells = [cell for cell in parts[subject].cells if cell.dtype == dtype and gru in cell.agents]
        _lines(left, cells, gru, compressed=True)
        _lines(right, cells, gru, compressed=False)
        message = f"{dtype}, {gru} GRU" + (f"\n{subject}" if len(parts) > 1 else "")
        left.set_title(f"compressed 2:4, {message}", fontsize=9)
        right.set_title(f"auto, {message}", fontsize=9)
        left.set_ylabel("speed-up over dense", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=150)


def crossing(points: Sequence[Point]) -> float | None:
    """Where the medians last rise through 1, from a size that is slower beyond the spread to one that is faster.

    Sizes in between whose spread holds 1 are passed over; hidden sizes lie on a logarithmic axis as drawn.

    Args:
        points: in the order of hidden.

    Returns:
        the hidden size; None where nothing rises like that.
    """
    found = None
    sides = [gain.side for _, gain in points]
    for number, ((before, low), (after, high)) in enumerate(itertools.pairwise(points), 1):
        from_side = next((side for side in reversed(sides[:number]) if side), 0)
        to_side = next((side for side in sides[number:] if side), 0)
        if low.times < 1 <= high.times and (from_side, to_side) == (-1, 1):
            found = before * (after / before) ** ((1 - low.times) / (high.times - low.times))
    return found


def in_order(points: Iterable[Point]) -> list[Point]:
    """By hidden size."""
    return sorted(points, key=lambda point: point[0])


def draw_line(axes: Axes, points: Sequence[Point], place: float, colour: str, **look: Any) -> None:
    """A line through the medians, with bars from quartile to quartile and a stroke where it crosses 1.

    Args:
        axes: where.
        points: in the order of hidden.
        place: -1 to 1, where the line stands among the others, so that bars do not hide bars.
        colour: of all of it.
        look: further keywords of matplotlib's ``errorbar``.
    """
    aside = 2 ** (ASIDE * place)
    hidden, gains = [each * aside for each, _ in points], [gain for _, gain in points]
    below = [gain.times - gain.low for gain in gains]
    above = [gain.high - gain.times for gain in gains]
    times = [gain.times for gain in gains]
    axes.errorbar(hidden, times, yerr=[below, above], capsize=2.5, elinewidth=0.9, color=colour, **look)
    if (at := crossing(points)) is not None:
        axes.plot([at * aside], [1.0], marker="|", markersize=14, color=colour)


def place_of(number: int, count: int) -> float:
    """``place`` of the n-th of so many lines, evenly from -1 to 1."""
    return 2 * number / (count - 1) - 1 if count > 1 else 0.0


def _lines(axes: Axes, cells: Sequence[CellResult], gru: str, *, compressed: bool) -> None:
    batches = sorted({cell.batch for cell in cells})
    drawn = False
    for number, batch in enumerate(batches):
        points = in_order(
            (float(cell.hidden), gain)
            for cell in cells
            if cell.batch == batch and (gain := _gain(cell.agents[gru], compressed)) is not None
        )
        if not points:
            continue
        drawn = True
        grey = str(0.75 * (1 - number / max(1, len(batches) - 1)))  # larger batches are darker
        marker = MARKERS[number % len(MARKERS)]
        place = place_of(number, len(batches))
        draw_line(axes, points, place, grey, marker=marker, markersize=4, label=f"{batch:,}")
    axes.axhline(1.0, color="black", linewidth=0.8, linestyle="--")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted({cell.hidden for cell in cells}))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("hidden size", fontsize=9)
    axes.grid(alpha=0.3)
    if drawn:
        axes.legend(title="decisions", fontsize=7, title_fontsize=7)
    else:
        axes.text(0.5, 0.5, "n/a: nothing compressed ran here", transform=axes.transAxes, ha="center", fontsize=9)


def _gain(work: WorkResult, compressed: bool) -> Gain | None:
    return sparse_gain(work) if compressed else work.gain(work.auto)
