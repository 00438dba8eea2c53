"""Runs of a comparison taken from the database by other processes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import worker
from harness.cli.common import ALL_DONE, SOME_MISSING
from harness.cli.errors import UsageError
from harness.runs.budget import BUDGETS
from harness.runs.plan import RunPlan
from studies.store import StudyStore
from tests.harness.conftest import Compare, ErrorOf, Printed, runs_of
from tests.harness.fake_algorithm import RuleAlgorithm
from tests.harness.fake_request import plans_for
from tests.harness.killing import first_owner_killed

STUDY = "compare-smoke-400-steps"
SHORT = ("--algos", "rule", "--env-steps", "400")


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A worker answers SIGTERM in its own way; afterwards the tests' way is back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def store_of(tmp_path: Path) -> StudyStore:
    return StudyStore.open(f"sqlite:///{tmp_path}/s.db", STUDY)


def place(tmp_path: Path) -> list[str]:
    return ["--storage", f"sqlite:///{tmp_path}/s.db", "--out", f"{tmp_path}/runs"]


def work(tmp_path: Path, *flags: str) -> int:
    return worker.main([*place(tmp_path), *flags])


def enqueue(tmp_path: Path, *plans: RunPlan, study: str = STUDY, **changed: object) -> None:
    """Queue these runs, with parts of their jobs changed; by default the run of the smallest request."""
    with StudyStore.open(f"sqlite:///{tmp_path}/s.db", study) as store:
        for plan in plans or plans_for():
            store.enqueue([(plan.key, plan.identity(), {**plan.to_json(), **changed})])


def short_runs(*seeds: int) -> list[RunPlan]:
    """The runs that ``compare`` with ``SHORT`` makes."""
    return plans_for(seeds=seeds, budget=BUDGETS["smoke"].with_env_steps(400), num_envs=8)


def test_a_worker_takes_what_waits_and_compare_shows_it(
    compare: Compare, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(tmp_path, *short_runs(0, 1))
    assert work(tmp_path) == ALL_DONE
    assert f"nothing left to take in study {STUDY}: 2 finished" in printed()
    assert work(tmp_path, "--study", STUDY) == ALL_DONE, "there is nothing left, which is no mistake"
    monkeypatch.setattr(RuleAlgorithm, "act", None)
    assert compare(*SHORT, "--seeds", "2", "--throughput", "none") == ALL_DONE
    assert "rule fake seed 1: already finished; skipped" in printed()


def test_a_run_that_failed_waits_for_the_next_command(compare: Compare, tmp_path: Path, printed: Printed) -> None:
    assert compare(*SHORT, "--set", "rule.fail_at=100") == SOME_MISSING
    assert work(tmp_path) == SOME_MISSING, "a worker does not try again what failed by itself"
    assert f"nothing left to take in study {STUDY}: 1 failed" in printed()
    assert compare(*SHORT, "--set", "rule.fail_at=100") == SOME_MISSING
    assert "tried again, it failed before with RuntimeError: the rule broke on purpose" in printed()


def test_worker_processes_share_a_comparison_and_one_is_killed(
    compare: Compare, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = ("--seeds", "3", "--n-jobs", "2", "--import", "tests.harness.fake_plugin", "--env-steps", "4000", "--json")
    with first_owner_killed(tmp_path / "s.db"):
        assert compare("--algos", "rule", *flags) == ALL_DONE
    runs = runs_of(f"sqlite:///{tmp_path}/s.db", "compare-smoke-4000-steps")
    assert [row.seed for row, _ in runs] == [0, 1, 2]
    for _, points in runs:
        assert [point.env_steps for point in points] == [0, 1000, 2000, 3000, 4000]
    assert sorted(row.trial_number for row, _ in runs) == [0, 1, 2], "the killed run's trial was taken up, not doubled"
    captured = capfd.readouterr()
    assert json.loads(captured.out)["rows"][0]["seeds"] == [0, 1, 2], "standard output is the machine's alone"
    assert "nothing left to take" in captured.err


def test_two_that_take_get_different_runs(tmp_path: Path) -> None:
    enqueue(tmp_path, *plans_for(seeds=(0, 1, 2)))
    with store_of(tmp_path) as one, store_of(tmp_path) as other:
        taken = [store.claim_next() for store in (one, other, one, other)]
        assert [job and job["seed"] for job in taken] == [0, 1, 2, None]
        assert other.claim_next() is None
    with store_of(tmp_path) as later:
        assert later.claim_next(only=[3])["seed"] == 2, "closing a store gives back what it took"
        assert later.claim_next(fits=lambda job: job["seed"] == 1)["seed"] == 1


def test_the_same_command_started_twice_does_no_run_twice(compare: Compare, tmp_path: Path, printed: Printed) -> None:
    enqueue(tmp_path, *short_runs(0))
    with store_of(tmp_path) as first:
        assert first.claim_next() is not None
        assert compare(*SHORT, "--seeds", "2", "--no-wait") == SOME_MISSING
        said = printed()
        assert "rule fake seed 0: it is running on " in said
        assert [row.seed for row in first.rows()] == [1]
    assert compare(*SHORT, "--seeds", "2") == ALL_DONE


def test_a_comparison_waits_for_runs_that_others_hold(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    """And does those itself that these leave; the table is whole."""
    enqueue(tmp_path, *short_runs(0))
    first = store_of(tmp_path)
    assert first.claim_next() is not None
    leave_when_it_waits = SimpleNamespace(sleep=lambda seconds: first.close())
    monkeypatch.setattr("harness.launchers.complete_all.time", leave_when_it_waits)
    assert compare(*SHORT, "--seeds", "2") == ALL_DONE
    said = printed()
    assert "waiting for 1 runs that other processes work on (--no-wait reports without them)" in said
    with store_of(tmp_path) as store:
        assert sorted(row.seed for row in store.rows()) == [0, 1]


def test_a_job_is_the_plan_again() -> None:
    (plan,) = plans_for(algorithms=("kalei",), scenarios=("terran_5_vs_5",))
    assert RunPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"algorithm": "mine"}, "algorithm mine is not registered here; name the file that does: --import my_file.py"),
        ({"scenario": "my_map"}, "scenario my_map is not registered here"),
        ({"config": {"rigth": True}}, "rule fake: planned by another version of this program"),
        ({"num_envs": 5}, r"rule fake seed 0: here its settings are others than where it was planned .*same --import"),
        ({"device": "cuda:99"}, "it was planned for cuda, this worker is on cpu"),
    ],
)
def test_a_job_that_cannot_be_done_here_is_explained(changed: dict[str, object], message: str) -> None:
    (plan,) = plans_for()
    with pytest.raises(UsageError, match=message):
        RunPlan.from_json({**plan.to_json(), **changed}, "cpu")


def test_what_cannot_be_done_here_is_passed_over(tmp_path: Path, printed: Printed) -> None:
    enqueue(tmp_path, scenario="my_map")
    assert work(tmp_path) == SOME_MISSING
    said = printed()
    assert "passed over: scenario my_map is not registered here" in said
    assert "1 queued" in said


def test_mistakes(tmp_path: Path, error_of: ErrorOf) -> None:
    own = place(tmp_path)
    assert "There is no database" in error_of(worker.main, *own)
    enqueue(tmp_path)
    error = error_of(worker.main, *own, "--only", "3,x")
    assert error == "error: --only '3,x': ids of runs, separated by commas, such as 3,7 or 3-9\n"
    error = error_of(worker.main, *own, "--study", "compare-smok")
    assert f"unknown study 'compare-smok'; did you mean {STUDY}?" in error
    enqueue(tmp_path, study="second")
    assert f"holds 2 studies, name one: --study {STUDY} | second" in error_of(worker.main, *own)
