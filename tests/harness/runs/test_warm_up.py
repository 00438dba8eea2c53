"""What runs need is compiled before the first of them: the engine here, the learners in a process beside."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from algorithms.kernels import compiled
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.runs import warm_up
from harness.runs.plan import RunPlan


def plans() -> Any:
    return plan_runs(read_flags(["--algos", "k24,qmix", "--budget", "smoke", "--seeds", "2", "--device", "cpu"]))[0]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started, on a machine where nothing seems to be compiled."""
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen):  # type: ignore[type-arg]  # subprocess.Popen[bytes] cannot be called with text
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    monkeypatch.setattr(compiled.MACHINE_CODE, "is_compiled", lambda: False)
    return started


def test_the_learners_compile_beside(children: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[int] = []
    monkeypatch.setattr(warm_up, "compile_world", lambda env: worlds.append(env.num_envs))
    warm_up.compile_ahead(plans())
    assert worlds == [plans()[0].num_envs]
    assert [child.returncode for child in children] == [0]


def test_the_child_compiles_one_learner_of_each_algorithm(monkeypatch: pytest.MonkeyPatch) -> None:
    from algorithms.k24 import K24
    from algorithms.q_learning.learner import QLearner

    seen: list[str] = []
    monkeypatch.setattr(QLearner, "compile", lambda self: seen.append(self.name))
    monkeypatch.setattr(K24, "compile", lambda self: seen.append(self.name))
    warm_up.compile_learners([plan.to_json() for plan in plans()[:2]])
    assert sorted(seen) == ["k24", "qmix"]


def test_what_cannot_be_built_is_left_to_its_run(
    children: list[Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An algorithm of the user's own is unknown to the process beside, and a world may be broken."""

    def broken(env: object) -> None:
        raise ValueError("no such terrain")

    job = plans()[0].to_json() | {"algorithm": "somebodys_own"}
    monkeypatch.setattr(warm_up, "compile_world", broken)
    monkeypatch.setattr(RunPlan, "to_json", lambda self: job)
    warm_up.compile_ahead(plans()[:1])
    assert [child.returncode for child in children] == [0]
    assert "Traceback" not in capfd.readouterr().err


def test_what_is_compiled_is_left_alone(children: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.MACHINE_CODE, "is_compiled", lambda: True)
    warm_up.compile_ahead(plans())
    warm_up.compile_ahead([])
    assert children == []


def test_no_child_outlives_an_interrupt(children: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(env: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(warm_up, "compile_world", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warm_up.compile_ahead(plans())
    assert [child.returncode for child in children] == [-9]
