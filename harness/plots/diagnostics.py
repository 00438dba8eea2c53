"""What the learners say of themselves over training: loss, gradient norm, temperature, churn of masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from harness.plots.figure import Hit, Plot, draw_plot
from harness.plots.style import series
from harness.results.study_data import StudyData
from harness.runs.files import file_name
from studies.rows import CurvePoint

SHOWN = {
    "loss": "loss",
    "grad_norm": "gradient norm",
    "q_taken": "value of actions taken",
    "temperature": "temperature",
    "pattern_churn": "2:4 patterns changed",
    "pattern_entropy": "entropy of patterns",
    "pattern_overlap": "overlap of patterns",
    "mask_sparsity": "zeros of the masks",
    "mask_overlap": "overlap of masks",
}
"""Numbers of the evaluations that are drawn, and what their axis says."""
ON_LOG = ("loss", "grad_norm")


def plot_diagnostics(folder: Path, data: StudyData, scenario: str) -> list[Plot]:
    """Draw each number that some run of the scenario has, one line for each algorithm, its mean over seeds."""
    found = []
    for key, axis in SHOWN.items():
        lines = {}
        for number, algorithm in enumerate(data.algorithms):
            runs = [*data.groups.get((algorithm, scenario), ()), *data.under_way.get((algorithm, scenario), ())]
            line = mean_over_seeds([data.curves[run.run_id] for run in runs], key)
            if line is not None:
                lines[algorithm] = (number, *line)
        if lines:
            found.append(_draw(folder, scenario, key, axis, lines))
    return found


def mean_over_seeds(
    curves: Sequence[Sequence[CurvePoint]], key: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return env_steps and means of a number where any seed has it; ``None`` where there are fewer than two."""
    by_step: dict[int, list[float]] = {}
    for points in curves:
        for point in points:
            value = point.loss if key == "loss" else point.extra.get(key)
            if value is not None and np.isfinite(value):
                by_step.setdefault(point.env_steps, []).append(value)
    if len(by_step) < 2:
        return None
    steps = sorted(by_step)
    return np.array(steps, np.float64), np.array([np.mean(by_step[step]) for step in steps])


Lines = dict[str, tuple[int, NDArray[np.float64], NDArray[np.float64]]]


def _draw(folder: Path, scenario: str, key: str, axis: str, lines: Lines) -> Plot:
    def draw(figure: Figure) -> list[Hit]:
        axes = figure.add_subplot()
        hits = []
        for algorithm, (number, steps, values) in lines.items():
            look = series(number)
            axes.plot(steps, values, color=look.colour, linestyle=look.line, linewidth=1.4, label=algorithm)
            hits += [
                Hit(axes=axes, x=float(x), y=float(y), text=f"{algorithm}: {y:.3g} at {x:,.0f} env steps")
                for x, y in zip(steps, values, strict=True)
            ]
        if key in ON_LOG and all((values > 0).all() for _, _, values in lines.values()):
            axes.set_yscale("log")
        axes.set(xlabel="env steps", ylabel=axis)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_xlim(left=0)
        figure.legend(loc="outside lower left", ncols=4, handlelength=3.0)
        return hits

    ends = "; ".join(f"{algorithm} {values[-1]:.3g}" for algorithm, (_, _, values) in lines.items())
    return draw_plot(
        folder,
        f"learner-{key}-{file_name(scenario)}",
        draw,
        title=f"{scenario}: {axis}",
        alt=f"Lines over env steps. At their ends: {ends}.",
        caption="Mean over seeds, as reported at each evaluation.",
        height=2.5,
    )
