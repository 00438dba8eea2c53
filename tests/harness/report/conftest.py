"""The command on a study of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.report.__main__ import main
from tests.harness.report.made_up import STUDY, storage

ReportCommand = Callable[..., int]


@pytest.fixture
def report(tmp_path: Path) -> ReportCommand:
    """``harness.report`` on the made-up study; without battles unless asked for."""

    def run(*flags: str) -> int:
        own = ["--storage", storage(tmp_path), "--study", STUDY, "--runs", str(tmp_path / "runs")]
        return main([*own, *flags])

    return run
