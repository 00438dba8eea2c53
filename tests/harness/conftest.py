"""The fake world and the rule, registered for every test of this folder; commands that are right, and wrong ones."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.cli.common import INTERRUPTED
from harness.compare import main
from harness.training.train import TrainingRun
from studies.reader import StudyReader
from studies.rows import CurvePoint, RunRow
from tests.conftest import ErrorOf as ErrorOf
from tests.conftest import Printed as Printed
from tests.harness.fake_algorithm import register_rule
from tests.harness.fake_env import register_fake

Compare = Callable[..., int]
Interrupt = Callable[..., None]


@pytest.fixture(autouse=True)
def _registered() -> None:
    register_fake()
    register_rule()


@pytest.fixture
def storage(tmp_path: Path) -> str:
    """A database of the test's own."""
    return f"sqlite:///{tmp_path}/s.db"


@pytest.fixture
def compare(tmp_path: Path, storage: str) -> Compare:
    """``harness.compare`` on the fake world with a database and a folder of the test's own, the page left out."""

    def run(*flags: str) -> int:
        own = ["--scenarios", "fake", "--storage", storage, "--out", str(tmp_path / "runs")]
        return main([*own, "--budget", "smoke", "--device", "cpu", "--report", "none", *flags])

    return run


def runs_of(storage: str, study: str) -> list[tuple[RunRow, list[CurvePoint]]]:
    """The finished runs of a study, each with its learning curve."""
    with StudyReader.open(storage, study) as reader:
        return [(row, reader.curve_points(row.run_id)) for row in reader.rows()]


@contextmanager
def ctrl_c_at(env_steps: int, method: str = "play", seed: int | None = None) -> Iterator[None]:
    """Ctrl-C at the end of a method of ``TrainingRun``, once a run (of this seed, where given) has come so far."""
    original = getattr(TrainingRun, method)

    def stopped(self: TrainingRun, *arguments: Any) -> None:
        original(self, *arguments)
        if self.at.env_steps == env_steps and seed in (None, self.plan.seed):
            signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingRun, method, stopped)
        yield


@pytest.fixture
def interrupt(compare: Compare) -> Interrupt:
    """``compare``, stopped by Ctrl-C as ``ctrl_c_at`` says."""

    def run(env_steps: int, *flags: str, method: str = "play") -> None:
        with ctrl_c_at(env_steps, method):
            assert compare(*flags) == INTERRUPTED

    return run
