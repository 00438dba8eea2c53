"""Published curves: what the file holds, and averages over windows held against numbers by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.results.published import Point, published_runs, windowed


@pytest.mark.parametrize("race", ["terran", "protoss", "zerg"])
def test_three_runs_of_each_race_in_order(race: str) -> None:
    runs = published_runs(f"{race}_5_vs_5")
    assert sorted(runs) == [0, 1, 2]
    for points in runs.values():
        steps = [point.env_steps for point in points]
        assert steps == sorted(steps)
        assert 1_800_000 < steps[-1] <= 2_000_000
        assert all(0 <= point.win_rate <= 1 for point in points)


@pytest.mark.parametrize(("race", "runs"), [("terran", 3), ("protoss", 5), ("zerg", 5)])
def test_runs_of_mappo(race: str, runs: int) -> None:
    found = published_runs(f"{race}_5_vs_5", method="MAPPO")
    assert len(found) == runs
    assert found[0] != published_runs(f"{race}_5_vs_5")[0]


def test_nothing_is_published_for_other_scenarios() -> None:
    assert published_runs("3s5z") == {}


def test_a_line_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "published.csv"
    file.write_text("scenario,algorithm,run,env_step,test_win_rate,test_return_mean\na,QMIX,4,10,0.25,7.5\n")
    assert published_runs("a", file) == {4: [Point(env_steps=10, win_rate=0.25, return_mean=7.5)]}


def test_windows_average_each_run_and_then_the_runs() -> None:
    won = {0: [(5, 0.0), (10, 1.0), (11, 0.5)], 1: [(10, 0.25)], 2: [(40, 1.0)]}
    runs = {run: [Point(step, win_rate, 0.0) for step, win_rate in points] for run, points in won.items()}
    found = windowed(runs, "win_rate", last=20, window=10)
    np.testing.assert_allclose(found.at, [5, 15])
    np.testing.assert_allclose(found.estimate, [(0.5 + 0.25) / 2, 0.5])
    np.testing.assert_allclose(found.low, [0.25, 0.5])
    np.testing.assert_allclose(found.high, [0.5, 0.5])
    assert len(windowed({}, "win_rate", last=20).at) == 0
