"""Lines over env steps: what the curves of reports share, and the picture of a single run or trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogFormatter
from numpy.typing import ArrayLike, NDArray

from common.errors import counted
from harness.plots.figure import Hit, write_picture
from harness.plots.style import Series, looks, series
from studies.rows import CurvePoint, common_points

Line = tuple[NDArray[np.int64], NDArray[np.float64]]
"""env_steps and values (P,)"""
MARKERS = 8
"""Markers of a line, at most about so many."""


def draw_line(axes: Axes, steps: Any, values: Any, look: Series, label: str) -> None:
    """Draw a line with its markers."""
    every = max(1, len(steps) // MARKERS)
    style: dict[str, Any] = dict(color=look.colour, linestyle=look.line, marker=look.marker, markevery=every)
    axes.plot(steps, values, linewidth=1.5, label=label, **style)


def shade(axes: Axes, steps: ArrayLike, low: ArrayLike, high: ArrayLike, look: Series, label: str) -> None:
    """Shade the interval of a line; it belongs to the line and has no entry of its own in the legend."""
    fill = axes.fill_between(steps, low, high, color=look.colour, alpha=0.14, linewidth=0)
    fill.set_label(f"_{label}")


def points_of(axes: Axes, label: str, line: Line) -> list[Hit]:
    """Return the points of a line that show their values in the page."""
    return [
        Hit(axes=axes, x=float(x), y=float(y), text=f"{label}: {y:.3g} at {x:,.0f} env steps")
        for x, y in zip(*line, strict=True)
    ]


def set_env_steps(axes: Axes) -> None:
    """Label the axis of env steps."""
    axes.set_xlabel("env steps")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlim(left=0)


def draw_panels(
    figure: Figure,
    panels: Mapping[str, Mapping[str, Line]],
    *,
    logarithmic: Sequence[str] = (),
    from_zero: bool = False,
) -> None:
    """Draw panels below each other, each with its own legend.

    Args:
        panels: title -> label -> line.
        logarithmic: titles of panels whose values are on a logarithmic axis.
        from_zero: whether all axes of values begin at 0.
    """
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, lines) in zip(rows, panels.items(), strict=True):
        if title in logarithmic:
            use_log_scale(axes, nonpositive="mask")
        for number, (label, line) in enumerate(lines.items()):
            draw_line(axes, *line, series(number), label)
        if from_zero:
            axes.set_ylim(bottom=0)
        axes.set_title(title, loc="left")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    set_env_steps(rows[-1])


def use_log_scale(axes: Axes, nonpositive: str = "clip") -> None:
    """Make the axis of values logarithmic, with plain numbers, since pictures set no formulas."""
    axes.set_yscale("log", nonpositive=nonpositive)
    axes.yaxis.set_major_formatter(PlainLogFormatter())
    axes.yaxis.set_minor_formatter(PlainLogFormatter(labelOnlyBase=False))


class PlainLogFormatter(LogFormatter):
    """Matplotlib's choice of the ticks that get a label, in plain numbers of all their digits."""

    def _num_to_string(self, x: float, vmin: float, vmax: float) -> str:
        return f"{x:g}"


def mean_line(runs: Sequence[Sequence[CurvePoint]], name: str) -> Line | None:
    """Average a diagnostic (or ``loss``) at each env_step that all runs that store it have; None: no run does."""
    stored = [
        {
            point.env_steps: value
            for point in points
            if (value := point.loss if name == "loss" else point.extra.get(name)) is not None and np.isfinite(value)
        }
        for points in runs
    ]
    stored = [values for values in stored if values]
    steps = sorted(set.intersection(*map(set, stored))) if stored else []
    if not steps:
        return None
    return np.array(steps), np.array([np.mean([values[step] for values in stored]) for step in steps])


def plot_curves(
    path: Path, curves: Mapping[str, Sequence[Sequence[CurvePoint]]], *, title: str, can_be_won: bool = True
) -> None:
    """Draw the mean win rate (the mean return where no one wins) over env_steps, the range between seeds shaded.

    ``curves``: algorithm -> one curve for each seed.
    """

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for algorithm, look in looks(list(curves)).items():
            seeds = curves[algorithm]
            steps, values = common_points(seeds, "win_rate" if can_be_won else "return_mean")
            label = f"{algorithm} ({counted(len(seeds), 'seed')})"
            draw_line(axes, steps, values.mean(axis=0), look, label)
            if len(seeds) > 1:
                shade(axes, steps, values.min(axis=0), values.max(axis=0), look, label)
        set_env_steps(axes)
        axes.set_ylabel("greedy win rate" if can_be_won else "greedy return")
        if can_be_won:
            axes.set_ylim(-0.02, 1.02)
        figure.legend(loc="outside lower left", ncols=2, handlelength=3.2)

    write_picture(path, draw, title=title)
