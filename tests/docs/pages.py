"""The README and the pages of ``docs/``, and what is in their code blocks."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Page:
    """One Markdown page."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def blocks(self, language: str) -> list[str]:
        """Return the fenced blocks of one language, in order."""
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, flags=re.DOTALL | re.MULTILINE)

    @property
    def commands(self) -> list[str]:
        """The lines of its ``bash`` blocks: what a reader can type without anything else installed."""
        return [line for block in self.blocks("bash") for line in block.splitlines() if line.strip()]

    @property
    def files(self) -> dict[str, str]:
        """Name -> code of the files that the reader is asked to write: blocks that begin with ``# name.py``."""
        return {code.split()[1]: code for code in self.blocks("python") if re.match(r"# \w+\.py\n", code)}

    @property
    def script(self) -> str:
        """All other Python of the page, one block after the other, as a reader types it; empty if there is none."""
        return "\n".join(code for code in self.blocks("python") if code not in self.files.values())


def all_pages() -> list[Page]:
    """Return the README, then the pages of the site in alphabetical order, without tables that pages include."""
    return [Page(ROOT / "README.md"), *map(Page, sorted([*DOCS.glob("*.md"), *(DOCS / "results").glob("*.md")]))]


PAGES = all_pages()


def all_commands() -> dict[tuple[str, ...], Page]:
    """Return every command with the code of the files that it names -> the first page that shows both."""
    found: dict[tuple[str, ...], Page] = {}
    for page in PAGES:
        for line in page.commands:
            found.setdefault((line, *(code for name, code in page.files.items() if name in line)), page)
    return found


COMMANDS = [(command[0], page) for command, page in all_commands().items()]


def words_of(line: str) -> tuple[dict[str, str], list[str]]:
    """Return the environment variables before a command, and its words."""
    words = shlex.split(line)
    settings: dict[str, str] = {}
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        settings[name] = value
    return settings, words
