"""Several processes on one file: they make it together, queue for it, and never do one run twice."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studies.dashboard import trials as trials_module
from tests.studies.sample import CONFIG, KEY, PROVENANCE, begin, open_store, states, trials
from tests.studies.test_kill import ROOT, WORKER


def together(path: Path, seeds: list[int]) -> list[tuple[int, str]]:
    """(exit status, errors) of processes that are started at once, each on a whole run of its seed."""
    how = dict(cwd=ROOT, stderr=subprocess.PIPE, text=True)
    processes = [subprocess.Popen([*WORKER, str(path), "nowhere", str(seed)], **how) for seed in seeds]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, errors, strict=True)]


def test_processes_that_start_at_once_on_a_new_file_all_finish(path: Path) -> None:
    assert together(path, [1, 2, 3]) == [(0, "")] * 3
    assert states(path) == ["COMPLETE"] * 3
    with open_store(path) as store:
        assert sorted(row.seed for row in store.rows()) == [1, 2, 3]
        assert [len(store.curve_points(row.run_id)) for row in store.rows()] == [3, 3, 3]


def test_of_two_processes_that_begin_one_run_only_one_does_it(path: Path) -> None:
    for status, errors in together(path, [1, 1]):
        assert status == 0 or "running_elsewhere" in errors, errors
    assert states(path) == ["COMPLETE"]
    with open_store(path) as store:
        assert [row.seed for row in store.rows()] == [1]


def test_processes_that_bring_new_algorithms_at_once_all_get_a_trial(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, others = trials_module.distributions_for, ["qmix", "kalei"]

    def interrupted(*arguments: Any) -> Any:
        """Between the lists of choices and the trial another process begins a run of an algorithm of its own."""
        found = own(*arguments)
        if others:
            with open_store(path) as other:
                other.begin(replace(KEY, algorithm=others.pop()), config=CONFIG, provenance=PROVENANCE)
        return found

    monkeypatch.setattr(trials_module, "distributions_for", interrupted)
    with open_store(path) as store:
        assert begin(store).status == "started"
    assert {trial.params["algorithm"] for trial in trials(path)} == {"k24", "qmix", "kalei"}
