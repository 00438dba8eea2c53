"""The picture of a stage of the study: how each arm learns, and what it wins in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from harness.plots.figure import write_picture
from harness.plots.lines import draw_line, set_env_steps
from harness.plots.style import Series, looks
from harness.results.aggregates import AlgorithmRow
from studies.rows import CurvePoint, common_points

Curves = Mapping[tuple[str, str], Sequence[Sequence[CurvePoint]]]
"""(arm, scenario) -> a curve for each seed"""
PANEL = 3.0
"""Width and height of a panel, inches."""


def draw_stage(path: Path, rows: Sequence[AlgorithmRow], curves: Curves, *, title: str) -> None:
    """Draw a column for each scenario: above the mean return of greedy battles while the arms learn, below win rates.

    Args:
        path: of the PNG.
        rows: one for each arm and scenario, with the final win rate, its interval and each seed's.
        curves: of the same runs.
        title: above the picture.
    """
    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    look = looks(list(dict.fromkeys(row.algorithm for row in rows)))

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, len(scenarios), squeeze=False, sharex="row", sharey="row")
        for column, scenario in enumerate(scenarios):
            of_scenario = [row for row in rows if row.scenario == scenario]
            above[column].set_title(scenario)
            _draw_curves(above[column], [(row.algorithm, curves[row.algorithm, scenario]) for row in of_scenario], look)
            _draw_win_rates(below[column], of_scenario, look)
        above[0].set_ylabel("return of greedy battles, mean")
        handles, labels = above[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=3.2)

    write_picture(path, draw, title=title, width=PANEL * max(2, len(scenarios)), height=2 * PANEL)


def _draw_curves(
    axes: Axes, arms: Sequence[tuple[str, Sequence[Sequence[CurvePoint]]]], look: Mapping[str, Series]
) -> None:
    for arm, seeds in arms:
        steps, values = common_points(seeds, "return_mean")
        draw_line(axes, steps, values.mean(axis=0), look[arm], arm)
    set_env_steps(axes)


def _draw_win_rates(axes: Axes, rows: Sequence[AlgorithmRow], look: Mapping[str, Series]) -> None:
    """Draw a bar from end to end of each interval, its middle, and a small circle for each seed."""
    for place, row in enumerate(reversed(rows)):
        style = look[row.algorithm]
        axes.plot([row.win_low, row.win_high], [place, place], color=style.colour, linewidth=2.5, alpha=0.5)
        axes.plot(row.win_rate, place, marker=style.marker, color=style.colour, markersize=7)
        axes.plot(row.scores, [place - 0.22] * len(row.scores), ".", color=style.colour, alpha=0.7)
    axes.set_yticks(range(len(rows)), [row.algorithm for row in reversed(rows)])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_xlabel("final win rate, 95% interval, seeds")
