"""Learning curves as a picture that stays readable in grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from studies.rows import CurvePoint, common_points

STYLES = (("-", "o"), ("--", "s"), ("-.", "^"), (":", "D"), ((0, (5, 1, 1, 1, 1, 1)), "v"))
"""Line and marker of the first, second, … algorithm: distinct without colour."""


def plot_curves(
    path: Path, curves: Mapping[str, Sequence[Sequence[CurvePoint]]], *, title: str, can_be_won: bool = True
) -> None:
    """Draw the mean win rate (the mean return where no one wins) over env_steps, the range between seeds shaded.

    Args:
        path: of the PNG; its folder is made.
        curves: algorithm -> one curve for each seed.
        title: above the picture.
        can_be_won: whether the scenario has winners.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")  # no pyplot: it would keep global state
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, (algorithm, seeds) in enumerate(curves.items()):
        line, marker = STYLES[number % len(STYLES)]
        steps, rates = common_points(seeds, "win_rate" if can_be_won else "return_mean")
        label = f"{algorithm} ({len(seeds)} seed{'s' if len(seeds) > 1 else ''})"
        drawn = axes.plot(steps, rates.mean(axis=0), linestyle=line, marker=marker, markersize=4, label=label)
        if len(seeds) > 1:
            axes.fill_between(steps, rates.min(axis=0), rates.max(axis=0), alpha=0.15, color=drawn[0].get_color())
    axes.set(xlabel="env steps", ylabel="greedy win rate" if can_be_won else "greedy return", title=title)
    if can_be_won:
        axes.set_ylim(-0.02, 1.02)
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
