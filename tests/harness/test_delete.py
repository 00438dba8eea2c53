"""Runs are deleted with all that is stored of them, and do not come back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import optuna
import pytest

from harness import delete
from harness.cli.common import ALL_DONE, SOME_MISSING
from studies.run_table import RunTable
from tests.harness.conftest import ErrorOf, Printed
from tests.studies.sample import RESULT, begin, evaluate, finish_runs, open_store, query, url

STUDY = "compare"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with two finished runs."""
    path = tmp_path / "s.db"
    finish_runs(path, 1, 2)
    return path


def words(path: Path, *flags: str) -> list[str]:
    return ["--storage", url(path), "--study", STUDY, *flags]


def main(path: Path, *flags: str) -> int:
    return delete.main(words(path, *flags))


def counts(path: Path) -> list[int]:
    """Runs that each table knows."""
    tables = ("k24_results", "k24_curves", "k24_outcomes", "k24_provenance")
    found = [query(path, f"SELECT count(DISTINCT run_id) FROM {table}")[0][0] for table in tables]
    return [query(path, "SELECT count(*) FROM k24_runs")[0][0], *found]


def test_nothing_is_deleted_before_it_is_confirmed(path: Path, printed: Printed) -> None:
    assert main(path, "--all") == ALL_DONE
    said = printed()
    assert "run 1: k24 terran_5_vs_5 1 finished" in said
    assert "2 runs would be deleted for good; type the same with --yes" in said
    assert counts(path) == [2] * 5


def test_one_run_goes_with_all_that_is_stored_of_it(path: Path) -> None:
    assert main(path, "--runs", "1", "--yes") == ALL_DONE
    assert counts(path) == [1] * 5
    with open_store(path) as store:
        assert [row.seed for row in store.rows()] == [2]
        assert begin(store, seed=1).status == "started", "it can be made again"


def test_a_whole_study_goes_from_optuna_too(path: Path) -> None:
    assert main(path, "--all", "--yes") == ALL_DONE
    assert counts(path) == [0] * 5
    assert optuna.get_all_study_names(storage=url(path)) == []


def test_a_run_that_is_deleted_in_optuna_alone_comes_back(path: Path) -> None:
    optuna.delete_study(study_name=STUDY, storage=url(path))
    open_store(path).close()
    study = optuna.load_study(study_name=STUDY, storage=url(path))
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]


def test_a_run_that_is_worked_on_stays(path: Path, printed: Printed) -> None:
    with open_store(path) as store:
        begin(store, seed=3)
        assert main(path, "--all", "--yes") == SOME_MISSING
        assert "run 3 stays: a process works on it" in printed()
        assert len(store.states()) == 1


def test_mistakes(path: Path, error_of: ErrorOf) -> None:
    for flags, message in (
        ([], "name the runs (--runs 3,7) or all of them (--all)"),
        (["--runs", "9"], "--runs 9: study compare has no such run; it has 1, 2"),
        (["--runs", "x"], "--runs 'x': ids of runs, separated by commas"),
    ):
        assert message in error_of(delete.main, *words(path, *flags))


@pytest.mark.parametrize("killed", [False, True], ids=["deleted", "killed before Optuna's side"])
def test_a_new_run_with_the_id_of_a_deleted_one_has_a_trial_of_its_own(
    path: Path, killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        if killed:
            patch.setattr(RunTable, "forget_deleted", lambda self: None)
        main(path, "--runs", "2", "--yes")
    with open_store(path) as store:
        run = begin(store, seed=3)
        assert run.run_id == 2, "SQLite gives the newest id out again"
        evaluate(run, 1000)
        run.finish(dataclasses.replace(RESULT, win_rate=0.125))
        (row,) = [row for row in store.rows() if row.seed == 3]
    trials = optuna.load_study(study_name=STUDY, storage=url(path)).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    assert (row.trial_number, trials[2].values[0]) == (2, 0.125)
    assert [trial.user_attrs.get("run_id") for trial in trials] == [1, None, 2]
