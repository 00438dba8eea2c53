"""The queue of a search: exactly as many trials as were asked for, whichever worker dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from common.space import Choice, Range, from_json, suggest, to_json
from studies.db.errors import StorageError
from studies.queue.owner import Owner
from studies.search import RETRIES, ObjectiveFailed, SearchStudy, search_names
from studies.store import StudyStore
from tests.studies.sample import process_as_owner, query, url
from tests.studies.search_worker import REQUEST
from tests.studies.test_kill import ROOT

TRIALS = 12


def ended(search: SearchStudy) -> list[FrozenTrial]:
    return search.optuna.get_trials(deepcopy=False)


def states(search: SearchStudy) -> Counter[str]:
    return Counter(trial.state.name for trial in ended(search))


def work(search: SearchStudy, objective: Callable[[optuna.Trial], float]) -> list[int]:
    """Numbers of the trials that ended here."""
    numbers: list[int] = []
    search.work(
        objective,
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.NopPruner(),
        on_finished=lambda trial: numbers.append(trial.number),
    )
    return numbers


def uniform(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", 0, 1)


def open_search(path: Path, trials: int = 4, **changed: object) -> SearchStudy:
    return SearchStudy.open(url(path), "search", request={**REQUEST, **changed}, trials=trials)


def kill_one_of_three(storage: str, log: Path) -> None:
    """Three processes share a search; the first kills itself in its first trial, and the others make that good.

    Their machines stand in three time zones.
    """
    with SearchStudy.open(storage, "search", request=REQUEST, trials=TRIALS) as search:
        command = [sys.executable, "-m", "tests.studies.search_worker", storage, str(log)]
        how = dict(cwd=ROOT, stderr=subprocess.PIPE, text=True)
        processes = [
            subprocess.Popen([*command, *more], env={**os.environ, "TZ": zone}, **how)
            for more, zone in ((["die"], "Etc/GMT-14"), ([], "Etc/GMT+12"), ([], "UTC"))
        ]
        said = [process.communicate(timeout=100)[1] for process in processes]
        assert [process.returncode for process in processes] == [-9, 0, 0], said
        assert states(search) == {"COMPLETE": TRIALS, "FAIL": 1}
        begun = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
        numbers = Counter(int(number) for number, _ in begun)
        assert set(numbers.values()) == {1}, "no trial was begun twice"
        (lost,) = (trial for trial in ended(search) if trial.state == TrialState.FAIL)
        (again,) = (trial for trial in ended(search) if trial.user_attrs.get("again_of") == lost.number)
        assert again.params == lost.params


def test_of_three_workers_one_is_killed_and_every_trial_is_done_once(path: Path, tmp_path: Path) -> None:
    kill_one_of_three(url(path), tmp_path / "log.txt")


def test_the_same_command_does_no_more_and_a_greater_number_does_the_rest(path: Path) -> None:
    with open_search(path) as search:
        assert work(search, uniform) == [0, 1, 2, 3]
        assert work(search, uniform) == []
    with open_search(path, trials=2) as search:
        assert work(search, uniform) == []
    with open_search(path, trials=6) as search:
        assert work(search, uniform) == [4, 5]
    assert search_names(url(path)) == ["search"]


def test_opening_twice_asks_for_nothing_twice(path: Path) -> None:
    for _ in range(2):
        with open_search(path):
            rows = query(path, "SELECT seed, state FROM k24_runs WHERE study = 'search' ORDER BY id")
        assert rows == [(place, "queued") for place in range(4)]


def test_a_broken_trial_is_over_and_the_others_go_on(path: Path) -> None:
    def breaks_once(trial: optuna.Trial) -> float:
        if trial.number == 1:
            trial.set_user_attr("error", "loss is NaN")
            raise ObjectiveFailed("loss is NaN")
        return uniform(trial)

    with open_search(path) as search:
        assert work(search, breaks_once) == [0, 1, 2, 3]
        assert states(search) == {"COMPLETE": 3, "FAIL": 1}


def test_a_pruned_trial_counts(path: Path) -> None:
    def pruned(trial: optuna.Trial) -> float:
        trial.report(0.1, 1)
        raise optuna.TrialPruned

    with open_search(path) as search:
        work(search, pruned)
        assert states(search) == {"PRUNED": 4}


def test_a_trial_that_is_interrupted_waits_again_with_its_settings(path: Path) -> None:
    def stopped(trial: optuna.Trial) -> float:
        uniform(trial)
        raise KeyboardInterrupt

    with open_search(path, trials=1) as search:
        for _ in range(RETRIES + 2):
            with pytest.raises(KeyboardInterrupt):
                work(search, stopped)
        assert len(work(search, uniform)) == 1, "being asked to stop is not dying"
        *stops, last = ended(search)
        assert {trial.params["x"] for trial in stops} == {last.params["x"]}


def test_a_database_error_does_not_count_as_an_answer(path: Path) -> None:
    def locked(trial: optuna.Trial) -> float:
        raise StorageError("studies.db is locked")

    with open_search(path, trials=1) as search:
        with pytest.raises(StorageError, match="is locked"):
            work(search, locked)
        work(search, uniform)
        assert states(search) == {"COMPLETE": 1, "FAIL": 1}


def take(search: SearchStudy, *, begin: bool = True) -> int:
    """As a worker does that dies at that moment, on a machine that cannot be asked; returns the row."""
    row = search._queue.claim_next(None, lambda job: True)
    assert row is not None
    if begin:
        search.optuna.sampler = optuna.samplers.RandomSampler(seed=0)
        uniform(search._begin(row.id))  # type: ignore[arg-type]  # there is one
    search._queue.claimed.clear()
    return row.id


def own(path: Path, owner: Owner, heartbeat: float) -> None:
    """Make a process the owner of what is worked on."""
    columns = "owner_host = ?, owner_pid = ?, owner_started = ?, heartbeat = ?"
    change = f"UPDATE k24_runs SET {columns} WHERE owner_pid IS NOT NULL"
    query(path, change, owner.host, owner.pid, owner.started, heartbeat)


FAR = Owner(host="node17", pid=1, started="x/y/1")


@pytest.mark.parametrize("begun", [False, True])
def test_a_worker_killed_as_it_took_a_trial_loses_nothing(path: Path, begun: bool) -> None:
    with open_search(path, trials=2) as search:
        row = take(search, begin=begun)
        own(path, FAR, time.time())
        assert search._queue.claim_next(None, lambda job: True).id != row, "it may be alive"  # type: ignore[union-attr]
        search._queue.release(row + 1, "interrupted", None)
        own(path, FAR, time.time() - 301)
        work(search, uniform)
        assert states(search) == {"COMPLETE": 2, **({"FAIL": 1} if begun else {})}
        if begun:
            lost, *others = ended(search)
            assert [trial.params for trial in others if trial.user_attrs["run_id"] == row] == [lost.params]


def test_a_dead_worker_of_this_machine_needs_no_missed_heartbeats(path: Path) -> None:
    with open_search(path, trials=1) as search:
        take(search)
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        owner = process_as_owner(child.pid)
        own(path, owner, time.time() - 1000)
        assert search._queue.claim_next(None, lambda job: True) is None, "it lives, however old its heartbeat"
        own(path, owner, time.time())
        child.communicate(b"\n")
        work(search, uniform)
        assert states(search) == {"FAIL": 1, "COMPLETE": 1}


def test_a_trial_that_kills_each_worker_ends(path: Path) -> None:
    with open_search(path, trials=1) as search:
        for _ in range(RETRIES + 1):
            take(search)
            own(path, FAR, time.time() - 301)
        assert work(search, uniform) == []
        assert states(search) == {"FAIL": RETRIES + 1}


@pytest.mark.parametrize("ending", ["COMPLETE", "PRUNED"])
def test_a_worker_killed_after_its_answer_is_not_asked_again(path: Path, ending: str) -> None:
    with open_search(path, trials=1) as search:
        row = take(search)
        search._storage.set_trial_state_values(ended(search)[0]._trial_id, TrialState[ending], [0.5])
        own(path, FAR, time.time() - 301)
        assert work(search, uniform) == []
        assert states(search) == {ending: 1}
        assert query(path, "SELECT state FROM k24_runs WHERE id = ?", row) == [("finished",)]


def test_another_question_needs_another_name(path: Path) -> None:
    open_search(path).close()
    with pytest.raises(StorageError, match=r"asks something else \(other: question\)\. .*--study my_search"):
        open_search(path, question="what is y?")
    with pytest.raises(StorageError, match=r"holds no search 'none'. Ask for one: python -m harness.tune --study none"):
        SearchStudy.open(url(path), "none")


def test_a_comparison_is_no_search(path: Path) -> None:
    StudyStore.open(url(path), "search").close()
    with pytest.raises(StorageError, match=r"holds a comparison 'search', which is no search\. Nothing was changed"):
        open_search(path)
    assert search_names(url(path)) == [], "or workers of the comparison would take it for a search"


@pytest.mark.parametrize("reports", [True, False], ids=["in the middle", "at the end"])
def test_a_process_that_was_taken_for_dead_leaves_the_trial_to_others(path: Path, reports: bool) -> None:
    """Suspended for a while, it comes back to a trial that has been failed and queued again."""

    def suspended(trial: optuna.Trial) -> float:
        x = uniform(trial)
        if trial.number == 0:
            query(path, "UPDATE trials SET state = 'FAIL' WHERE number = 0")
            if reports:
                trial.report(0.5, 1)
        return x

    with open_search(path, trials=2) as search:
        assert work(search, suspended) == [0, 1, 2]
        assert states(search) == {"FAIL": 1, "COMPLETE": 2}
        left, again, _ = ended(search)
        assert again.params == left.params


def test_a_space_comes_out_as_it_went_in() -> None:
    space = {"a": Range(low=1, high=3), "b": Range(low=0.1, high=1.0, log=True), "c": Choice(values=(1, 2.5, "x"))}
    assert from_json(to_json(space)) == space
    drawn = suggest(space, optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1)).ask())
    assert (type(drawn["a"]), drawn["a"] in (1, 2, 3), drawn["c"] in (1, 2.5, "x")) == (int, True, True)
    assert 0.1 <= drawn["b"] <= 1.0
    assert [str(allowed) for allowed in space.values()] == ["1 … 3", "0.1 … 1 (log)", "1 | 2.5 | x"]


@pytest.mark.parametrize(("low", "high", "log"), [(1, 1, False), (2, 1, False), (0.0, 1.0, True)])
def test_a_range_that_is_none_is_refused(low: float, high: float, log: bool) -> None:
    with pytest.raises(ValueError, match="range"):
        Range(low=low, high=high, log=log)
