"""Speed-up of 2:4 over dense by hidden size, a line for each batch, and where it crosses 1."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from harness.plots.figure import Plot, draw_plot, write_picture
from harness.plots.style import INK, Series, series
from harness.speed.record import Record
from harness.speed.results import Gain, WorkResult

Point = tuple[float, Gain]
"""Hidden size and gain."""
Lines = dict[str, list[Point]]
"""Label -> points in the order of hidden size."""
GainOf = Callable[[WorkResult], Gain | None]
KINDS: dict[str, tuple[str, GainOf]] = {
    "compressed": ("compressed 2:4", lambda work: work.sparse_gain()),
    "auto": ("the faster format of each layer (auto)", lambda work: work.gain(work.auto)),
}
ASIDE = 0.12
"""Octaves of hidden size that the outermost lines stand beside their true place."""


def plot_crossings(folder: Path, record: Record, number: int) -> list[Plot]:
    """Draw each panel as a plot of its own, for the report; ``number`` of the record, for the files' names."""
    return [
        _plot(folder, f"speedup-{number}-{name}", title, lines)
        for name, title, lines in panels_of(record)
        if any(lines.values())
    ]


def plot(path: Path, record: Record) -> None:
    """Draw all panels into one picture, a column for each kind of gain.

    Raises:
        OSError: there is no room for it, or it may not be written there.
    """
    panels, parts = panels_of(record), record.by_policy()
    count = max(1, len(panels) // len(KINDS))

    def draw(figure: Figure) -> None:
        places = figure.subplots(count, len(KINDS), squeeze=False, sharey="row", sharex=True)
        for axes, (_, panel_title, lines) in zip(places.flat, panels, strict=False):
            if any(lines.values()):
                draw_panel(axes, lines)
                axes.legend(fontsize=7)
            else:
                text = "n/a: nothing compressed ran here"
                axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", fontsize=9)
            axes.set_title(panel_title, fontsize=9)

    policies = next(iter(parts), "") if len(parts) == 1 else f"{len(parts)} policies"
    title = f"{policies} · {record.header['device_name']}"
    write_picture(path, draw, title=title, width=10.0, height=0.8 + 3.4 * count)


def panels_of(record: Record) -> list[tuple[str, str, Lines]]:
    """Return name, title and lines of a panel for each policy, dtype, GRU and kind of gain, in this order."""
    parts = record.by_policy()
    return [
        (
            f"{place}-{kind}-{dtype}-{gru.replace(':', '')}",
            f"{words}, {dtype}, {gru} GRU" + (f"\n{policy}" if len(parts) > 1 else ""),
            lines_of(part, dtype, gru, gain),
        )
        for place, (policy, part) in enumerate(parts.items())
        for dtype, gru in sorted({(point.dtype, gru) for point in part.results for gru in point.agents})
        for kind, (words, gain) in KINDS.items()
    ]


def lines_of(record: Record, dtype: str, gru: str, gain: GainOf) -> Lines:
    """Return the gains of one agent by batch; a batch without any keeps its place, so that colours agree."""
    points = sorted(
        (point for point in record.results if point.dtype == dtype and gru in point.agents), key=lambda c: c.hidden
    )
    found: Lines = {}
    for batch in sorted({point.batch for point in points}):
        own = [(float(point.hidden), gain(point.agents[gru])) for point in points if point.batch == batch]
        found[f"{batch:,} decisions"] = [(hidden, value) for hidden, value in own if value is not None]
    return found


def draw_panel(axes: Axes, lines: Lines) -> None:
    """Draw the lines of one agent over hidden size, and the line above which compression pays."""
    for number, (label, points) in enumerate(lines.items()):
        if points:
            draw_gains(axes, points, offset_of(number, len(lines)), series(number), label)
    axes.axhline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted({hidden for points in lines.values() for hidden, _ in points}))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="hidden size", ylabel="speed-up over dense")


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


def draw_gains(axes: Axes, points: Sequence[Point], at: float, look: Series, label: str) -> None:
    """A line through the medians, with bars from quartile to quartile and a stroke where it crosses 1.

    Points are in the order of hidden; ``at``, -1 to 1, is where the line stands among the others, so that bars do not
    hide bars.
    """
    aside = 2 ** (ASIDE * at)
    hidden, gains = [each * aside for each, _ in points], [gain for _, gain in points]
    below = [gain.times - gain.low for gain in gains]
    above = [gain.high - gain.times for gain in gains]
    times = [gain.times for gain in gains]
    style: dict[str, Any] = dict(color=look.colour, linestyle=look.line, marker=look.marker)
    axes.errorbar(hidden, times, yerr=[below, above], capsize=2.5, elinewidth=0.9, label=label, **style)
    if (crossed := crossing(points)) is not None:
        axes.plot([crossed * aside], [1.0], marker="|", markersize=14, color=look.colour)


def offset_of(number: int, count: int) -> float:
    """Return where the n-th of so many lines stands, evenly from -1 to 1."""
    return 2 * number / (count - 1) - 1 if count > 1 else 0.0


def _plot(folder: Path, name: str, title: str, lines: Lines) -> Plot:
    def draw(figure: Figure) -> None:
        draw_panel(figure.add_subplot(), lines)
        figure.legend(loc="outside lower left", ncols=3, handlelength=3.2)

    crossings = [(label, at) for label, points in lines.items() if (at := crossing(points)) is not None]
    best = max((gain.times, label, hidden) for label, points in lines.items() for hidden, gain in points)
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
