"""Workers by Slurm, on a Slurm that runs what it is given: all runs finish, also after a dead node and a time limit."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.cli.common import ALL_DONE, SOME_MISSING, WRONG_USE
from harness.compare import main
from harness.flags.workers import Workers
from harness.launchers.slurm import SlurmWorkers, sbatch_arguments, worker_script
from studies.store import StudyStore
from tests.harness.conftest import ErrorOf, Printed, runs_of
from tests.harness.launchers import fake_slurm

PLUGIN = ("--import", "tests.harness.fake_plugin")
ONE = ("--workers", "slurm:1", "--env-steps", "400")
"""One worker, a short run."""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the fake Slurm keeps its state in; its programs come first on the path."""
    state, programs = tmp_path / "slurm", tmp_path / "bin"
    state.mkdir()
    programs.mkdir()
    for name in ("sbatch", "squeue", "scontrol"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {fake_slurm.__file__} {state} {name} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr("harness.launchers.complete_all.POLL", 0.2)
    yield state
    (state / "over").touch()
    for pid in state.glob("*.pid"):  # a test that failed leaves none behind
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):  # it ends by itself, or has not begun
            os.killpg(int(pid.read_text()), signal.SIGKILL)


def wait_for_tasks(state: Path) -> None:
    """Wait until the job is over, which is after its runs are."""
    until = time.monotonic() + 60
    while list(state.glob("*.pid")):
        assert time.monotonic() < until, "a task does not end"
        time.sleep(0.05)


def process_of(state: Path) -> int:
    """Return the process of the first task."""
    return int((state / "0.pid").read_text())


def words(url: str, tmp_path: Path, study: str, *flags: str) -> list[str]:
    what = ["--algos", "rule", "--scenarios", "fake", "--budget", "smoke", "--device", "cpu", "--report", "none"]
    return [*what, "--storage", url, "--study", study, "--out", str(tmp_path / "runs"), *PLUGIN, *flags]


def compare(url: str, tmp_path: Path, study: str, *flags: str) -> int:
    return main(words(url, tmp_path, study, *flags))


def when_running(url: str, study: str, then: Callable[[], None]) -> threading.Thread:
    """Do something once a worker trains and has saved, in a thread."""

    def wait() -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with StudyStore.open(url, study) as store:
                states = store.states()
                if any(state == "running" and store.curve_points(run) for run, state in states.items()):
                    then()
                    return
            time.sleep(0.1)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def rows(url: str, study: str) -> dict[int, int]:
    return {row.seed: row.env_steps for row, _ in runs_of(url, study)}


def test_an_array_of_workers_finishes_all_runs(postgres: str, slurm: Path, tmp_path: Path, printed: Printed) -> None:
    flags = ("--workers", "slurm:2", "--seeds", "3", "--env-steps", "400")
    assert compare(postgres, tmp_path, "array", *flags) == ALL_DONE
    assert rows(postgres, "array") == dict.fromkeys(range(3), 400)
    said = printed()
    assert f"Slurm job {fake_slurm.JOB}: 2 workers, logs in {tmp_path}/runs/array/workers" in said
    arguments = (slurm / "arguments").read_text().splitlines()
    assert {"--array=0-1", "--requeue", "--signal=B:USR1@120", "--cpus-per-task=1"} <= set(arguments)
    wait_for_tasks(slurm)
    assert "nothing left to take" in (tmp_path / "runs" / "array" / "workers" / "worker-0.log").read_text()


def test_a_node_that_dies_in_mid_run_costs_nothing(postgres: str, slurm: Path, tmp_path: Path) -> None:
    killer = when_running(postgres, "dead-node", lambda: os.killpg(process_of(slurm), signal.SIGKILL))
    flags = ("--workers", "slurm:1", "--seeds", "2", "--env-steps", "20000")
    assert compare(postgres, tmp_path, "dead-node", *flags) == ALL_DONE
    killer.join()
    assert (slurm / "0.restarts").read_text() == "x", "the task was started again, once"
    assert rows(postgres, "dead-node") == dict.fromkeys(range(2), 20000)


def test_before_the_time_limit_a_worker_saves_and_is_queued_again(postgres: str, slurm: Path, tmp_path: Path) -> None:
    warner = when_running(postgres, "time-limit", lambda: os.kill(process_of(slurm), signal.SIGUSR1))
    flags = ("--workers", "slurm:1", "--seeds", "1", "--env-steps", "20000", "--checkpoint-replay", "yes")
    assert compare(postgres, tmp_path, "time-limit", *flags) == ALL_DONE
    warner.join()
    assert (slurm / "0.restarts").read_text() == "x"
    log = (tmp_path / "runs" / "time-limit" / "workers" / "worker-0.log").read_text()
    assert "stopped; what is done is kept" in log
    assert "resumes at" in log
    assert "its replay of" in log
    assert rows(postgres, "time-limit") == {0: 20000}


def test_a_refused_job_does_not_wait_for_the_job_of_another_command(
    postgres: str, slurm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(postgres, tmp_path, "twice", *ONE) == ALL_DONE
    (slurm / "9.pid").touch()  # the earlier job still has a task
    for _ in range(2):
        assert compare(postgres, tmp_path, "twice", *ONE, "--seeds", "2", "--sbatch=--partition=none") == WRONG_USE
        said = capsys.readouterr()
        assert "sbatch refused the job: sbatch: error: invalid partition" in said.err
        assert "of before" not in said.out


def test_without_waiting_the_job_goes_on(postgres: str, slurm: Path, tmp_path: Path, printed: Printed) -> None:
    assert compare(postgres, tmp_path, "later", *ONE, "--no-wait") == SOME_MISSING
    said = " ".join(printed().split())
    assert f"Slurm job {fake_slurm.JOB} goes on. Stop it with: scancel" in said
    assert "typed again, this command waits, without --no-wait" in said
    assert compare(postgres, tmp_path, "later", *ONE) == ALL_DONE
    assert rows(postgres, "later") == {0: 400}


def test_runs_that_fail_are_reported(postgres: str, slurm: Path, tmp_path: Path, printed: Printed) -> None:
    assert compare(postgres, tmp_path, "failing", *ONE, "--set", "rule.fail_at=100") == SOME_MISSING
    assert "not finished: 1 failed; the same command goes on with them" in printed()


def test_without_slurm_the_error_says_where_to_type_it(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error_of: ErrorOf
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    says = "there is no sbatch on this machine; type this on a login node"
    assert says in error_of(main, *words(postgres, tmp_path, "none", *ONE))


def test_the_script_is_sound_and_the_users_arguments_win() -> None:
    script = worker_script(["--study", "a study; rm -rf /"])
    assert subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0
    assert "'a study; rm -rf /'" in script
    workers = Workers(kind="slurm", count=3, cpus=2, gpus=1, sbatch=("--cpus-per-task=8",))
    arguments = sbatch_arguments(workers, Path("/logs"))
    assert {"--array=0-2", "--gpus-per-task=1"} <= set(arguments)
    assert arguments[-1] == "--cpus-per-task=8"


def test_a_finished_comparison_typed_again_submits_nothing(postgres: str, slurm: Path, tmp_path: Path) -> None:
    assert compare(postgres, tmp_path, "again", *ONE) == ALL_DONE
    (slurm / "arguments").unlink()
    assert compare(postgres, tmp_path, "again", *ONE) == ALL_DONE
    assert not (slurm / "arguments").exists()


def test_a_command_typed_again_waits_for_the_job_of_before(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = iter("1234")
    monkeypatch.setattr(SlurmWorkers, "_submit", lambda *_: next(jobs))
    monkeypatch.setattr(SlurmWorkers, "any_alive", lambda self: alive)
    alive = True

    def label(*arguments: str, count: int = 1) -> str:
        return SlurmWorkers(Workers(kind="slurm", count=count), arguments, tmp_path).label

    assert [label("--only", "1"), label("--only", "1")] == ["Slurm job 1", "Slurm job 1 of before"]
    assert label("--only", "2") == "Slurm job 2", "it asks for other runs"
    assert label("--only", "2", count=2) == "Slurm job 3", "it asks for more workers"
    alive = False
    assert label("--only", "2", count=2) == "Slurm job 4", "that job is over"
