"""How plots and page look: one palette for light and dark, each series distinct without colour as well.

Plots are drawn in the light colours. An SVG stays plain that way, so that every viewer shows it; rules that match those
colours put others in their place where the reader prefers dark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

from algorithms import registry

INK, MUTED, LINE, PAPER = "#1c2128", "#57606a", "#d8dee4", "#fdfdfe"
"""Text and axes, lesser text, grid, background; each unlike any other colour of a plot, so that rules can name it."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """How the n-th algorithm is drawn."""

    colour: str
    """In light surroundings."""
    on_dark: str
    line: Any
    """A dash pattern of matplotlib."""
    marker: str
    hatch: str


SERIES = (
    Series(colour="#0068a8", on_dark="#58b6f0", line="-", marker="o", hatch=""),
    Series(colour="#c4500a", on_dark="#ff9a56", line="--", marker="s", hatch="///"),
    Series(colour="#00795a", on_dark="#3fd0a4", line="-.", marker="^", hatch="\\\\\\"),
    Series(colour="#9b3d80", on_dark="#ec8fd0", line=":", marker="D", hatch="xxx"),
    Series(colour="#7a5c00", on_dark="#dcb73c", line=(0, (5, 1, 1, 1, 1, 1)), marker="v", hatch="---"),
    Series(colour="#4d53b3", on_dark="#a3a9ff", line=(0, (8, 2)), marker="P", hatch="|||"),
    Series(colour="#a3213a", on_dark="#ff8d9d", line=(0, (3, 1, 1, 1)), marker="X", hatch="++"),
    Series(colour="#3f6e1d", on_dark="#9bd26d", line=(0, (1, 3)), marker="*", hatch="--//"),
)
"""Okabe and Ito's hues, darkened to a contrast of at least 4.5 : 1 on the paper (lightened on dark)."""

MAIN = 4
"""Algorithms at the head of the registry whose looks no other algorithm has, while there are others left."""

DARK = {INK: "#e6edf3", MUTED: "#9aa4af", LINE: "#343b44", PAPER: "#11151a"} | {
    series.colour: series.on_dark for series in SERIES
}
"""Light colour -> what stands in its place on dark."""
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", PAPER: "paper"} | {
    series.colour: f"series-{number}" for number, series in enumerate(SERIES)
}
"""Light colour -> name of the page's CSS variable."""


def series(number: int) -> Series:
    """The look of the n-th algorithm; after the last it begins again."""
    return SERIES[number % len(SERIES)]


def looks(names: Sequence[str]) -> dict[str, Series]:
    """Return one look for each name of a figure: an algorithm has the same one in every figure.

    It follows from the algorithm's place in the registry; the first few keep theirs for themselves. Where a look is
    taken in this figure, by a variant of the same algorithm (``k24@b9ff92``) for example, the name has another one.
    """
    taken: dict[str, int] = {}
    for name in sorted(dict.fromkeys(names), key=_place):
        own = _place(name) if _place(name) < MAIN else MAIN + (_place(name) - MAIN) % (len(SERIES) - MAIN)
        free = [own, *reversed(range(len(SERIES)))]
        taken[name] = next((n for n in free if n not in taken.values()), len(taken) % len(SERIES))
    return {name: SERIES[taken[name]] for name in names}


def _place(name: str) -> int:
    """Place of the algorithm that a label begins with; labels of no algorithm come after all of them."""
    known = registry.ids()
    id = re.split(r"[@ ,(]", name)[0]
    return known.index(id) if id in known else len(known)


def plotting(name: str) -> AbstractContextManager[Any]:
    """Matplotlib's settings for one figure; ``name`` makes the ids inside its SVG reproducible."""
    return mpl.rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 9.0,
            "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
            "svg.hashsalt": name,
            "text.parse_math": False,  # names of studies and algorithms may hold "$"
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.titlesize": 10.0,
            "axes.edgecolor": MUTED,
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": LINE,
            "grid.linewidth": 0.6,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "legend.frameon": False,
            "legend.fontsize": 8.5,
            "figure.facecolor": PAPER,
            "hatch.linewidth": 0.6,
            "lines.markersize": 4.0,
        }
    )


def palette_css(colours: dict[str, str]) -> str:
    """CSS variables of one theme; ``colours`` maps light colours to those of the theme."""
    return "".join(f"--{name}:{colours.get(light, light)};" for light, name in VARIABLES.items())


def page_rules() -> str:
    """CSS by which plots inside the page take their colours from its variables."""
    return _rules(lambda light: f"var(--{VARIABLES[light]})")


def svg_rules() -> str:
    """CSS inside an SVG file of its own: another palette where the reader prefers dark."""
    return f"@media (prefers-color-scheme:dark){{{_rules(DARK.__getitem__)}}}"


def _rules(colour: Any) -> str:
    return "".join(
        f'[style*="{what}: {light}"]{{{what}:{colour(light)}!important}}'  # no ancestor: markers are drawn by <use>
        for light in VARIABLES
        for what in ("fill", "stroke")
    )
