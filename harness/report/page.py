"""The page: what its sections hold, and how they become one HTML file that needs nothing beside it.

The HTML lies in ``templates``; Jinja fills it in and escapes what it fills in.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.plots.figure import Plot
from harness.plots.style import DARK, page_rules, palette_css
from harness.report.clips import PICTURES_PER_SECOND, SPEED, Clip


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; the first cell of a row names the row."""

    caption: str
    heads: Sequence[str]
    words: Collection[str]
    """Heads of the columns that hold words, which stand on the left, and not numbers."""
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Details:
    """A part of the page that is folded away at first."""

    summary: str
    pairs: Sequence[tuple[str, str]] = ()
    """Names and their values."""
    texts: Sequence[str] = ()
    code: Sequence[str] = ()
    open: bool = False
    printed: bool = True
    """Whether it appears on paper."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A chapter of the page; its parts stand in the order of the fields."""

    id: str
    """Its name in the line of links, too."""
    title: str
    lead: Sequence[str] = ()
    verdicts: Sequence[str] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    clips: Sequence[Clip] = ()
    details: Sequence[Details] = ()
    empty: str = ""
    """Why there is nothing to show, and what would make it so."""
    code: Sequence[str] = ()
    """Commands to type."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """The whole report."""

    title: str
    subtitle: str
    headline: str = ""
    """What was found, in a sentence."""
    limits: Sequence[str] = ()
    """What a reader must know before believing it, a sentence each."""
    sections: Sequence[Section]
    footer: str


def render(page: Page, path: Path) -> str:
    """The page as HTML; files are linked from ``path``, where it will lie."""

    def beside(file: Path) -> str:
        return Path(os.path.relpath(file, path.parent)).as_posix()

    speeds = {"pictures_per_second": PICTURES_PER_SECOND, "speed": SPEED}
    return fill_in("page.html", page=page, beside=beside, plot_css=Markup(page_rules()), **speeds)


def fill_in(template: str, **values: Any) -> str:
    """Return a page of ``templates`` as HTML, in the styles that all of them share."""
    environment = Environment(
        loader=PackageLoader("harness.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = {name: Markup(environment.get_template(f"page.{name}").render()) for name in ("css", "js")}
    palettes = {"light_css": Markup(palette_css({})), "dark_css": Markup(palette_css(DARK))}
    return environment.get_template(template).render(**values, **palettes, **source)
