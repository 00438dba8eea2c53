"""How K24's search for masks went over training: certainty, energy kept, values, gradients, α, agreement of types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harness.plots.figure import Plot, draw_plot
from harness.plots.style import series
from harness.runs.files import file_name
from studies.rows import CurvePoint

PANELS: Mapping[str, Mapping[str, str]] = {
    "draws of the masks": {"draws_differ": "two draws differ", "best_chance": "chance of the best"},
    "weight energy kept": {"energy_drawn": "by a draw", "energy_best": "by the best"},
    "mean |Q| of legal actions": {"q_drawn": "under a draw", "q_best": "under the best"},
    "gradient, root mean square": {
        "gradient_kept": "kept weights",
        "gradient_dropped": "weights all types drop",
        "gradient_alpha": "α",
    },
    "α": {"alpha_moved": "moved (rms)", "alpha_flips": "decides the pattern"},
    "patterns": {"pattern_overlap": "alike in two types", "pattern_churn": "changed since the last"},
}
"""Title of a panel -> diagnostic -> what it is called there; see ``describe_search``."""
LOGARITHMIC = ("gradient, root mean square",)

Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
"""env_steps and values (P,)"""


def plot_mask_search(
    folder: Path, algorithm: str, scenario: str, runs: Sequence[Sequence[CurvePoint]], number: int
) -> list[Plot]:
    """Draw the diagnostics of one algorithm on one scenario, mean over its seeds; nothing where it stores none.

    Args:
        folder: for the files.
        algorithm: its variant's name.
        scenario: where.
        runs: evaluations of its runs there.
        number: makes the file's name unique.
    """
    names = [name for panel in PANELS.values() for name in panel]
    curves = {name: curve for name in names if (curve := mean_curve(runs, name)) is not None}
    if "best_chance" not in curves:
        return []
    last = {name: values[-1] for name, (_, values) in curves.items()}
    differ, energy = last["draws_differ"], last["energy_best"]
    seeds = f"{len(runs)} seed{'s' if len(runs) > 1 else ''}"
    plot = draw_plot(
        folder,
        f"search-{number}-{file_name(scenario)}",
        lambda figure: _draw(figure, curves),
        title=f"{algorithm} on {scenario}: how its masks are found",
        alt="Panels of curves over training. At the last evaluation "
        f"two draws differ in {differ:.0%} of groups and masks keep {energy:.0%} of the weights' energy.",
        caption=f"Means over layers and {seeds} at each evaluation. Gradients are those of the last update before it, "
        "values those of the first update after the evaluation before.",
        height=8.6,
    )
    return [plot]


def mean_curve(runs: Sequence[Sequence[CurvePoint]], name: str) -> Curve | None:
    """Average one diagnostic over runs at each env_step that all of them that store it have; None: no run does."""
    stored = [{point.env_steps: point.extra[name] for point in points if name in point.extra} for points in runs]
    stored = [values for values in stored if values]
    if not stored:
        return None
    steps = sorted(set.intersection(*(set(values) for values in stored)))
    if not steps:
        return None
    return np.array(steps), np.array([np.mean([values[step] for values in stored]) for step in steps])


def _draw(figure: Figure, curves: Mapping[str, Curve]) -> None:
    shown = {title: panel for title, panel in PANELS.items() if panel.keys() & curves.keys()}
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, panel) in zip(panels, shown.items(), strict=True):
        if title in LOGARITHMIC:
            axes.set_yscale("log", nonpositive="mask")
        _lines(axes, {text: curves[name] for name, text in panel.items() if name in curves})
        axes.set_title(title, loc="left")
    panels[-1].set_xlabel("env steps")


def _lines(axes: Axes, curves: Mapping[str, Curve]) -> None:
    for number, (text, (steps, values)) in enumerate(curves.items()):
        look = series(number)
        axes.plot(steps, values, color=look.colour, linestyle=look.line, label=text)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
