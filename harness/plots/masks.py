"""How the masks of trained policies are used: patterns, sparsity and agreement per layer and unit type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from algorithms.sparsity.tracker import PATTERNS
from common.errors import counted
from harness.plots.figure import Plot, draw_plot, write_picture
from harness.plots.style import INK, MUTED, PAPER, series
from harness.results.mask_tables import names_of
from harness.runs.files import file_name
from studies.rows import RunRow

COLOURS = "cividis"
"""Even in lightness, so that tables of shares can be read in grey and by the colour-blind."""
MOST_NUMBERS = 6
"""Groups beyond which numbers in the cells of a table would overlap."""


def plot_masks(folder: Path, algorithm: str, scenario: str, runs: Sequence[RunRow], number: int) -> list[Plot]:
    """The masks of an algorithm on a scenario, mean over its seeds; none where it has none.

    ``number`` makes the file's name unique.
    """
    masked = [run.details["masks"] for run in runs if run.sparsity_masked > 0 and run.details.get("masks")]
    if not masked:
        return []
    first, seeds = masked[0], counted(len(masked), "seed")
    name = f"masks-{number}-{file_name(scenario)}"
    use = {each: _mean(masked, each, "pattern_use") for each, layer in first["layers"].items() if layer["pattern_use"]}
    if use:
        plot = draw_plot(
            folder,
            name,
            lambda figure: _patterns(figure, use, first["groups"]),
            title=f"{algorithm} on {scenario}: use of the six 2:4 patterns",
            alt="Bars for each layer, pattern and unit type. " + _most_used(use, first["groups"]),
            caption=f"Share of the groups of four inputs in which a type keeps the two that the pattern marks with 1; "
            f"mean over {seeds}. The line is even use, 1/6.",
            height=1.3 + 1.25 * len(use),
        )
        return [plot]
    sparsity = {layer: _mean(masked, layer, "sparsity") for layer in first["layers"]}
    highest = max(sparsity.items(), key=lambda item: item[1].max())
    plot = draw_plot(
        folder,
        name,
        lambda figure: _sparsity(figure, sparsity, first["groups"]),
        title=f"{algorithm} on {scenario}: sparsity by layer",
        alt=f"Bars for each layer and unit type; the highest is {highest[0]} with {highest[1].max():.1%}.",
        caption=f"Zeros among the weights of a layer, by unit type; mean over {seeds}.",
        height=2.6,
    )
    return [plot]


def _patterns(figure: Figure, use: Mapping[str, NDArray[np.float64]], groups: Sequence[str]) -> None:
    """A row of bars for each layer."""
    panels = figure.subplots(len(use), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (layer, shares) in zip(panels, use.items(), strict=True):
        _bars(axes, shares, PATTERNS, groups)
        axes.axhline(1 / len(PATTERNS), color=INK, linewidth=0.7, linestyle=(0, (4, 2)))
        axes.set_ylabel(layer)
    panels[-1].set_xlabel("pattern: 1 kept, 0 dropped")
    _legend(figure, panels[0])


def _sparsity(figure: Figure, sparsity: Mapping[str, NDArray[np.float64]], groups: Sequence[str]) -> None:
    """Bars of all layers in one row; a layer with one mask for all types shows it once."""
    axes = figure.add_subplot()
    most = max(len(shares) for shares in sparsity.values())
    table = np.array([np.resize(shares, most) for shares in sparsity.values()]).T
    _bars(axes, table, list(sparsity), groups)
    axes.set_ylabel("zeros")
    _legend(figure, axes)


def _bars(axes: Axes, shares: NDArray[np.float64], places: Sequence[str], groups: Sequence[str]) -> None:
    """Bars side by side: ``shares`` (groups, places)."""
    width = 0.84 / len(shares)
    for k, (name, heights) in enumerate(zip(names_of(groups, shares), shares, strict=True)):
        look = series(k)
        at = np.arange(len(places)) + (k - (len(shares) - 1) / 2) * width
        axes.bar(
            at, heights, width, label=name, facecolor=look.colour, hatch=look.hatch, edgecolor=PAPER, linewidth=0.4
        )
    axes.set_xticks(range(len(places)), places)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", length=0, color=MUTED)


def _legend(figure: Figure, axes: Axes) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=4, handleheight=1.2)


def _mean(masked: Sequence[Mapping[str, Any]], layer: str, what: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.mean([masks["layers"][layer][what] for masks in masked], axis=0)
    return values


def _most_used(use: Mapping[str, NDArray[np.float64]], groups: Sequence[str]) -> str:
    """The favourite of each layer in words."""
    message = []
    for layer, shares in use.items():
        group, pattern = divmod(int(shares.argmax()), shares.shape[1])
        who = names_of(groups, shares)[group]
        message.append(f"{layer}: {who} uses {PATTERNS[pattern]} most, {shares.max():.0%}")
    return "; ".join(message) + "."


def plot_run_masks(path: Path, masks: Mapping[str, Any], *, title: str) -> None:
    """Draw what ``describe_masks`` gave: use or sparsity per layer and group above, agreement of groups below."""
    groups, layers = list(masks["groups"]), masks["layers"]
    numbers = len(groups) <= MOST_NUMBERS
    most = max((max(map(max, layer["pattern_use"])) for layer in layers.values() if layer["pattern_use"]), default=1.0)

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, len(layers), squeeze=False)
        for column, (name, layer) in enumerate(layers.items()):
            own = names_of(groups, layer["sparsity"])
            labels = own if column == 0 else None
            if layer["pattern_use"] is not None:
                _heat(above[column], f"{name}: pattern use", layer["pattern_use"], PATTERNS, labels, most, numbers)
            else:
                shares = [[share] for share in layer["sparsity"]]
                _heat(above[column], f"{name}: sparsity", shares, [name], labels, 1.0, numbers)
            _heat(below[column], f"{name}: agreement", layer["agreement"], own, labels, 1.0, numbers)

    write_picture(path, draw, title=title, width=max(2.9 * len(layers), 7.0), height=4.8 + 0.64 * len(groups))


def _heat(
    axes: Axes,
    title: str,
    shares: Sequence[Sequence[float]],
    columns: Sequence[str],
    rows: Sequence[str] | None,
    most: float,
    numbers: bool,
) -> None:
    """A table of shares from 0 to ``most``, coloured; ``rows`` None leaves their names out."""
    cells = np.array(shares)
    axes.imshow(cells, cmap=COLOURS, vmin=0.0, vmax=most, aspect="auto")
    axes.set_title(title, fontsize=9)
    axes.grid(visible=False)
    axes.set_xticks(range(len(columns)), columns, fontsize=7, rotation=60 if max(map(len, columns)) > 4 else 45)
    axes.set_yticks(range(len(cells)), rows or [""] * len(cells), fontsize=7)
    if numbers:
        for (y, x), share in np.ndenumerate(cells):
            colour = "white" if share < 0.55 * most else "black"
            axes.text(x, y, f"{share:.0%}", ha="center", va="center", fontsize=6.5, color=colour)
