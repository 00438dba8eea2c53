"""The whole comparison on the fake world: runs, table, repetition, failure, resumption."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli.common import ALL_DONE, INTERRUPTED, SOME_MISSING, WRONG_USE
from harness.runs.budget import BUDGETS
from harness.runs.seeding import derive_seed
from studies.rows import RunRow
from studies.store import StudyStore
from tests.harness.conftest import Compare, Printed, ctrl_c_at, runs_of
from tests.harness.fake_algorithm import RuleAlgorithm

FOLDER = "runs/compare-smoke-400-steps"
SHORT = ("--algos", "rule", "--env-steps", "400")


def stored(storage: str) -> list[RunRow]:
    return [row for row, _ in runs_of(storage, "compare-smoke-400-steps")]


def test_flags_to_table(compare: Compare, tmp_path: Path, printed: Printed) -> None:
    assert compare(*SHORT, "--seeds", "2", "--set", "rule.batch_size=6") == ALL_DONE
    said = printed()
    assert "2 runs of 400 env steps" in said
    assert "setting: rule.batch_size = 6 (by --set)" in said
    assert "rule fake seed 1: half way" in said
    assert "mean, t" in said
    assert "2:4 speed-up was not measured: no CUDA device with sparse tensor cores" in said
    assert re.search(r"3072 agents a call, float32, on .+, \d+ threads?; medians", said)
    written = {path.name for path in (tmp_path / FOLDER).iterdir() if path.is_file()}
    assert written == {"table.md", "table.csv", "table.json"}
    row = json.loads((tmp_path / FOLDER / "table.json").read_text())["rows"][0]
    assert (row["algorithm"], row["scenario"], row["seeds"]) == ("rule", "fake", [0, 1])
    assert (row["sparsity_masked"], row["sparsity_model"], row["speedup_24"]) == (0.5, 0.25, None)
    assert 0 <= row["win_low"] <= row["win_rate"] <= row["win_high"] <= 1
    with (tmp_path / FOLDER / "table.csv").open() as file:
        assert next(csv.DictReader(file))["seeds"] == "0 1"


def test_what_a_run_leaves_in_the_study(compare: Compare, storage: str) -> None:
    compare(*SHORT)
    with StudyStore.open(storage, "compare-smoke-400-steps") as store:
        (row,) = store.rows()
        outcomes, points, events = (read(row.run_id) for read in (store.outcomes, store.curve_points, store.events))
    assert [(point.env_steps, point.loss is None) for point in points] == [(0, True), (400, False)]
    assert points[1].extra["updates"] > 5
    assert points[1].extra["updates_seen"] == points[1].extra["updates"], "the algorithm's own diagnostics"
    assert row.details["resumes"] == 0
    assert (200, "half way") in events
    assert len(outcomes) == row.episodes == 16
    assert row.wins == sum(outcome.won for outcome in outcomes) == 16 * row.win_rate
    assert row.speedup_24_reason == "no CUDA device with sparse tensor cores"
    assert row.config["env"]["scenario"] == "fake"
    assert row.config["algorithm"]["batch_size"] == 8, "the budget's override is part of the identity"
    assert row.config["evaluation"]["final_episodes"] == 16


def test_another_setting_is_another_run(compare: Compare, storage: str) -> None:
    for changed in ([], ["--set", "rule.right=false"], ["--seeds", "0,5"], ["--set", "env.abort_every=5"]):
        compare(*SHORT, *changed)
    rows = stored(storage)
    assert [row.seed for row in rows] == [0, 0, 5, 0]
    assert len({row.config_hash for row in rows}) == 3
    assert [row.win_rate > 0 for row in rows] == [True, False, True, True]
    assert [row.aborted > 0 for row in rows] == [False, False, False, True]


def test_a_broken_run_does_not_cost_the_others(
    compare: Compare, storage: str, tmp_path: Path, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = RuleAlgorithm.update

    def breaks_for_seed_zero(self: RuleAlgorithm, *given: Any) -> dict[str, float]:
        if self.seed == derive_seed(0, "algorithm"):
            raise RuntimeError("broke on purpose")
        return update(self, *given)

    monkeypatch.setattr(RuleAlgorithm, "update", breaks_for_seed_zero)
    assert compare(*SHORT, "--seeds", "2") == SOME_MISSING
    said = printed()
    assert "rule fake seed 0: FAILED with RuntimeError: broke on purpose" in said
    assert [row.seed for row in stored(storage)] == [1]
    (trace,) = (tmp_path / FOLDER).glob("rule-fake-seed0-*/error.txt")
    assert "broke on purpose" in trace.read_text()
    monkeypatch.undo()
    assert compare(*SHORT, "--seeds", "2") == ALL_DONE
    said = printed()
    assert "rule fake seed 0: tried again, it failed before with RuntimeError: broke on purpose" in said
    assert "rule fake seed 1: already finished; skipped" in said


def test_a_disk_that_is_full_does_not_cost_the_others(
    compare: Compare, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("harness.training.train.plot_curves", no_room)
    monkeypatch.setattr(Path, "write_text", no_room)
    assert compare(*SHORT, "--seeds", "2") == SOME_MISSING
    said = printed()
    assert "rule fake seed 0: FAILED with OSError: [Errno 28] No space left on device; its traceback, which" in said
    assert "error.txt (No space left on device):\nTraceback (most recent call last):" in said
    assert "rule fake seed 1: FAILED" in said
    monkeypatch.undo()
    assert compare(*SHORT, "--seeds", "2") == ALL_DONE
    assert "resumes at 400 env steps, the end of its training" in printed()


def test_a_table_that_cannot_be_written_is_shown_with_an_error(
    compare: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FOLDER / "table.csv").mkdir(parents=True)
    assert compare(*SHORT) == WRONG_USE
    output = capsys.readouterr()
    assert "IQM" not in output.out
    assert "Wilson, battles" in output.out
    assert "table.csv cannot be written (Is a directory). All results are stored in sqlite:///" in output.err
    assert "Move away what stands in its place, then type the same command again: what is done is not" in output.err
    (tmp_path / FOLDER / "table.csv").rmdir()
    assert compare(*SHORT) == ALL_DONE


def test_a_world_that_only_aborts_fails_with_the_reason(compare: Compare, printed: Printed) -> None:
    assert compare(*SHORT, "--set", "env.abort_every=1") == SOME_MISSING
    said = printed()
    assert "all 16 battles of the final evaluation aborted; nothing was measured" in said
    assert "no run has finished, so there is no table" in said


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    compare: Compare, storage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with ctrl_c_at(240):
        assert compare(*SHORT) == INTERRUPTED
    error = capsys.readouterr().err
    assert "stopped; what is done is kept; to go on: python -m harness.compare" in error
    assert "--env-steps 400" in error
    assert stored(storage) == []
    assert compare(*SHORT) == ALL_DONE
    said = capsys.readouterr().out
    assert "resumes at 240 env steps, its replay of " in said
    assert "resumed 1 time" not in said
    assert stored(storage)[0].env_steps == 400


def test_same_seed_same_result_another_seed_another(compare: Compare, storage: str) -> None:
    compare(*SHORT, "--algos", "qmix", "--seeds", "0,1", "--study", "first")
    compare(*SHORT, "--algos", "qmix", "--seeds", "1", "--study", "second")
    runs = [*runs_of(storage, "first"), *runs_of(storage, "second")]
    one, other, again = ([point.loss for point in curve] for _, curve in runs)
    assert one == again
    assert one != other


def test_what_is_played_is_learned(compare: Compare, storage: str) -> None:
    tuned = ("--set", "qmix.lr=5e-3", "--set", "qmix.batch_size=32", "--study", "learning")
    compare("--algos", "qmix", "--env-steps", "2500", *tuned)
    ((row, (first, *_)),) = runs_of(storage, "learning")
    assert first.return_mean < 2.0, "a policy without training earns about a quarter of 4.5"
    assert row.return_mean > 3.0


def test_more_battles_evaluate_again_and_train_nothing(
    compare: Compare, storage: str, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    assert compare(*SHORT) == ALL_DONE
    printed()
    monkeypatch.setitem(BUDGETS, "smoke", dataclasses.replace(BUDGETS["smoke"], final_episodes=48))
    monkeypatch.setattr("harness.training.complete.train_run", None)
    assert compare(*SHORT) == ALL_DONE
    assert "trained before, evaluated again on 48 battles" in printed()
    (row,) = stored(storage)
    assert (row.episodes, row.config["evaluation"]["final_episodes"]) == (48, 48)
    assert compare(*SHORT) == ALL_DONE
    assert "already finished; skipped" in printed()
