"""Plain English: phrases that the project has retired do not come back to the pages."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import PAGES, Page

RETIRED = (
    r"whoever|whatever arrives|anew|lest|to be had|nobody's|stands? in for|what came of|signs? of life|runs? in hand",
    r"is told|are told|tells apart|told apart|by its own self|meanwhile|for ever|who looks|at hand",
)
"""Phrases with a plain word of the field in their place, as regular expressions."""
PATTERN = re.compile("|".join(rf"\b(?:{words})\b" for words in RETIRED), re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_retired_phrase(page: Page) -> None:
    assert PATTERN.findall(page.text) == []


def test_links_have_words() -> None:
    """``[](page.md)`` takes its words from the page on the site, but is invisible where Markdown is read directly."""
    assert [page.name for page in PAGES if re.search(r"(?<!`)\[\]\(", page.text)] == []


def test_the_pattern_finds_them() -> None:
    assert PATTERN.findall("Whoever plays is told") == ["Whoever", "is told"]
    assert PATTERN.findall("a latest handheld") == []
