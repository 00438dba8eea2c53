"""A stage of the study in words: means with their intervals, every seed, paired differences, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np

from benchmarks.study.files import FinishedRun, Place
from benchmarks.study.stages import Stage
from harness.runs.seeding import bootstrap_generator
from harness.stats import Interval, IntervalKind, win_rate_interval
from harness.stats.student import mean_with_t

Runs = Mapping[Place, FinishedRun]


def describe(stage: Stage, runs: Runs) -> str:
    """Return the stage's page; differences are of runs with the same seed, which meet the same battles."""
    wanted = len(stage.arms) * len(stage.scenarios) * len(stage.seeds)
    state = "complete" if len(runs) == wanted else f"INCOMPLETE: {len(runs)} of {wanted} runs"
    commits = ", ".join(sorted({run.commit for run in runs.values()}))
    made = f"; made by `python -m benchmarks.study.k24 {stage.name}` at commit {commits}" if runs else ""
    lines = [f"# K24, stage {stage.name}: {state}", "", f"{stage.env_steps:,} env steps a run{made}."]
    for heading, rows in (
        ("| arm | scenario | win rate | over | each seed |", _means(stage, runs)),
        ("| difference | scenario | win rate | over | each seed |", _differences(stage, runs)),
    ):
        if rows:
            lines += ["", heading, "|---|---|---|---|---|", *rows]
    if runs:
        lines += ["", f"![How the arms learn and what they win](k24_{stage.name}.png)"]
    return "\n".join(lines) + "\n"


def of_group(stage: Stage, runs: Runs, arm: str, scenario: str) -> list[FinishedRun]:
    """Return the finished runs of an arm on a scenario, by seed."""
    return [runs[arm, scenario, seed] for seed in stage.seeds if (arm, scenario, seed) in runs]


def interval_of(group: Sequence[FinishedRun]) -> Interval:
    """Return the win rate of an arm on a scenario, over its seeds."""
    rng = bootstrap_generator(group[0].arm, group[0].scenario)
    return win_rate_interval([run.wins for run in group], [run.battles for run in group], rng)


def difference(strata: Sequence[Sequence[float]]) -> Interval:
    """Return the mean over scenarios of the mean over seeds of paired differences, with Student's t over seeds.

    One seed of a scenario has no spread, so that the interval is the whole range.

    Args:
        strata: per scenario, a difference of win rates for each seed.
    """
    if min(map(len, strata)) < 2:
        return Interval.of((fmean(map(fmean, strata)), -1.0, 1.0), IntervalKind.NONE_FOR_ONE_SEED)
    return Interval.of(mean_with_t([np.array(each) for each in strata]), IntervalKind.PAIRED_OVER_SEEDS)


def _means(stage: Stage, runs: Runs) -> list[str]:
    rows = []
    for scenario in stage.scenarios:
        for arm in stage.arms:
            if group := of_group(stage, runs, arm.label, scenario):
                each = ", ".join(f"{run.seed}: {run.win_rate:.3f}" for run in group)
                found = interval_of(group)
                size = f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
                rows.append(f"| {arm.label} | {scenario} | {size} | {found.kind} | {each} |")
    return rows


def _differences(stage: Stage, runs: Runs) -> list[str]:
    rows = []
    for label, baseline in stage.pairs:
        strata = {
            scenario: found for scenario in stage.scenarios if (found := _paired(runs, label, baseline, scenario))
        }
        for scenario, by_seed in strata.items():
            each = ", ".join(f"{seed}: {value:+.3f}" for seed, value in by_seed.items())
            rows.append(_difference_row(label, baseline, scenario, difference([list(by_seed.values())]), each))
        if len(strata) > 1:
            over_all = difference([list(by_seed.values()) for by_seed in strata.values()])
            counts = ", ".join(str(len(by_seed)) for by_seed in strata.values())
            rows.append(_difference_row(label, baseline, f"{len(strata)} scenarios", over_all, f"{counts} seeds"))
    return rows


def _paired(runs: Runs, label: str, baseline: str, scenario: str) -> dict[int, float]:
    """Seed -> difference of the win rates, of the seeds that both have finished."""
    ours = {seed: run for (arm, where, seed), run in runs.items() if (arm, where) == (label, scenario)}
    theirs = {seed: run for (arm, where, seed), run in runs.items() if (arm, where) == (baseline, scenario)}
    return {seed: ours[seed].win_rate - theirs[seed].win_rate for seed in sorted(ours.keys() & theirs.keys())}


def _difference_row(label: str, baseline: str, scenario: str, found: Interval, each: str) -> str:
    size = f"{found.estimate:+.3f}"
    if found.kind != IntervalKind.NONE_FOR_ONE_SEED:
        size += f" [{found.low:+.3f}, {found.high:+.3f}]"
    return f"| {label} − {baseline} | {scenario} | {size} | {found.kind} | {each} |"
