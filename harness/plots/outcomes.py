"""Plots of final results: win rates with intervals, what sparsity and throughput cost in wins, performance profiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harness.plots.curves import draw_band, summed_curve, win_rate_bars
from harness.plots.figure import Hit, Plot, draw_plot
from harness.plots.style import MUTED, looks
from harness.results.aggregates import AlgorithmRow, in_several_sessions
from harness.results.findings import ComparisonReport
from harness.results.tables import win_rate
from harness.runs.files import file_name

BETWEEN = 0.7
"""Heights of a row that lie free between two scenarios."""


def plot_win_rates(
    folder: Path,
    rows: Sequence[AlgorithmRow],
    algorithms: Sequence[str],
    levels: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
) -> list[Plot]:
    """Final win rates of all algorithms on all scenarios, each with its interval; none where no one can win.

    ``levels``: scenario -> policies that do not learn, and how often they win.
    """
    shown = [row for row in rows if row.can_be_won]
    if not shown:
        return []

    def draw(figure: Figure) -> list[Hit]:
        hits = _draw_win_rates(figure.add_subplot(), shown, algorithms, levels)
        figure.legend(loc="outside lower left", ncols=3)
        return hits

    message = "; ".join(f"{row.algorithm} on {row.scenario} {win_rate(row)}" for row in shown)
    kinds = "; ".join(dict.fromkeys(row.interval_kind for row in shown))
    plot = draw_plot(
        folder,
        "win-rates",
        draw,
        title="Final win rates",
        alt=f"Points with intervals: {message}.",
        caption=f"Intervals: {kinds}." + (" Dashed: policies that do not learn." if any(levels.values()) else ""),
        height=1.5 + 0.28 * (len(shown) + BETWEEN * len({row.scenario for row in shown})),
    )
    return [plot]


def _draw_win_rates(
    axes: Axes,
    rows: Sequence[AlgorithmRow],
    algorithms: Sequence[str],
    levels: Mapping[str, Mapping[str, float]],
) -> list[Hit]:
    """Draw a point with its interval for each row, one below the other, and a tick for each scenario."""
    height, ticks, named, hits = 0.0, [], set[str](), []
    for scenario in dict.fromkeys(row.scenario for row in rows):
        own = [row for row in rows if row.scenario == scenario]
        ticks.append((height + (len(own) - 1) / 2, scenario))
        for row in own:
            look = looks(algorithms)[row.algorithm]
            label = None if row.algorithm in named else row.algorithm
            named.add(row.algorithm)
            ends = win_rate_bars(row)
            axes.errorbar(row.win_rate, height, xerr=ends, fmt=look.marker, color=look.colour, capsize=3, label=label)
            text = f"{row.algorithm}: {win_rate(row)}"
            hits.append(Hit(axes=axes, x=row.win_rate, y=height, text=text))
            height += 1
        _draw_levels(axes, levels.get(scenario, {}), height - len(own) - 0.4, height - 0.6)
        height += BETWEEN
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    axes.set(xlabel="greedy win rate after training", ylim=(height - 0.9, -0.8))
    axes.set_xlim(left=0)
    axes.grid(visible=False, axis="y")
    return hits


def _draw_levels(axes: Axes, levels: Mapping[str, float], top: float, bottom: float) -> None:
    """Draw a dashed line for each policy that does not learn, beside the rows of its scenario."""
    for name, value in levels.items():
        axes.plot([value, value], [top, bottom], color=MUTED, linewidth=1, dashes=(2, 2))
        axes.annotate(name, (value, top), ha="center", va="bottom", color=MUTED, fontsize=7.5)


def plot_trade_offs(folder: Path, rows: Sequence[AlgorithmRow], algorithms: Sequence[str], scenario: str) -> list[Plot]:
    """Win rate (return where no one wins) against sparsity, and against throughput, on one scenario."""
    own = [row for row in rows if row.scenario == scenario]
    if not own:
        return []
    machines = sorted({machine for row in own for machine in row.machines})
    caption = "Dense products on the run's device; what sparse tensor cores gain is measured apart."
    if len(machines) > 1:
        caption += f" Differences may be those of the machines: {'; '.join(machines)}."
    if in_several_sessions(own):
        caption += " Not all were measured in the same session, so not all decisions/s compare."
    plots = [
        _scatter(
            folder,
            f"sparsity-{file_name(scenario)}",
            own,
            algorithms,
            x=lambda row: row.sparsity_masked,
            axis="sparsity of the masked layers",
            text=percent,
            title=f"{scenario}: {'wins' if own[0].can_be_won else 'return'} against sparsity",
            note=lambda row: "" if row.flops_kept is None else f"{percent(row.flops_kept)} of FLOPs",
            caption="In brackets the share of the dense network's FLOPs that the masks keep.",
        )
    ]
    timed = [row for row in own if row.throughput is not None]
    if timed:
        plots.append(
            _scatter(
                folder,
                f"throughput-{file_name(scenario)}",
                timed,
                algorithms,
                x=lambda row: row.throughput or 0.0,
                axis=f"agent decisions/s on {timed[0].device}, {timed[0].throughput_batch:,} agents a call",
                text=short_count,
                title=f"{scenario}: wins against throughput",
                note=lambda row: (
                    f"{percent(row.sparsity_masked)} sparse{'' if row.throughput_quiet else ', under load'}"
                ),
                caption=caption,
            )
        )
    return plots


def short_count(number: float) -> str:
    """Three digits: ``812``, ``74.5k``, ``1.23M``."""
    rounded = float(f"{number:.3g}")
    power = min(int(math.log10(rounded)) // 3, 3) if rounded >= 1 else 0
    return f"{rounded / 1000**power:.3g}{('', 'k', 'M', 'G')[power]}"


def percent(share: float) -> str:
    """``50%``, ``5.4%``."""
    return f"{share:.1%}".replace(".0%", "%")


def _scatter(
    folder: Path,
    name: str,
    rows: Sequence[AlgorithmRow],
    algorithms: Sequence[str],
    *,
    x: Callable[[AlgorithmRow], float],
    axis: str,
    text: Callable[[float], str],
    title: str,
    note: Callable[[AlgorithmRow], str],
    caption: str,
) -> Plot:
    winners = rows[0].can_be_won

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for row in rows:
            look = looks(algorithms)[row.algorithm]
            ends = win_rate_bars(row) if winners else None
            label = f"{row.algorithm} ({note(row)})"
            axes.errorbar(
                x(row), row.score, yerr=ends, fmt=look.marker, color=look.colour, markersize=7, capsize=3, label=label
            )
        axes.set(xlabel=axis, ylabel="greedy win rate" if winners else "greedy return")
        furthest = max(x(row) for row in rows) or 1.0
        axes.set_xlim(-0.03 * furthest, 1.1 * furthest)  # from 0, so that lengths compare; points there stay whole
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value) if value >= 0 else ""))
        axes.margins(y=0.15)
        figure.legend(loc="outside lower left", ncols=2)

    message = "; ".join(f"{row.algorithm}: {text(x(row))}, {row.score:.3f}" for row in rows)
    return draw_plot(folder, name, draw, title=title, alt=f"Points: {message}.", caption=caption)


def plot_profiles(folder: Path, findings: ComparisonReport, algorithms: Sequence[str]) -> list[Plot]:
    """The share of runs that win more than each rate; none where all have two seeds on no scenario in common."""
    if not findings.scenario_aggregates:
        return []
    curves = [summed_curve(each, each.profile, algorithms) for each in findings.scenario_aggregates]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for curve in curves:
            draw_band(axes, curve)
        axes.axhline(0.5, color=MUTED, linewidth=0.6)
        axes.set(xlabel="greedy win rate τ", ylabel="share of runs above τ", xlim=(0, 1), ylim=(0, 1.02))
        figure.legend(loc="outside lower left", ncols=1, handlelength=3.2)

    middle = (
        f"{each.algorithm} {each.profile.at[(each.profile.estimate > 0.5).argmin()]:.2f}"
        for each in findings.scenario_aggregates
    )
    plot = draw_plot(
        folder,
        "profiles",
        draw,
        title="Performance profiles",
        alt=f"Falling curves. Win rate that half the runs do not exceed: {', '.join(middle)}.",
        caption=f"Higher is better; a curve above another throughout is better at every quantile. All are over the "
        f"same seeds of the same scenarios. Bands: {curves[0].interval}.",
    )
    return [plot]
