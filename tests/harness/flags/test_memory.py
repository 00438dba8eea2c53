"""What a run will need of memory is said before it starts; where the machine has less, nothing starts."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.cli.errors import UsageError
from harness.compare import main
from harness.flags import planning
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.runs.plan import RunPlan
from tests.harness.conftest import Compare, ErrorOf, Printed

LONG = ("--algos", "qmix", "--env-steps", "10050000")


def plans(*flags: str) -> list[RunPlan]:
    return plan_runs(read_flags([*LONG, *flags]))[0]


def test_a_full_replay_of_twenty_units_is_about_what_was_measured() -> None:
    (plan,) = plans("--scenarios", "terran_20_vs_20", "--seeds", "1")
    with closing(plan.make_env(1, 0)) as env:
        found = planning.forecast(plan, env.spec)
    # 5,000 episodes of 50 env steps, see benchmarks/learner/replay.py
    assert found.replay == pytest.approx(1.98e9, rel=0.25)
    assert 2e9 < found.process(1) < 4e9


def test_a_short_run_never_fills_its_replay() -> None:
    (long,), (short,) = plans("--seeds", "1"), plans("--seeds", "1", "--env-steps", "10000")
    with closing(long.make_env(1, 0)) as env:
        assert planning.forecast(short, env.spec).replay < planning.forecast(long, env.spec).replay / 20


def test_runs_side_by_side_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "machine_memory", lambda: (1e12, 1e12))
    assert "2 runs side by side" in planning.check_memory(plans("--seeds", "3"), 2)
    assert "side by side" not in planning.check_memory(plans("--seeds", "3"), 1)


def test_too_little_memory_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "machine_memory", lambda: (1e8, 1e9))
    with pytest.raises(UsageError, match=r"has 1\.0 GB of memory\. Type --n-jobs 1, or a smaller replay: --set qmix\."):
        planning.check_memory(plans("--seeds", "2"), 2)


def test_memory_that_others_use_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "machine_memory", lambda: (1e8, 1e10))
    assert planning.check_memory(plans("--seeds", "1"), 1).endswith("it may not fit")


def test_nothing_is_stored_when_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, storage: str, error_of: ErrorOf
) -> None:
    monkeypatch.setattr(planning, "machine_memory", lambda: (1e8, 1e8))
    assert "buffer_size=1000" in error_of(main, *LONG, "--storage", storage, "--out", str(tmp_path / "runs"))
    assert not (tmp_path / "s.db").exists()


def test_the_comparison_says_it(compare: Compare, printed: Printed) -> None:
    assert compare("--algos", "qmix", "--env-steps", "200", "--seeds", "1", "--report", "none") == 0
    assert "memory: qmix on " in printed()


def test_a_world_that_cannot_be_built_is_left_to_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the run says names the world; here it would end the whole comparison."""
    make_env = RunPlan.make_env

    def fails_on_3m(self: RunPlan, *given: int) -> Any:
        if self.scenario == "3m":
            raise KeyError("a world of the user's")
        return make_env(self, *given)

    monkeypatch.setattr(RunPlan, "make_env", fails_on_3m)
    assert "qmix on 8m needs about" in planning.check_memory(plans("--scenarios", "3m,8m", "--seeds", "1"), 1)
