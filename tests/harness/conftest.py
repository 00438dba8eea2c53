"""The fake world and the rule, registered for every test of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.compare import main
from tests.harness.fake_algorithm import register_rule
from tests.harness.fake_env import register_fake

Compare = Callable[..., int]


@pytest.fixture(autouse=True)
def _registered() -> None:
    register_fake()
    register_rule()


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """``harness.compare`` on the fake world with a database and a folder of the test's own, the page left out."""

    def run(*flags: str) -> int:
        own = ["--scenarios", "fake", "--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "runs")]
        return main([*own, "--budget", "smoke", "--device", "cpu", "--report", "none", *flags])

    return run
