"""Curves beside the published ones: each (algorithm, rules, seed) is drawn once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.study.published import own_curves, stored_curves, write_csv
from studies.rows import RunKey
from tests.studies.sample import KEY, PROVENANCE, RESULT, evaluate, open_store, url


def finish(
    path: Path, key: RunKey, rules: str, win_rate: float, study: str = "compare", steps: int = 1000, **settings: object
) -> None:
    with open_store(path, study=study) as store:
        run = store.begin(key, config={"algorithm": settings, "env": {"rules": rules}}, provenance=PROVENANCE)
        evaluate(run, 1000, win_rate)
        run.finish(replace(RESULT, env_steps=steps))


def test_runs_are_named_by_algorithm_rules_and_seed(path: Path) -> None:
    finish(path, KEY, "2023", 0.25)
    finish(path, replace(KEY, seed=2), "2023", 0.5)
    finish(path, replace(KEY, config_hash="another"), "2024", 0.75)
    finish(path, replace(KEY, scenario="zerg_5_vs_5"), "2024", 1.0)
    assert own_curves(url(path), ["compare"], KEY.scenario) == {
        "k24, rules 2023": {1: [(1000, 0.25, 5.0)], 2: [(1000, 0.5, 10.0)]},
        "k24, rules 2024": {1: [(1000, 0.75, 15.0)]},
    }


def test_settings_that_differ_are_in_the_name(path: Path) -> None:
    finish(path, KEY, "2024", 0.25, lr=1)
    finish(path, replace(KEY, config_hash="another"), "2024", 0.75, lr=2)
    assert list(own_curves(url(path), ["compare"], KEY.scenario)) == [
        "k24 (lr = 1), rules 2024",
        "k24 (lr = 2), rules 2024",
    ]


def test_settings_and_lengths_of_several_studies_are_no_one_curve(path: Path) -> None:
    finish(path, KEY, "2024", 0.25, "a", lr=1)
    finish(path, replace(KEY, seed=2, config_hash="another"), "2024", 0.5, "b", 2000, lr=2)
    finish(path, replace(KEY, seed=3, config_hash="third"), "2024", 0.75, "b", 2000, lr=1)
    assert list(own_curves(url(path), ["a", "b"], KEY.scenario)) == [
        "k24 (lr = 1), rules 2024, 1,000 env steps",
        "k24 (lr = 2), rules 2024, 2,000 env steps",
        "k24 (lr = 1), rules 2024, 2,000 env steps",
    ]


def test_two_configurations_under_one_name_are_refused(path: Path) -> None:
    finish(path, KEY, "2024", 0.25)
    finish(path, replace(KEY, config_hash="another"), "2024", 0.75)
    says = r"k24, rules 2024, seed 1 on terran_5_vs_5: two finished runs.*another.*--study"
    with pytest.raises(SystemExit, match=says):
        own_curves(url(path), ["compare"], KEY.scenario)


def test_stored_curves_are_read_as_they_were_written(tmp_path: Path) -> None:
    curves = {"k24, rules 2024": {0: [(1000, 0.25, 5.0), (2000, 0.5, 6.5)], 2: [(1000, 0.75, 7.0)]}}
    write_csv(tmp_path / "curves.csv", curves)
    assert stored_curves(tmp_path / "curves.csv") == curves
