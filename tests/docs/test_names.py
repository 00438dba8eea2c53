"""What the pages name exists: files, modules, flags, links; and every page is in the navigation."""

from __future__ import annotations

import importlib
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, Page

sys.path.insert(0, str(DOCS))
import parsers

PACKAGES = "common|envs|algorithms|studies|harness|benchmarks|tests|examples"
MADE_BY_COMMANDS = ("studies/studies.db", "studies/artifacts")
"""Paths that a reader's own commands write."""
ELSEWHERE = ("smacv2/examples/results", "docs/protocol.md", "smax_rate.py")
"""Files of other repositories and of peers."""


def missing_paths(text: str) -> list[str]:
    """Return the paths below our folders that a text names and that do not exist, not even with an ending."""
    named = re.findall(rf"(?<![\w./-])((?:{PACKAGES}|docs)/[\w./-]*\w)", text)
    return [path for path in named if path not in MADE_BY_COMMANDS and not list(ROOT.glob(f"{path}*"))]


def missing_modules(text: str) -> list[str]:
    """Return the dotted names below our packages that a text names and that cannot be imported."""
    named = re.findall(rf"(?<![\w./-])((?:{PACKAGES})(?:\.\w+)+)(?![\w/]|\.\w)", text)
    return [name for name in named if not name.endswith((".py", ".md")) and not found(name)]


@cache
def found(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(thing, part):
                return False
            thing = getattr(thing, part)
        return True
    return False


@cache
def file_names() -> frozenset[str]:
    """Names of all Python files of the project, and of those that the pages ask the reader to write."""
    folders = (*PACKAGES.split("|"), "docs")
    own = {path.name for folder in folders for path in (ROOT / folder).rglob("*.py")}
    return frozenset(own | {name for page in PAGES for name in page.files})


def missing_files(text: str) -> list[str]:
    """Return the bare ``file.py`` that a text names and that neither the project nor the reader has."""
    named = re.findall(r"(?<![\w./-])(\w+\.py)\b", text)
    return [name for name in named if name not in file_names()]


def wrong_flags(text: str) -> list[str]:
    """Return the flags in lines of ``python -m harness.X`` that the command does not have."""
    wrong = []
    for command, rest in re.findall(r"python -m harness\.(\w+)((?:[^`\n]|\\\n)*)", text):
        known = flags_of(command)
        wrong += [f"{command} {flag}" for flag in re.findall(r"(?<!\S)(--[\w-]+)", rest) if flag not in known]
    return wrong


@cache
def flags_of(command: str) -> frozenset[str]:
    """All spellings of the flags of ``python -m harness.COMMAND``."""
    return frozenset(flag for action in parsers.parser_of(command)._actions for flag in action.option_strings)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Page) -> None:
    text = page.text
    for path in ELSEWHERE:
        text = text.replace(path, "")
    assert [*missing_paths(text), *missing_modules(text), *missing_files(text), *wrong_flags(text)] == []


def test_a_wrong_name_is_noticed() -> None:
    assert missing_paths("see `harness/nowhere.py` and `harness/compare.py`") == ["harness/nowhere.py"]
    assert missing_modules("`harness.nowhere`, `envs.make`, `envs.mke`") == ["harness.nowhere", "envs.mke"]
    assert missing_files("`compare.py` and `gone.py`") == ["gone.py"]
    assert wrong_flags("python -m harness.compare --algos k24 --flags x") == ["compare --flags"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Page) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.text)
    here = [target for target in targets if not re.match(r"https?:|mailto:", target)]
    assert [target for target in here if not (page.path.parent / target).exists()] == []


def test_code_names_pages_that_exist() -> None:
    missing = {}
    for path in (path for folder in PACKAGES.split("|") for path in (ROOT / folder).rglob("*.py")):
        named = set(re.findall(r"docs/[\w/]+\.md", path.read_text(encoding="utf-8"))) - {*ELSEWHERE}
        missing[path] = [page for page in named if not (ROOT / page).is_file()]
    assert {path: pages for path, pages in missing.items() if pages and path != Path(__file__)} == {}


def test_every_page_is_in_the_navigation() -> None:
    listed = set()
    for index in (DOCS / "index.md", DOCS / "results" / "index.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", index.read_text(), flags=re.DOTALL):
            for entry in (line for line in block.splitlines() if line.strip() and not line.startswith(":")):
                listed |= set(index.parent.glob(f"{entry}.md"))
    assert {page.path for page in PAGES[1:]} - listed == {DOCS / "index.md"}


def test_every_command_has_a_parser() -> None:
    """The command reference is generated from these."""
    assert {"compare", "tune", "report", "watch"} <= set(parsers.COMMANDS)
    for command in parsers.COMMANDS:
        assert parsers.parser_of(command).description
    with pytest.raises(AttributeError):
        parsers.nothing()


def test_the_readme_is_short() -> None:
    assert PAGES[0].text.count("\n") <= 200
