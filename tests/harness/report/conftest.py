"""The command on a study of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.report.__main__ import main
from tests.harness.report.made_up import STUDY, flags_of

ReportCommand = Callable[..., int]
Page = Callable[..., str]


@pytest.fixture
def report(tmp_path: Path) -> ReportCommand:
    """``harness.report`` on the made-up study; without battles unless asked for."""
    return lambda *flags: main([*flags_of(tmp_path), *flags])


@pytest.fixture
def page(report: ReportCommand, tmp_path: Path) -> Page:
    """The page that the command writes, as text."""

    def write(*flags: str) -> str:
        assert report(*flags) == 0
        return (tmp_path / "runs" / STUDY / "report.html").read_text()

    return write
