"""Diagnostics of learners over training: those that many have, side by side, and those that an algorithm registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from algorithms.registry import Panel
from common.errors import counted
from harness.plots.figure import Hit, Plot, draw_plot, write_picture
from harness.plots.lines import Line, draw_line, draw_panels, mean_line, points_of, set_env_steps, use_log_scale
from harness.plots.style import looks
from harness.results.mask_tables import BY_LAYER
from harness.results.study_data import StudyData
from harness.runs.files import file_name
from studies.rows import CurvePoint

SHOWN = {
    "loss": "loss",
    "grad_norm": "gradient norm",
    "q_taken": "value of actions taken",
    "pattern_churn": "2:4 patterns changed",
    "pattern_entropy": "entropy of patterns",
    "pattern_overlap": "overlap of patterns",
    "mask_sparsity": "zeros of the masks",
    "mask_overlap": "overlap of masks",
}
"""Numbers of the evaluations that are drawn, and what their axis says."""
ON_LOG = ("loss", "grad_norm")


def plot_diagnostics(folder: Path, data: StudyData, scenario: str) -> list[Plot]:
    """Draw each number that some run of the scenario has, one line for each algorithm, its mean over seeds.

    The seeds are the finished ones, or those in training where none has finished, as in the learning curves.
    """
    curves = {algorithm: data.newest_curves(algorithm, scenario) for algorithm in data.algorithms}
    found = []
    for name, axis in SHOWN.items():
        means = {algorithm: mean_line(seeds, name) for algorithm, seeds in curves.items()}
        lines = {algorithm: line for algorithm, line in means.items() if line and len(line[0]) > 1}
        if lines:
            found.append(_plot(folder, scenario, name, axis, lines, data.algorithms))
    return found


def _plot(
    folder: Path, scenario: str, name: str, axis: str, lines: Mapping[str, Line], algorithms: Sequence[str]
) -> Plot:
    def draw(figure: Figure) -> list[Hit]:
        axes = figure.add_subplot()
        for algorithm, line in lines.items():
            draw_line(axes, *line, looks(algorithms)[algorithm], algorithm)
        if name in ON_LOG and all((values > 0).all() for _, values in lines.values()):
            use_log_scale(axes)
        axes.set_ylabel(axis)
        set_env_steps(axes)
        figure.legend(loc="outside lower left", ncols=4, handlelength=3.0)
        return [hit for algorithm, line in lines.items() for hit in points_of(axes, algorithm, line)]

    ends = "; ".join(f"{algorithm} {values[-1]:.3g}" for algorithm, (_, values) in lines.items())
    return draw_plot(
        folder,
        f"learner-{name}-{file_name(scenario)}",
        draw,
        title=f"{scenario}: {axis}",
        alt=f"Lines over env steps. At their ends: {ends}.",
        caption="Mean over seeds, as reported at each evaluation.",
        height=2.5,
    )


def plot_panels(
    folder: Path,
    algorithm: str,
    scenario: str,
    panels: Sequence[Panel],
    runs: Sequence[Sequence[CurvePoint]],
    number: int,
) -> list[Plot]:
    """Draw the diagnostics that an algorithm registered as its own, mean over its runs; nothing where none is stored.

    ``number`` makes the file's name unique.
    """
    drawn = {panel.title: lines for panel in panels if (lines := _lines(runs, panel.lines))}
    if not drawn:
        return []
    notes = "".join(f" {panel.note}" for panel in panels if panel.note and panel.title in drawn)
    ends = (f"{title}, {label}: {line[1][-1]:.3g}" for title, lines in drawn.items() for label, line in lines.items())
    plot = draw_plot(
        folder,
        f"own-{number}-{file_name(scenario)}",
        lambda figure: draw_panels(figure, drawn, logarithmic=[panel.title for panel in panels if panel.logarithmic]),
        title=f"{algorithm} on {scenario}: its own diagnostics",
        alt=f"Panels of curves over training. At their ends: {'; '.join(ends)}.",
        caption=f"Mean over {counted(len(runs), 'seed')}, as reported at each evaluation.{notes}",
        height=0.8 + 1.3 * len(drawn),
    )
    return [plot]


def _lines(runs: Sequence[Sequence[CurvePoint]], labels: Mapping[str, str]) -> dict[str, Line]:
    """Return label -> line of those diagnostics that are stored, from diagnostic -> label."""
    return {label: line for name, label in labels.items() if (line := mean_line(runs, name)) is not None}


def plot_masks_over_training(path: Path, points: Sequence[CurvePoint], layers: Sequence[str], *, title: str) -> bool:
    """Draw what training recorded of a run's masked layers, a line for each; return whether there was anything."""
    panels: dict[str, dict[str, Line]] = {}
    for name, words in BY_LAYER.items():
        since = points[1:] if name == "pattern_churn" else points  # nothing changed before the first evaluation
        if lines := _lines([since], {name: "all", **{f"{name}/{layer}": layer for layer in layers}}):
            panels[words] = lines
    if panels:
        height = 1.2 + 2.1 * len(panels)
        write_picture(path, lambda f: draw_panels(f, panels, from_zero=True), title=title, width=8.0, height=height)
    return bool(panels)
