"""Checks of stored runs beside the published curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fidelity.checks import Check
from benchmarks.fidelity.trained import trained_checks
from tests.studies.sample import KEY, OUTCOMES, PROVENANCE, RESULT, evaluate, open_store, url


def stored(path: Path, scenario: str = KEY.scenario) -> list[Check]:
    """Two finished runs of 300,000 env steps, which won 0.2 and 0.4 of their evaluations."""
    with open_store(path) as store:
        for seed, win_rate in ((1, 0.2), (2, 0.4)):
            key = replace(KEY, seed=seed, scenario=scenario)
            run = store.begin(key, config={"env": {"rules": "2023"}}, provenance=PROVENANCE)
            for env_steps in (180_000, 220_000, 300_000):
                evaluate(run, env_steps, win_rate)
            battles = [replace(OUTCOMES[0], length=40 + seed), replace(OUTCOMES[1], length=60 + seed)]
            run.outcomes(battles)
            run.finish(replace(RESULT, env_steps=300_000))
    return trained_checks(url(path), "compare", KEY.algorithm)


def test_curves_are_compared_where_both_have_points(tmp_path: Path) -> None:
    checks = {check.group: check for check in stored(tmp_path / "studies.db")}
    curves = {f"{measure} at {steps}" for measure in ("win rate", "return") for steps in ("200,000", "300,000")}
    assert set(checks) == {*curves, "length after 300,000"}
    wins = checks["win rate at 300,000"]
    assert (wins.engine.mean, wins.engine.error) == pytest.approx((0.3, 0.1))
    assert 0.15 < wins.game.mean < 0.35
    assert checks["return at 200,000"].engine.mean == pytest.approx(6.0)


def test_lengths_stand_beside_training_episodes_of_that_time(tmp_path: Path) -> None:
    length = next(check for check in stored(tmp_path / "studies.db") if check.group.startswith("length"))
    assert length.engine.mean == pytest.approx(51.5)
    assert 40 < length.game.mean < 65
    assert length.mark == pytest.approx(0.08 * length.game.mean)


def test_a_scenario_without_published_curves_stands_alone(tmp_path: Path) -> None:
    checks = stored(tmp_path / "studies.db", scenario="terran_10_vs_10")
    assert len(checks) == 5
    assert all(check.game is None and check.verdict == "no reference" for check in checks)


def test_runs_under_other_rules_are_not_one_group(tmp_path: Path) -> None:
    stored(tmp_path / "studies.db")
    with open_store(tmp_path / "studies.db") as store:
        key = replace(KEY, seed=3, config_hash="another")
        store.begin(key, config={"env": {"rules": "2024"}}, provenance=PROVENANCE).finish(RESULT)
    with pytest.raises(SystemExit, match=r"study compare holds several settings: .*rules = 2023; .*rules = 2024"):
        trained_checks(url(tmp_path / "studies.db"), "compare", KEY.algorithm)


def test_other_algorithms_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "studies.db"
    stored(path)
    assert trained_checks(url(path), "compare", "qmix") == []
