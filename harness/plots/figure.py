"""A plot as PNG, as SVG, and as the piece of HTML that the page holds."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harness.plots.style import plotting, svg_rules

WIDTH, HEIGHT = 5.2, 3.4
"""Inches of a plot: two beside each other on a screen, and still legible on a phone."""
DPI = 160


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
    folder: Path,
    name: str,
    draw: Callable[[Figure], None],
    *,
    title: str,
    alt: str,
    caption: str,
    height: float = HEIGHT,
) -> Plot:
    """Draw one plot and write it as PNG and SVG.

    Args:
        folder: for the files.
        name: of the files, without ending; unique in the report.
        draw: fills the figure.
        title: stands above the plot in its files, and as heading of it in the page.
        alt: what it shows, in words.
        caption: how to read it.
        height: inches.
    """
    with plotting(name):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")  # no pyplot: it would keep global state
        FigureCanvasAgg(figure)
        draw(figure)
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=10.5, fontweight="bold")
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, for both files
        picture = io.StringIO()
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        body = _prepare(picture.getvalue(), name, title, alt)
        png, svg = folder / f"{name}.png", folder / f"{name}.svg"
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(png, dpi=DPI)
    styled = body.replace("<defs>", f"<style>{svg_rules()}</style>\n<defs>", 1)
    svg.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{styled}', encoding="utf-8")
    return Plot(name=name, title=title, alt=alt, caption=caption, svg=body, files=(png, svg))


def _prepare(svg: str, name: str, title: str, alt: str) -> str:
    """The ``svg`` element alone: named for screen readers, its ids unlike those of other plots on the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?!#)', f' id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    label = f'<title id="{name}-title">{html.escape(title)}</title><desc id="{name}-alt">{html.escape(alt)}</desc>'
    head = f'<svg class="plot" role="img" aria-labelledby="{name}-title {name}-alt"'
    return re.sub(r"<svg([^>]*)>", lambda found: f"{head}{found[1]}>\n{label}", svg, count=1)
