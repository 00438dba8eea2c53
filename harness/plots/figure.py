"""A plot as PNG, as SVG, and as the piece of HTML that the page holds."""

from __future__ import annotations

import hashlib
import html
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import Container
from matplotlib.figure import Figure

from harness.plots.style import plotting, svg_rules
from harness.runs.files import atomic_write

Draw = Callable[[Figure], "Sequence[Hit] | None"]
"""Fills a figure; the points that it returns show their values in the page."""
WIDTH, HEIGHT = 5.2, 3.4
"""Inches of a plot: two beside each other on a screen, and still legible on a phone."""
DPI = 160
LEGEND_ROW, ROWS_WITHIN = 0.19, 3
"""Inches of a row of a legend below the axes, and rows for which the usual height has room."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A point of a plot that shows its value when a pointer is over it."""

    axes: Axes
    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot that has been drawn and written."""

    name: str
    """Of its files, without ending."""
    title: str
    alt: str
    """What it shows, in words, for those who do not see it."""
    caption: str
    """How to read it."""
    svg: str
    """To be put into a page."""
    files: tuple[Path, ...]
    """PNG and SVG."""


def draw_plot(
    folder: Path, name: str, draw: Draw, *, title: str, alt: str, caption: str, height: float = HEIGHT
) -> Plot:
    """Draw one plot and write it as PNG and SVG.

    Args:
        folder: for the files.
        name: of the files, without ending; unique in the report.
        draw: fills the figure.
        title, alt, caption: as of ``Plot``.
        height: inches.
    """
    with plotting(name):
        figure, hits = _drawn(draw, title, WIDTH, height)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, for both files
        picture = io.StringIO()
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        body = _prepare(picture.getvalue(), name, title, alt)
        touched = body.replace("</svg>", f"{_targets(figure, hits)}</svg>")
        png, svg = folder / f"{name}.png", folder / f"{name}.svg"
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(png, dpi=DPI)
    styled = body.replace("<defs>", f"<style>{svg_rules()}</style>\n<defs>", 1)
    svg.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{styled}', encoding="utf-8")
    return Plot(name=name, title=title, alt=alt, caption=caption, svg=touched, files=(png, svg))


def write_picture(path: Path, draw: Draw, *, title: str, width: float = WIDTH, height: float = HEIGHT) -> None:
    """Draw a picture that stands in a file alone, in the style of the report's plots.

    Args:
        path: of the file; its ending decides the format, and its folder is made.
        draw: fills the figure.
        title: above the picture.
        width: inches, like ``height``.

    Raises:
        OSError: there is no room for it, or it may not be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with plotting(path.stem), atomic_write(path) as draft:
        _drawn(draw, title, width, height)[0].savefig(draft, dpi=DPI)


def _drawn(draw: Draw, title: str, width: float, height: float) -> tuple[Figure, Sequence[Hit]]:
    figure = Figure(figsize=(width, height), layout="constrained")  # no pyplot: it would keep global state
    FigureCanvasAgg(figure)
    hits = draw(figure) or ()
    rows = max((math.ceil(len(each.get_texts()) / each._ncols) for each in figure.legends), default=0)  # type: ignore[attr-defined]
    figure.set_figheight(height + LEGEND_ROW * max(0, rows - ROWS_WITHIN))
    _name_series(figure)
    figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=10.5, fontweight="bold")
    return figure, hits


def _name_series(figure: Figure) -> None:
    """Name what belongs to each entry of the legend, so that the page can hide it: ``of-0-…`` and ``toggle-0``."""
    for legend in figure.legends:
        for number, text in enumerate(legend.get_texts()):
            text.set_gid(f"toggle-{number}")
            artists: list[Any] = [
                part
                for axes in figure.axes
                for some in (axes.lines, axes.collections, axes.patches, axes.containers)
                for owner in some
                if str(owner.get_label()).lstrip("_") == text.get_text()
                for part in (owner.get_children() if isinstance(owner, Container) else [owner])
            ]
            for part, artist in enumerate(artists):
                artist.set_gid(f"of-{number}-{part}")


def _targets(figure: Figure, hits: Sequence[Hit]) -> str:
    """Invisible circles over points, in SVG's units: 72 to the inch, from the top."""
    scale, height = 72 / figure.dpi, 72 * figure.get_figheight()
    circles = []
    for hit in hits:
        x, y = hit.axes.transData.transform((hit.x, hit.y)) * scale
        text = html.escape(hit.text)
        position = f'cx="{x:.1f}" cy="{height - y:.1f}" r="7"'
        circles.append(f'<circle class="hit" {position} data-tip="{text}"><title>{text}</title></circle>')
    return "\n".join(circles)


def _as_id(name: str) -> str:
    """Return a name as part of an id: a stranger's names may hold quotes and brackets."""
    plain = re.sub(r"[^\w.-]", "_", name)
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _prepare(svg: str, name: str, title: str, alt: str) -> str:
    """The ``svg`` element alone: named for screen readers, its ids unlike those of other plots on the page."""
    name = _as_id(name)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?!#)', f' id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    label = f'<title id="{name}-title">{html.escape(title)}</title><desc id="{name}-alt">{html.escape(alt)}</desc>'
    head = f'<svg class="plot" role="img" aria-labelledby="{name}-title {name}-alt"'
    return re.sub(r"<svg([^>]*)>", lambda found: f"{head}{found[1]}>\n{label}", svg, count=1)
