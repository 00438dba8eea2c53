"""The picture of a stage of the study: how each arm learns, and what it wins in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from benchmarks.study.files import FinishedRun, Place, Point
from benchmarks.study.stages import Stage
from benchmarks.study.table import Runs, interval_of, of_group
from harness.plots.figure import write_picture
from harness.plots.lines import draw_line, set_env_steps
from harness.plots.style import Series, looks

Points = Mapping[Place, Sequence[Point]]
PANEL = 3.0
"""Width and height of a panel, inches."""


def draw_stage(path: Path, stage: Stage, runs: Runs, points: Points) -> None:
    """Draw a column for each scenario: above the mean return of greedy battles while the arms learn, below win rates.

    Args:
        path: of the PNG.
        stage: whose picture it is.
        runs: those that have finished.
        points: of the same runs; those that another sitting stored without returns are left out of the curves.
    """
    groups = {
        scenario: {arm.label: group for arm in stage.arms if (group := of_group(stage, runs, arm.label, scenario))}
        for scenario in stage.scenarios
    }
    groups = {scenario: arms for scenario, arms in groups.items() if arms}
    look = looks([arm.label for arm in stage.arms if any(arm.label in arms for arms in groups.values())])
    curves = {place: curve for place in runs if (curve := _returns(points.get(place, ())))}
    height = 2 if curves else 1

    def draw(figure: Figure) -> None:
        panels = figure.subplots(height, len(groups), squeeze=False, sharex="row", sharey="row")
        for (scenario, arms), column in zip(groups.items(), panels.T, strict=True):
            column[0].set_title(scenario)
            _draw_win_rates(column[-1], arms, look)
            if curves:
                for arm, group in arms.items():
                    _draw_curve(column[0], [curves[run.place] for run in group if run.place in curves], look[arm], arm)
                set_env_steps(column[0])
        if curves:
            panels[0, 0].set_ylabel("return of greedy battles, mean")
            lines = {line.get_label(): line for axes in panels[0] for line in axes.get_legend_handles_labels()[0]}
            known = [arm for arm in look if arm in lines]
            figure.legend([lines[arm] for arm in known], known, loc="outside lower center", ncols=3, handlelength=3.2)

    seeds = sorted({run.seed for run in runs.values()})
    span = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    title = f"K24, stage {stage.name}: {stage.env_steps:,} env steps, {span}"
    write_picture(path, draw, title=title, width=PANEL * max(2, len(groups)), height=height * PANEL)


def _returns(points: Sequence[Point]) -> dict[int, float]:
    """env_steps -> mean return; empty where they were stored without returns."""
    return {int(point["env_steps"]): float(point["return_mean"]) for point in points if "return_mean" in point}


def _draw_curve(axes: Axes, seeds: Sequence[Mapping[int, float]], look: Series, arm: str) -> None:
    """Draw the mean over seeds at the env steps that all of them were evaluated at."""
    if seeds:
        steps = sorted(set.intersection(*map(set, seeds)))
        means = [fmean(curve[step] for curve in seeds) for step in steps]
        draw_line(axes, np.array(steps), np.array(means), look, arm)


def _draw_win_rates(axes: Axes, arms: Mapping[str, Sequence[FinishedRun]], look: Mapping[str, Series]) -> None:
    """Draw a bar from end to end of each interval, its middle, and a small circle for each seed, a row for an arm."""
    rows = [*look][::-1]
    for arm, group in arms.items():
        place, style, found = rows.index(arm), look[arm], interval_of(group)
        axes.plot([found.low, found.high], [place, place], color=style.colour, linewidth=2.5, alpha=0.5)
        axes.plot(found.estimate, place, marker=style.marker, color=style.colour, markersize=7)
        axes.plot([run.win_rate for run in group], [place - 0.22] * len(group), ".", color=style.colour, alpha=0.7)
    axes.set_yticks(range(len(rows)), rows)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.set_xlabel("final win rate, 95% interval, seeds")
