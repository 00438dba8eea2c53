"""The report's picture of an algorithm's own diagnostics: what is averaged, what is left out, what the words say."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from algorithms import registry
from harness.plots.diagnostics import plot_panels
from harness.plots.figure import draw_plot
from harness.plots.lines import mean_line, use_log_scale
from studies.rows import CurvePoint
from tests.algorithms.worlds import batch, learner
from tests.harness.results.rows import curve_point


def point(env_steps: int, extra: dict[str, float]) -> CurvePoint:
    return curve_point(env_steps, extra=extra)


@pytest.mark.parametrize(("name", "settings"), [("k24", {"noise": True}), ("k24-gru", {})])
def test_every_number_of_a_panel_is_one_that_k24_stores(name: str, settings: dict[str, bool], tmp_path: Path) -> None:
    made = learner(name, **settings)
    points = []
    for i in range(3):
        made.update(batch(seed=i), 0)
        points.append(point(100 * i, made.diagnostics()))
    panels = registry.entry(name).panels
    assert {diagnostic for panel in panels for diagnostic in panel.lines} <= points[-1].extra.keys()
    (plot,) = plot_panels(tmp_path, name, "terran_5_vs_5", panels, [points, points], 4)
    assert plot.name == "own-4-terran_5_vs_5"
    assert all(file.stat().st_size > 0 for file in plot.files)
    assert f"draws of the masks, two draws differ: {points[-1].extra['draws_differ']:.3g}" in plot.alt
    assert (points[-1].extra["draws_differ"] > 0) is ("noise" in settings)
    assert "2 seeds" in plot.caption
    assert "last update before an evaluation" in plot.caption
    for text in ("chance of the best", "weights all types drop", "under a draw", "changed since the last"):
        assert text in plot.svg


def test_mappo_brings_its_own_panels(tmp_path: Path) -> None:
    """A learner of another kind is drawn without an edit of the harness."""
    panels = registry.entry("mappo").panels
    points = [point(100 * i, {"entropy": 2.0 - i, "clipped": 0.1, "of nobody": 1.0}) for i in range(2)]
    (plot,) = plot_panels(tmp_path, "mappo", "3m", panels, [points], 0)
    assert "entropy of the policy" in plot.svg
    assert "of nobody" not in plot.svg
    assert "1 seed," in plot.caption


def test_runs_are_averaged_where_all_have_a_point() -> None:
    first = [point(0, {"a": 1.0}), point(10, {"a": 3.0}), point(20, {"a": 9.0})]
    second = [point(0, {}), point(10, {"a": 5.0}), point(20, {"a": 1.0})]
    steps, values = mean_line([first, second, [point(10, {"b": 1.0})]], "a")
    assert steps.tolist() == [10, 20]
    assert values.tolist() == pytest.approx([4.0, 5.0])
    assert mean_line([first], "c") is None
    assert mean_line([[point(0, {"a": 1.0})], [point(5, {"a": 1.0})]], "a") is None


def test_an_algorithm_without_panels_has_no_such_picture(tmp_path: Path) -> None:
    made = learner("qmix")
    made.update(batch(), 0)
    panels = registry.entry("qmix").panels
    assert plot_panels(tmp_path, "qmix", "3m", panels, [[point(0, made.diagnostics())]], 0) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("values", [(0.0011, 0.0014), (12_000, 14_500), (0.001, 10)])
def test_labels_of_a_logarithmic_axis_say_where_they_are(values: tuple[float, float]) -> None:
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([0, 1], values)
    use_log_scale(axes)
    figure.canvas.draw()
    labels = [*axes.get_yticklabels(minor=False), *axes.get_yticklabels(minor=True)]
    places = [*axes.get_yticks(minor=False), *axes.get_yticks(minor=True)]
    shown = [(label.get_text(), place) for label, place in zip(labels, places, strict=True) if label.get_text()]
    assert len(shown) >= 3
    assert [float(text) for text, _ in shown] == pytest.approx([place for _, place in shown], rel=1e-4)


@pytest.mark.parametrize("count", [4, 60])
def test_many_curves_leave_their_axes_room(count: int, tmp_path: Path) -> None:
    heights = []

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for number in range(count):
            axes.plot([0, 1], [0, number], label=f"k24@{number:06x} (3 seeds)")
        figure.legend(loc="outside lower left", ncols=2)
        heights.append(axes)

    plot = draw_plot(tmp_path, "many", draw, title="t", alt="a", caption="c")
    (axes,) = heights
    assert axes.get_window_extent().height / axes.figure.dpi > 1.5, "inches"
    assert all(file.stat().st_size > 0 for file in plot.files)
