"""A stage of the study in words: means with their intervals, every seed, paired differences, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, variance

from benchmarks.study.files import FinishedRun, Place
from benchmarks.study.stages import Stage
from harness.runs.seeding import bootstrap_generator
from harness.stats.by_seeds import win_rate_interval
from harness.stats.interval import Interval, IntervalKind, format_interval
from harness.stats.paired import half_width

Runs = Mapping[Place, FinishedRun]
Pair = tuple[FinishedRun, FinishedRun]
"""Two arms' runs with the same scenario and seed."""


def describe(stage: Stage, runs: Runs) -> str:
    """Return the stage's page; differences are of runs with the same seed, which meet the same battles."""
    wanted = len(stage.arms) * len(stage.scenarios) * len(stage.seeds)
    state = "complete" if len(runs) == wanted else f"INCOMPLETE: {len(runs)} of {wanted} runs"
    commits = sorted({run.commit for run in runs.values()})
    at = f"{'commits' if len(commits) > 1 else 'commit'} {' and '.join(commits)}"
    made = f"; made by `python -m benchmarks.study.k24 {stage.name}` at {at}" if runs else ""
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


def difference(strata: Sequence[Sequence[Pair]]) -> Interval:
    """Return the mean over scenarios of the mean over seeds of differences of win rates, with Student's t over seeds.

    It is never narrower than the battles allow, as if both arms had met other battles (they meet the same, which
    allows less). One seed of a scenario has no spread, so that the interval is the whole range.

    Args:
        strata: per scenario, both runs of each seed.
    """
    values = [[ours.win_rate - theirs.win_rate for ours, theirs in pairs] for pairs in strata]
    estimate = fmean(map(fmean, values))
    if min(map(len, strata)) < 2:
        return Interval.of((estimate, -1.0, 1.0), IntervalKind.NONE_FOR_ONE_SEED)
    within = [fmean(sum(map(variance_over_battles, pair)) for pair in pairs) for pairs in strata]
    reach = half_width([variance(each) for each in values], within, [len(each) for each in values])
    return Interval.of((estimate, estimate - reach, estimate + reach), IntervalKind.PAIRED_OVER_SEEDS)


def variance_over_battles(run: FinishedRun) -> float:
    """Return the variance that a run's battles leave in its win rate."""
    return run.win_rate * (1.0 - run.win_rate) / run.battles


def _means(stage: Stage, runs: Runs) -> list[str]:
    rows = []
    for scenario in stage.scenarios:
        for arm in stage.arms:
            if group := of_group(stage, runs, arm.label, scenario):
                each = ", ".join(f"{run.seed}: {run.win_rate:.3f}" for run in group)
                found = interval_of(group)
                size = format_interval(found.estimate, found.low, found.high)
                rows.append(f"| {arm.label} | {scenario} | {size} | {found.kind} | {each} |")
    return rows


def _differences(stage: Stage, runs: Runs) -> list[str]:
    rows = []
    for label, baseline in stage.pairs:
        strata = {scenario: found for scenario in stage.scenarios if (found := paired(runs, label, baseline, scenario))}
        for scenario, pairs in strata.items():
            each = ", ".join(f"{ours.seed}: {ours.win_rate - theirs.win_rate:+.3f}" for ours, theirs in pairs)
            rows.append(_difference_row(label, baseline, scenario, difference([pairs]), each))
        if len(strata) > 1:
            over_all = difference(list(strata.values()))
            counts = ", ".join(str(len(pairs)) for pairs in strata.values())
            rows.append(_difference_row(label, baseline, f"{len(strata)} scenarios", over_all, f"{counts} seeds"))
    return rows


def paired(runs: Runs, label: str, baseline: str, scenario: str) -> list[Pair]:
    """Return the runs of two arms with the same seed, by seed."""
    seeds = sorted(seed for arm, where, seed in runs if (arm, where) == (label, scenario))
    both = [(runs[label, scenario, seed], runs.get((baseline, scenario, seed))) for seed in seeds]
    return [(ours, theirs) for ours, theirs in both if theirs is not None]


def _difference_row(label: str, baseline: str, scenario: str, found: Interval, each: str) -> str:
    size = f"{found.estimate:+.3f}"
    if found.kind != IntervalKind.NONE_FOR_ONE_SEED:
        size += f" [{found.low:+.3f}, {found.high:+.3f}]"
    return f"| {label} − {baseline} | {scenario} | {size} | {found.kind} | {each} |"
