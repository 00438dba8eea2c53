"""Learning curves with their intervals, beside what others have published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from common.errors import counted
from harness.plots.figure import Hit, Plot, draw_plot
from harness.plots.lines import draw_line, set_env_steps, shade
from harness.plots.style import INK, MUTED, Series, looks
from harness.results.aggregates import AlgorithmRow, ScenarioAggregates
from harness.results.findings import ComparisonReport, LearningCurve
from harness.results.published import WINDOW, published_runs, windowed
from harness.results.study_data import StudyData
from harness.runs.files import file_name
from harness.runs.seeding import bootstrap_generator
from harness.stats.by_seeds import curve_over_seeds
from harness.stats.closed_form import wilson
from harness.stats.interval import Band, IntervalKind, format_interval
from studies.rows import CurvePoint, common_points

MEASURES = {"win_rate": "greedy win rate", "return_mean": "greedy return"}
SMOOTH = 3
"""Evaluations that a point of a win rate's curve is averaged over."""
PUBLISHED = Series(colour=INK, on_dark="", line=(0, (1, 1.4)), marker="", hatch="")


@dataclass(frozen=True, kw_only=True)
class DrawnCurve:
    """One line of a plot."""

    label: str
    band: Band
    look: Series
    interval: str
    """What the band shows, in words."""
    end: AlgorithmRow | None = None
    """The result after training, which the table shows; marked at the end of the line."""


def plot_learning(
    folder: Path,
    data: StudyData,
    findings: ComparisonReport,
    scenario: str,
    measure: str,
    levels: Mapping[str, float] = MappingProxyType({}),
) -> list[Plot]:
    """The learning curves of all algorithms on one scenario; none where no run has been evaluated yet.

    ``measure`` is a key of ``MEASURES``; ``levels``: policies that do not learn, and what they reach.
    """
    curves = own_curves(data, findings, scenario, measure)
    name = f"{'curve' if measure == 'win_rate' else 'return'}-{file_name(scenario)}"
    return _plot_lines(folder, name, scenario, measure, curves, levels)


def plot_over_scenarios(folder: Path, findings: ComparisonReport, algorithms: Sequence[str]) -> list[Plot]:
    """Win rates over training over all scenarios that the algorithms have in common; none where it is one or none."""
    curves = [summed_curve(each, each.band, algorithms) for each in findings.curves if len(each.scenarios) > 1]
    return _plot_lines(folder, "curves-over-scenarios", "over several scenarios", "win_rate", curves)


def summed_curve(found: LearningCurve | ScenarioAggregates, band: Band, algorithms: Sequence[str]) -> DrawnCurve:
    """Return a line over the scenarios of an algorithm; ``algorithms`` of the study, in the order of their looks."""
    count = len(found.scenarios)
    where = found.scenarios[0] if count == 1 else f"each of {count} scenarios"
    label = f"{found.algorithm} ({found.seeds} seeds of {where})"
    return DrawnCurve(label=label, band=band, look=looks(algorithms)[found.algorithm], interval=band.kind)


def _plot_lines(
    folder: Path,
    name: str,
    where: str,
    measure: str,
    curves: Sequence[DrawnCurve],
    levels: Mapping[str, float] = MappingProxyType({}),
) -> list[Plot]:
    """Lines with their bands beside what is published for ``where``; results after training as marks at the end."""
    if not curves:
        return []
    last = max(float(curve.band.at[-1]) for curve in curves)
    theirs = published_curve(where, measure, last)
    lines = [*curves, *([theirs] if theirs else [])]
    ended = [curve for curve in curves if curve.end is not None]

    def draw(figure: Figure) -> list[Hit]:
        axes = figure.add_subplot()
        hits = []
        for curve in lines:
            draw_band(axes, curve)
            hits += _hits(axes, curve)
        for number, curve in enumerate(ended):
            hits.append(_mark_end(axes, curve, last * (1.03 + 0.025 * number), measure))
        for level, value in levels.items():
            axes.axhline(value, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
            axes.annotate(level, (0, value), xytext=(3, 2), textcoords="offset points", color=MUTED, fontsize=8)
        set_env_steps(axes)
        axes.set_ylabel(MEASURES[measure])
        axes.set_xlim(0, last * (1.04 + 0.025 * len(ended)) if ended else last)
        if measure == "win_rate":
            highest = [float(curve.band.high.max()) for curve in lines] + [c.end.win_high for c in ended if c.end]
            axes.set_ylim(0, max(0.1, *(1.05 * value for value in (*highest, *levels.values()))))
        figure.legend(loc="outside lower left", ncols=2, handlelength=3.2)
        return hits

    ends = ", ".join(f"{curve.label} {curve.band.estimate[-1]:.2f}" for curve in lines)
    kinds = "; ".join(dict.fromkeys(curve.interval for curve in lines))
    plot = draw_plot(
        folder,
        name,
        draw,
        title=f"{where}: {MEASURES[measure]} over training",
        alt=f"Lines over env steps up to {last:,.0f}. At their ends: {ends}.",
        caption=f"Bands: {kinds}."
        + (" Marks at the right: the result over the final battles, as in the table." if ended else "")
        + (" Dashed: policies that do not learn." if levels else ""),
    )
    return [plot]


def _hits(axes: Axes, curve: DrawnCurve) -> list[Hit]:
    """Return a point with its value for each evaluation."""
    hits, band = [], curve.band
    for x, y, low, high in zip(band.at, band.estimate, band.low, band.high, strict=True):
        text = f"{curve.label}: {format_interval(y, low, high)} at {x:,.0f} env steps"
        hits.append(Hit(axes=axes, x=float(x), y=float(y), text=text))
    return hits


def _mark_end(axes: Axes, curve: DrawnCurve, x: float, measure: str) -> Hit:
    """The result after training with its interval, a little to the right of the line's end."""
    row = curve.end
    assert row is not None, "only curves with an end are marked"
    won, look = measure == "win_rate", curve.look
    y, ends = (row.win_rate, win_rate_bars(row)) if won else (row.return_mean, None)
    axes.errorbar(x, y, yerr=ends, fmt=look.marker, color=look.colour, markersize=6, capsize=2.5, elinewidth=1.2)
    return Hit(axes=axes, x=x, y=y, text=f"{row.algorithm}, result over {row.episodes:,} battles: {y:.3f}")


def win_rate_bars(row: AlgorithmRow) -> list[list[float]]:
    """Return how far the interval of a win rate reaches below and above it, as ``Axes.errorbar`` takes it."""
    return [[row.win_rate - row.win_low], [row.win_high - row.win_rate]]


def own_curves(data: StudyData, findings: ComparisonReport, scenario: str, measure: str) -> list[DrawnCurve]:
    """One curve for each algorithm: over its finished seeds, or over those in training where none has finished."""
    rows = {(row.algorithm, row.scenario): row for row in findings.rows}
    of_scenario = [row for row in findings.rows if row.scenario == scenario]
    if measure == "win_rate" and of_scenario and not any(row.can_be_won for row in of_scenario):
        return []
    known = {
        (each.algorithm, *each.scenarios): each.band
        for each in findings.curves
        if each.measure == MEASURES[measure].removeprefix("greedy ")
    }
    found = []
    for algorithm, look in looks(data.algorithms).items():
        finished = (algorithm, scenario) in data.groups
        seeds = [points for points in data.newest_curves(algorithm, scenario) if points]
        band = known.get((algorithm, scenario)) or band_of(seeds, measure, algorithm, scenario)
        if band:
            message = f"{counted(len(seeds), 'seed')}{'' if finished else ', in training'}"
            end = rows.get((algorithm, scenario)) if finished else None
            interval: str = band.kind
            if measure == "win_rate" and len(band.at) >= 2 * SMOOTH:
                band, interval = smoothed(band), f"{interval}; each point is averaged over {SMOOTH} evaluations"
            label = f"{algorithm} ({message})"
            found.append(DrawnCurve(label=label, band=band, look=look, interval=interval, end=end))
    return found


def smoothed(band: Band) -> Band:
    """Average each point of a line with its neighbours: 32 battles scatter by 8 points, which hides what is learned.

    The band is that of the single evaluations, averaged alike, so it is wider than one of the averages would be.
    """
    weights = np.ones(SMOOTH)

    def average(values: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.convolve(np.ones(len(values)), weights, mode="same")
        return np.convolve(values, weights, mode="same") / counts

    return Band.of(band.at, map(average, (band.estimate, band.low, band.high)), band.kind)


def band_of(seeds: list[list[CurvePoint]], measure: str, algorithm: str, scenario: str) -> Band | None:
    """The curve of some seeds where all were evaluated: the interval is that for its number of seeds."""
    steps, values = common_points(seeds, measure) if seeds else (np.array([]), np.array([]))
    if not len(steps):
        return None
    if len(seeds) > 1:
        battles = common_points(seeds, "episodes")[1].sum(axis=0) if measure == "win_rate" else None
        rng = bootstrap_generator(algorithm, scenario, measure)
        return curve_over_seeds(steps, [values], rng, battles)
    if measure == "win_rate":
        each = [wilson(round(point.win_rate * point.episodes), point.episodes) for point in seeds[0]]
        ends = np.array([(one.low, one.high) for one in each]).T
        return Band.of(steps, (values[0], *ends), IntervalKind.WILSON_OF_EACH_EVALUATION)
    return Band.of(steps, (values[0],) * 3, IntervalKind.NONE_FOR_ONE_SEED)


def published_curve(scenario: str, measure: str, last: float) -> DrawnCurve | None:
    """Return the published curve on the real game, up to ``last`` env_steps."""
    runs = published_runs(scenario.partition("@")[0])
    band = windowed(runs, measure, last)
    if not len(band.at):
        return None
    return DrawnCurve(
        label=f"QMIX, published: StarCraft II, rules of 2023 ({len(runs)} runs)",
        band=band,
        look=PUBLISHED,
        interval=f"published: {band.kind}, points averaged over {WINDOW:,} env steps",
    )


def draw_band(axes: Axes, curve: DrawnCurve) -> None:
    """A line with markers and its interval."""
    band, look = curve.band, curve.look
    draw_line(axes, band.at, band.estimate, look, curve.label)
    if (band.high > band.low).any():
        shade(axes, band.at, band.low, band.high, look, curve.label)
