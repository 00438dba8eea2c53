"""The numbers of docs/results/k24.md that no single stage's table holds, from the stages' files.

    python -m benchmarks.study.pooled

A difference over several stages takes each seed once. "Seeds alone" takes the mean over scenarios of each seed first:
one seed starts all scenarios from equal weights, so that their runs may not be independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import numpy as np

from benchmarks.study.files import FinishedRun, Place, read_points, read_runs
from benchmarks.study.k24 import OUT, points_file, runs_file
from benchmarks.study.stages import RACES, STAGES
from benchmarks.study.table import Pair, Runs, difference, paired
from harness.stats.closed_form import mean_with_t

LINE = "| {} | {:+.1f} [{:+.1f}, {:+.1f}] |"
MASKS = {
    "pattern_overlap": "types agree",
    "alpha_flips": "α decides",
    "pattern_churn": "changed since the last evaluation",
    "energy_best": "energy kept",
    "alpha_moved": "α has moved",
}
"""Columns of the files of points that the page speaks of."""


def of_stages(*names: str) -> dict[Place, FinishedRun]:
    """Return the runs of several stages by arm, scenario and seed."""
    return {place: run for name in names for place, run in read_runs(runs_file(STAGES[name], OUT)).items()}


def strata(runs: Runs, arm: str, baseline: str, scenarios: tuple[str, ...] = RACES) -> list[list[Pair]]:
    """Return the pairs of two arms, per scenario."""
    return [paired(runs, arm, baseline, scenario) for scenario in scenarios]


def line(what: str, pairs: list[list[Pair]]) -> str:
    """Return a row of the table, in points."""
    found = difference(pairs)
    return LINE.format(what, *(100 * each for each in (found.estimate, found.low, found.high)))


def line_over_seeds(what: str, values: list[float]) -> str:
    """Return a row whose interval is Student's t over these values, one for each seed."""
    return LINE.format(what, *(100 * float(each) for each in mean_with_t([np.array(values)])))


def by_seed(pairs: list[list[Pair]]) -> list[float]:
    """Return the mean difference over scenarios of each seed."""
    return [fmean(ours.win_rate - theirs.win_rate for ours, theirs in each) for each in zip(*pairs, strict=True)]


def rows() -> Iterator[str]:
    """Return the rows of the table of differences."""
    ten = of_stages("judge", "gru")
    judge, million = of_stages("judge"), of_stages("million")
    yield line("k24 − qmix, 300k, ten seeds, three races", strata(ten, "k24", "qmix"))
    for race in RACES:
        yield line(f"k24 − qmix, 300k, ten seeds, {race}", strata(ten, "k24", "qmix", (race,)))
    yield line("k24-magnitude − k24-static, 300k, judge", strata(judge, "k24-magnitude", "k24-static"))
    without = {place: run for place, run in judge.items() if place[1:] != ("protoss_5_vs_5", 34)}
    yield line("k24 − k24-static, judge, without protoss seed 34", strata(without, "k24", "k24-static"))
    yield line(
        "k24-gru − k24, 300k, ten seeds, terran", strata(of_stages("controls", "gru"), "k24-gru", "k24", RACES[:1])
    )
    yield line_over_seeds("k24 − qmix, judge, seeds alone", by_seed(strata(judge, "k24", "qmix")))
    late = by_seed(strata(million, "k24", "qmix"))
    early = by_seed(strata({place: judge[place] for place in million}, "k24", "qmix"))
    yield line_over_seeds("k24 − qmix, million, seeds alone", late)
    yield line_over_seeds("k24 − qmix, 1M minus 300k, seeds alone", list(np.subtract(late, early)))


def mask_rows(stage: str, env_steps: str) -> Iterator[str]:
    """Return what the masks of ``k24`` do at one moment, means over seeds, by race."""
    points = [point for each in read_points(points_file(STAGES[stage], OUT)).values() for point in each]
    for column, what in MASKS.items():
        values = {
            race: fmean(
                float(point[column])
                for point in points
                if (point["arm"], point["scenario"], point["env_steps"]) == ("k24", race, env_steps)
            )
            for race in RACES
        }
        yield f"| {stage}, {int(env_steps):,} env steps: {what} | {', '.join(f'{v:.3f}' for v in values.values())} |"


def main() -> None:
    print("| difference | points |", "|---|---|", *rows(), sep="\n")
    print("\n| masks of k24 | terran, protoss, zerg |", "|---|---|", sep="\n")
    for stage, env_steps in (("judge", "300000"), ("million", "300000"), ("million", "1000000")):
        print(*mask_rows(stage, env_steps), sep="\n")


if __name__ == "__main__":
    main()
