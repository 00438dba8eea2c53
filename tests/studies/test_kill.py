"""``kill -9`` at any moment: nothing finished is lost, nothing is done twice, no trial stays RUNNING."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.studies.sample import OUTCOMES, RESULT, begin, evaluate, open_store, query, states, trials

ROOT = Path(__file__).parents[2]


WORKER = [sys.executable, "-m", "tests.studies.worker"]


@contextmanager
def worker(path: Path, where: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has reached ``where`` and waits there; killed at the end at the latest."""
    command = [*WORKER, str(path), where]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()  # SIGKILL


def killed(path: Path, where: str) -> None:
    with worker(path, where):
        pass


def test_a_run_killed_in_the_middle_goes_on_in_the_same_row_and_trial(path: Path) -> None:
    killed(path, "after_2000")
    assert states(path) == ["RUNNING"]
    with open_store(path) as store:
        run = begin(store)
        assert (run.status, run.run_id, run.trial_number) == ("resumed", 1, 0)
        assert [point.env_steps for point in run.curve_points()] == [1000, 2000]
        evaluate(run, 3000)
        run.finish(RESULT)
        assert begin(store).status == "finished"
        assert [row.win_rate for row in store.rows()] == [RESULT.win_rate]
    assert states(path) == ["COMPLETE"]
    assert query(path, "SELECT count(*) FROM k24_provenance") == [(2,)], "each session leaves its provenance"


def test_a_finished_run_survives_a_kill_of_the_next_one(path: Path) -> None:
    with open_store(path) as store:
        row = begin(store, seed=7).finish(RESULT)
    killed(path, "after_2000")
    with open_store(path) as store:
        assert store.rows() == [row]
        assert begin(store, seed=7).row == row


def test_a_kill_between_our_row_and_the_trial_leaves_no_second_trial(path: Path) -> None:
    killed(path, "before_trial")
    assert states(path) == []
    with open_store(path) as store:
        run = begin(store)
        assert (run.status, run.trial_number) == ("resumed", 0)
    assert len(trials(path)) == 1


def test_a_kill_between_our_result_and_optunas_is_made_good_at_the_next_opening(path: Path) -> None:
    killed(path, "before_tell")
    assert states(path) == ["RUNNING"]
    with open_store(path) as store:
        (trial,) = trials(path)
        assert [row.trial_number for row in store.rows()] == [trial.number]
    assert trial.state.name == "COMPLETE"
    assert trial.values == [RESULT.win_rate, RESULT.sparsity_masked, 0.0]
    assert query(path, "SELECT owner_pid, trial_number FROM k24_runs") == [(None, 0)]


def test_a_killed_run_that_nobody_resumes_does_not_stay_running(path: Path) -> None:
    killed(path, "after_2000")
    with open_store(path) as store:
        begin(store, seed=2).finish(RESULT)
    assert states(path) == ["FAIL", "COMPLETE"]
    with open_store(path) as store:
        run = begin(store)
        assert run.status == "resumed"
        assert [point.env_steps for point in run.curve_points()] == [1000, 2000]
        run.finish(RESULT)
    assert states(path) == ["FAIL", "COMPLETE", "COMPLETE"]


def test_a_run_of_a_living_process_is_left_alone(path: Path) -> None:
    with worker(path, "after_2000") as process:
        with open_store(path) as store:
            run = begin(store)
            assert run.status == "running_elsewhere"
            assert f"process {process.pid}" in run.owner
            with pytest.raises(ValueError, match=f"it is running elsewhere on .* process {process.pid}"):
                evaluate(run, 9000)
        assert states(path) == ["RUNNING"], "closing ends only what nobody works on"
        process.kill()
        # not waited for: the process table still lists it, as a zombie
        with open_store(path) as store:
            assert begin(store).status == "resumed"


def test_a_kill_before_any_commit_is_made_good(path: Path) -> None:
    command = [*WORKER, str(path), "kill_at_commit"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    word, commits = done.stdout.split()
    assert word == "survived"
    runs = int(commits) + 1  # one was killed before each commit, the last one lived
    assert runs > 10, "a run must consist of many transactions for this to mean anything"
    assert query(path, "SELECT state, owner_pid FROM k24_runs") == [("finished", None)] * runs
    assert query(path, "SELECT env_steps FROM k24_curves") == [(3000,)] * runs
    assert query(path, "SELECT env_steps FROM k24_events") == [(3000,)] * runs
    assert query(path, "SELECT count(*) FROM k24_outcomes") == [(len(OUTCOMES) * runs,)]
    ended = [(trial.user_attrs["run_id"], trial.state.name) for trial in trials(path)]
    assert sorted(run_id for run_id, state in ended if state != "FAIL") == list(range(1, runs + 1))
    assert {state for _, state in ended} <= {"COMPLETE", "FAIL"}
