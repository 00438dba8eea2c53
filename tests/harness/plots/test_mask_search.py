"""The report's picture of K24's search for masks: what is averaged, what is left out, what the words say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plots.diagnostics import SEARCH, plot_mask_search
from harness.plots.lines import mean_line
from studies.rows import CurvePoint
from tests.algorithms.worlds import batch, learner


def point(env_steps: int, extra: dict[str, float]) -> CurvePoint:
    return CurvePoint(
        env_steps=env_steps,
        win_rate=0.5,
        return_mean=1.0,
        episodes=32,
        loss=None,
        epsilon=0.1,
        wall_seconds=1.0,
        extra=extra,
    )


def test_every_number_of_a_panel_is_one_that_k24_stores(tmp_path: Path) -> None:
    made = learner("k24", total_env_steps=1005)
    points = []
    for i in range(3):
        made.update(batch(seed=i), 0)
        points.append(point(100 * i, made.diagnostics()))
    assert {name for panel in SEARCH.values() for name in panel} <= points[-1].extra.keys()
    (plot,) = plot_mask_search(tmp_path, "k24", "terran_5_vs_5", [points, points], 4)
    assert plot.name == "search-4-terran_5_vs_5"
    assert all(file.stat().st_size > 0 for file in plot.files)
    assert f"two draws differ in {points[-1].extra['draws_differ']:.0%} of groups" in plot.alt
    assert "2 seeds" in plot.caption
    for text in ("chance of the best", "weights all types drop", "under a draw", "changed since the last"):
        assert text in plot.svg


def test_runs_are_averaged_where_all_have_a_point() -> None:
    first = [point(0, {"a": 1.0}), point(10, {"a": 3.0}), point(20, {"a": 9.0})]
    second = [point(0, {}), point(10, {"a": 5.0}), point(20, {"a": 1.0})]
    steps, values = mean_line([first, second, [point(10, {"b": 1.0})]], "a")
    assert steps.tolist() == [10, 20]
    assert values.tolist() == pytest.approx([4.0, 5.0])
    assert mean_line([first], "c") is None
    assert mean_line([[point(0, {"a": 1.0})], [point(5, {"a": 1.0})]], "a") is None


def test_an_algorithm_without_a_search_has_no_such_picture(tmp_path: Path) -> None:
    made = learner("k24-magnitude")
    made.update(batch(), 0)
    assert plot_mask_search(tmp_path, "k24-magnitude", "3m", [[point(0, made.diagnostics())]], 0) == []
    assert list(tmp_path.iterdir()) == []
