"""Pictures of masks: which patterns each unit type uses, how alike types are, how masks moved in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from algorithms.sparsity.tracker import PATTERNS
from harness.plots.run_curves import STYLES
from studies.rows import CurvePoint

COLOURS = "cividis"
"""Even in lightness, so that the pictures can be read in grey and by the colour-blind."""
TRACES = {
    "pattern_churn": "patterns changed since\nthe evaluation before",
    "pattern_overlap": "places where two groups\nchoose alike",
    "pattern_entropy": "evenness of pattern use",
    "mask_sparsity": "share of weights dropped",
    "mask_overlap": "weights that two groups\nmask alike",
}
"""Diagnostics of the learning curve that are drawn over training, where a run has them."""


def plot_masks(path: Path, masks: Mapping[str, Any], *, title: str) -> None:
    """Draw the masks of a trained policy: use or sparsity per layer and group above, agreement of groups below.

    Args:
        path: of the PNG; its folder is made.
        masks: what ``describe_masks`` gave.
        title: above the picture.
    """
    groups, layers = list(masks["groups"]), masks["layers"]
    many = len(groups) > 6  # numbers in the cells would overlap
    width, height = 2.9 * len(layers), 2.4 + 0.32 * len(groups)
    figure = _figure((max(width, 7.0), 2 * height), title)
    above, below = figure.subplots(2, len(layers), squeeze=False)
    for column, (name, layer) in enumerate(layers.items()):
        own = groups if len(layer["sparsity"]) == len(groups) else ["all"]
        labels = own if column == 0 else None
        if layer["pattern_use"] is not None:
            most = max(max(row) for each in layers.values() for row in each["pattern_use"])
            _heat(above[column], layer["pattern_use"], PATTERNS, labels, (0, most), numbers=not many)
            above[column].set_title(f"{name}: pattern use", fontsize=9)
        else:
            _heat(above[column], [[share] for share in layer["sparsity"]], [name], labels, (0, 1), numbers=not many)
            above[column].set_title(f"{name}: sparsity", fontsize=9)
        _heat(below[column], layer["agreement"], own, labels, (0, 1), numbers=not many)
        below[column].set_title(f"{name}: agreement", fontsize=9)
    _save(figure, path)


def plot_training(path: Path, points: Sequence[CurvePoint], layers: Sequence[str], *, title: str) -> bool:
    """Draw what training recorded of the masks, a line for each layer.

    Args:
        path: of the PNG.
        points: the run's learning curve.
        layers: names of its masked layers.
        title: above the picture.

    Returns:
        Whether there was anything to draw.
    """
    traces = {name: text for name, text in TRACES.items() if any(name in point.extra for point in points)}
    if not traces:
        return False
    figure = _figure((7.0, 1.2 + 2.1 * len(traces)), title)
    panels = figure.subplots(len(traces), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (name, text) in zip(panels, traces.items(), strict=True):
        for number, key in enumerate([name, *(f"{name}/{layer}" for layer in layers)]):
            found = [(point.env_steps, point.extra[key]) for point in points if key in point.extra]
            if name == "pattern_churn":
                found = found[1:]  # nothing came before the first evaluation that could have changed
            if found:
                line, marker = STYLES[(number - 1) % len(STYLES)]
                label = key.partition("/")[2] or "all"
                style: dict[str, Any] = dict(color="black", linewidth=2.2) if number == 0 else dict(linestyle=line)
                axes.plot(
                    *zip(*found, strict=True), marker=marker if number else None, markersize=3, label=label, **style
                )
        axes.set_ylabel(text, fontsize=8)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    panels[0].legend(ncols=4, fontsize=8)
    panels[-1].set_xlabel("env steps")
    _save(figure, path)
    return True


def _figure(size: tuple[float, float], title: str) -> Figure:
    figure = Figure(figsize=size, layout="constrained")  # no pyplot: it would keep global state
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    return figure


def _heat(
    axes: Axes,
    shares: Sequence[Sequence[float]],
    columns: Sequence[str],
    rows: Sequence[str] | None,
    limits: tuple[float, float],
    *,
    numbers: bool,
) -> None:
    """A table of shares, coloured; ``rows`` None leaves their names out."""
    cells = np.array(shares)
    axes.imshow(cells, cmap=COLOURS, vmin=limits[0], vmax=limits[1], aspect="auto")
    axes.set_xticks(range(len(columns)), columns, fontsize=7, rotation=60 if max(map(len, columns)) > 4 else 45)
    axes.set_yticks(range(len(cells)), rows or [""] * len(cells), fontsize=7)
    if numbers:
        for (y, x), share in np.ndenumerate(cells):
            dark = share < limits[0] + 0.55 * (limits[1] - limits[0])
            axes.text(x, y, f"{share:.0%}", ha="center", va="center", fontsize=6.5, color="white" if dark else "black")


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
