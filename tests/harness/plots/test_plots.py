"""Plots: the numbers behind them, their files, colours that follow the theme, names."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from harness.plots.curves import own_curves, plot_learning, plot_over_scenarios, published_curve
from harness.plots.figure import draw_plot
from harness.plots.masks import plot_masks
from harness.plots.outcomes import percent, plot_profiles, plot_trade_offs, plot_win_rates, short_count
from harness.plots.style import DARK, INK, MUTED, PAPER, SERIES, VARIABLES
from harness.results.findings import ComparisonReport, compute_report
from harness.results.grouping import label_legend
from harness.results.study_data import StudyData, collect
from harness.stats.closed_form import wilson
from tests.harness.report.made_up import SCENARIO, STUDY, begin, finish, make_study, open_study

NEUTRAL = {"none", "#ffffff", "#000000"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> StudyData:
    folder = tmp_path_factory.mktemp("study")
    make_study(folder)
    with open_study(folder) as store:
        begin(store, "vdn", 0)
        return collect(store, STUDY)


@pytest.fixture(scope="module")
def findings(data: StudyData) -> ComparisonReport:
    return compute_report(data.groups, data, title=STUDY)


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [INK, MUTED, *(each.colour for each in SERIES)])
def test_every_colour_can_be_read_on_light_and_on_dark(colour: str) -> None:
    assert contrast(colour, PAPER) >= 4.5
    assert contrast(DARK[colour], DARK[PAPER]) >= 4.5


def test_series_are_distinct_without_colour() -> None:
    for what in ("marker", "line", "hatch"):
        looks = [str(getattr(each, what)) for each in SERIES]
        assert len(set(looks)) == len(looks), what


def test_every_plot_is_written_twice_and_follows_the_theme(
    data: StudyData, findings: ComparisonReport, tmp_path: Path
) -> None:
    names = data.algorithms
    plots = [
        *plot_win_rates(tmp_path, findings.rows, names),
        *plot_learning(tmp_path, data, findings, SCENARIO, "win_rate"),
        *plot_trade_offs(tmp_path, findings.rows, names, SCENARIO),
        *plot_profiles(tmp_path, findings, names),
        *(plot for (name, where), runs in data.groups.items() for plot in plot_masks(tmp_path, name, where, runs, 7)),
    ]
    masks = [f"masks-7-{SCENARIO}"] * 2
    expected = ["win-rates", f"curve-{SCENARIO}", f"sparsity-{SCENARIO}", "profiles", *masks]
    assert [plot.name for plot in plots] == expected, "qmix has no masks to draw, and nothing was timed in turn"
    for plot in plots:
        png, svg = plot.files
        with Image.open(png) as picture:
            assert picture.width > 700
        root = ElementTree.parse(svg).getroot()
        assert root.attrib["aria-labelledby"] == f"{plot.name}-title {plot.name}-alt"
        used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6}|none)", plot.svg))
        assert used <= {*VARIABLES, *NEUTRAL}, f"{plot.name} uses colours that no rule replaces"
        assert "prefers-color-scheme:dark" in svg.read_text()
        assert "<metadata" not in plot.svg
        assert plot.alt.endswith(".")
        assert plot.caption


def test_the_same_plot_gives_the_same_files(tmp_path: Path) -> None:
    def draw(figure: Figure) -> None:
        figure.add_subplot().plot([0, 1], [0, 1], marker="o")

    words = dict(title="<T & t>", alt="A.", caption="C.")
    first, second = (draw_plot(tmp_path / folder, "p", draw, **words) for folder in "ab")
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in second.files]
    assert "&lt;T &amp; t&gt;" in first.svg


def test_curves_over_seeds_of_one_seed_and_in_training(data: StudyData, findings: ComparisonReport) -> None:
    curves = {curve.label: curve for curve in own_curves(data, findings, SCENARIO, "win_rate")}
    over_seeds = curves["k24 (2 seeds)"].band
    np.testing.assert_allclose(over_seeds.estimate, [1 / 64, 1 / 64 + 1 / 8, 1 / 64 + 1 / 4])
    assert over_seeds is next(each.band for each in findings.curves if each.algorithm == "k24"), "computed once"
    training = curves["vdn (1 seed, in training)"].band
    by_hand = wilson(4, 32)
    assert (training.estimate[1], training.low[1], training.high[1]) == (0.125, by_hand.low, by_hand.high)
    returns = {curve.label: curve for curve in own_curves(data, findings, SCENARIO, "return_mean")}
    np.testing.assert_allclose(returns["qmix (2 seeds)"].band.estimate, [0, 4, 8])
    assert own_curves(data, findings, "3s5z", "win_rate") == []


def test_curves_over_several_scenarios_are_drawn_where_algorithms_have_them_in_common(tmp_path: Path) -> None:
    with open_study(tmp_path) as store:
        for seed in (0, 1):
            for algorithm in ("k24", "qmix"):
                for scenario in (SCENARIO, "3s5z"):
                    finish(begin(store, algorithm, seed, scenario), 0.5)
            finish(begin(store, "k24", seed, "corridor"), 0.5)
        data = collect(store, STUDY)
    findings = compute_report(data.groups, data, title=STUDY)
    (plot,) = plot_over_scenarios(tmp_path, findings, data.algorithms)
    assert plot.name == "curves-over-scenarios"
    assert "k24 (2 seeds of each of 2 scenarios) 0.27, qmix (2 seeds of each of 2 scenarios) 0.27." in plot.alt
    assert "mean over runs at each env_step, 95% t over seeds" in plot.caption
    assert "corridor (qmix has no seed)" in findings.left_out[0]
    on_one = {place: runs for place, runs in data.groups.items() if place[1] == SCENARIO}
    assert plot_over_scenarios(tmp_path, compute_report(on_one, data, title=STUDY), data.algorithms) == []


def test_the_published_curve_ends_where_ours_do() -> None:
    curve = published_curve(f"{SCENARIO}@0a1b2c", "win_rate", 100_000)
    assert curve is not None, "other options of the world do not hide it"
    np.testing.assert_allclose(curve.band.at, [25_000, 75_000])
    assert published_curve("3s5z", "win_rate", 100_000) is None


def test_numbers_in_words() -> None:
    counts = {0.0: "0", 812.0: "812", 74_510.0: "74.5k", 745_000.0: "745k", 999_999.0: "1M", 1_234_567.0: "1.23M"}
    assert {number: short_count(number) for number in counts} == counts
    assert [percent(share) for share in (0.0, 0.054, 0.5)] == ["0%", "5.4%", "50%"]


def test_names_with_a_digest_are_explained(tmp_path: Path) -> None:
    with open_study(tmp_path) as store:
        begin(store, "k24", 0)
        begin(store, "k24", 0, lr=0.01)
        begin(store, "qmix", 0)
        found = label_legend(collect(store, STUDY).every())
    assert sorted(found.values()) == ["algorithm.lr = 0.001", "algorithm.lr = 0.01"]
    assert all(name.startswith("k24@") for name in found)
