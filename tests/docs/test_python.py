"""The Python of every page runs from top to bottom, in a fresh folder, with warnings as errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Page
from tests.docs.test_commands import LIMIT, environment

HELD_ELSEWHERE = {"docs/sc2_protocol.md": "tests/sc2/test_doc.py", "docs/traces.md": "tests/test_traces_doc.py"}
"""Pages whose Python needs a game or the repository's own recordings, and the test that runs it."""
PRINTS = {"README.md": "win rate", "docs/environments.md": "battles started: "}
"""Page -> what it prints."""
FILES = [(page, name) for page in PAGES for name in page.files if not any(name in line for line in page.commands)]
"""Files that the reader writes and no command of the page imports."""
SCRIPTS = [page for page in PAGES if page.script and page.name not in HELD_ELSEWHERE]


def run_python(code: str, folder: Path) -> str:
    """Return what a script prints that must succeed."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", SCRIPTS, ids=lambda page: page.name)
def test_python_of_the_page_runs(page: Page, tmp_path: Path) -> None:
    assert PRINTS.get(page.name, "") in run_python(page.script, tmp_path)


@pytest.mark.parametrize(("page", "name"), FILES, ids=[f"{page.name}: {name}" for page, name in FILES])
def test_file_of_the_page_runs(page: Page, name: str, tmp_path: Path) -> None:
    run_python(page.files[name], tmp_path)


def test_examples_are_found() -> None:
    assert set(PRINTS) <= {page.name for page in SCRIPTS}


@pytest.mark.parametrize(("page", "test"), HELD_ELSEWHERE.items())
def test_the_other_examples_have_a_test(page: str, test: str) -> None:
    assert (ROOT / page).is_file()
    assert Path(page).name in (ROOT / test).read_text()
