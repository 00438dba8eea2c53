"""Settings for all tests, and what a command prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import harness  # noqa: F401  says how OpenMP threads wait, which must happen before torch is loaded
import tests.no_waiting  # noqa: F401
from harness.cli.common import WRONG_USE

ErrorOf = Callable[..., str]
Printed = Callable[[], str]

settings.register_profile("k24", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("k24")  # the same examples every time, however slow the machine is

LONGEST = (
    "tests/docs/test_commands.py",
    "tests/harness/test_compare.py",
    "tests/harness/training/test_bit_for_bit.py",
    "tests/harness/launchers/test_slurm.py",
    "tests/harness/test_tune.py",
    "tests/harness/test_worker.py",
    "tests/harness/training/test_resume.py",
)
"""Files of which each takes half a minute to three: they begin first, so that no process is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others keep their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that is not there yet."""
    return tmp_path / "studies.db"


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Return what has been printed since the last call; errors apart."""
    return lambda: capsys.readouterr().out


@pytest.fixture
def error_of(capsys: pytest.CaptureFixture[str]) -> ErrorOf:
    """Run a command, given its ``main`` and its words, that is wrong; return its error, which is one line."""

    def run(main: Callable[[list[str]], int], *words: str) -> str:
        capsys.readouterr()
        assert main(list(words)) == WRONG_USE
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        return error

    return run
