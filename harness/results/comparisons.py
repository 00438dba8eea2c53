"""Compare each pair of algorithms on the battles that both have fought, and say in words who wins more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.results.grouping import Groups, algorithms_of, has_winners
from harness.stats.interval import IntervalKind
from harness.stats.paired import Difference, paired_difference, verdict
from studies.rows import EpisodeOutcome, RunRow

Outcomes = Callable[[int], Sequence[EpisodeOutcome]]
"""From a run's number to the battles of its final evaluation, as ``StudyData.outcomes`` does."""

Scores = Mapping[tuple[int, int], float]
"""(slot, battle) -> whether it was won, or its return."""


@dataclass(frozen=True, kw_only=True)
class PairwiseComparison:
    """One algorithm against another on a scenario, or over several of them."""

    algorithm: str
    baseline: str
    scenario: str
    """``N scenarios`` where it is over several."""
    seeds: tuple[int, ...]
    """Those that both have finished; number of seeds of each scenario where it is over several."""
    measure: str
    """``win rate``, or ``return`` where no one wins."""
    difference: float
    """algorithm − baseline."""
    low: float
    high: float
    kind: IntervalKind
    verdict: str
    """The same in words, and how many seeds would decide."""


def pairwise_comparisons(grouped: Groups, outcomes: Outcomes) -> tuple[list[PairwiseComparison], list[str]]:
    """Every pair of algorithms on every scenario, and over all scenarios that can be won where there are several.

    Args:
        grouped: the runs of the table.
        outcomes: gives the battles of a run's final evaluation.

    Returns:
        The comparisons, and a line for each that is missing or without some runs, which says why.
    """
    scores = {run.run_id: _scores(run, outcomes(run.run_id)) for members in grouped.values() for run in members}
    found: list[PairwiseComparison] = []
    left_out: list[str] = []
    for algorithm, baseline in combinations(algorithms_of(grouped), 2):
        won = []
        for scenario in (scenario for name, scenario in grouped if name == algorithm):
            ours, theirs = grouped[algorithm, scenario], grouped.get((baseline, scenario), ())
            if not (ours and theirs):
                continue  # the table shows who has no run there
            paired, reasons = _pair(ours, theirs, scores)
            if reasons:
                what = "leaves out" if paired else "is not compared:"
                left_out.append(f"{scenario}: {algorithm} − {baseline} {what} {'; '.join(reasons)}")
            if not paired:
                continue
            shares = has_winners(ours[0])
            difference = paired_difference([list(paired.values())], shares=shares)
            found.append(_comparison(algorithm, baseline, scenario, tuple(paired), difference, shares))
            if shares:
                won.append(list(paired.values()))
        if len(won) > 1:
            over_all = paired_difference(won, shares=True)
            found.append(_comparison(algorithm, baseline, f"{len(won)} scenarios", over_all.seeds, over_all, True))
    return found, left_out


def _pair(
    ours: Sequence[RunRow], theirs: Sequence[RunRow], scores: Mapping[int, Scores]
) -> tuple[dict[int, NDArray[np.float64]], list[str]]:
    """Seed -> differences, of the seeds whose battles are the same for both; and why other seeds are left out."""
    by_seed = {run.seed: run for run in theirs}
    together = [(run, by_seed[run.seed]) for run in ours if run.seed in by_seed]
    if not together:
        return {}, [f"no seed in common ({_listed(run.seed for run in ours)} and {_listed(by_seed)})"]
    paired: dict[int, NDArray[np.float64]] = {}
    reasons: dict[str, list[int]] = {}
    for our, their in together:
        others = [part for part in ("env", "evaluation") if our.config.get(part) != their.config.get(part)]
        mine, other = scores[our.run_id], scores[their.run_id]
        differences = np.array([score - other[battle] for battle, score in mine.items() if battle in other])
        if others:
            reasons.setdefault(f"other settings of {' and '.join(others)}", []).append(our.seed)
        elif len(differences) < 2:
            reasons.setdefault("fewer than two battles that both finished", []).append(our.seed)
        else:
            paired[our.seed] = differences
    return paired, [f"seed{'s' if len(seeds) > 1 else ''} {_listed(seeds)} ({why})" for why, seeds in reasons.items()]


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, seeds))


def _scores(run: RunRow, outcomes: Sequence[EpisodeOutcome]) -> Scores:
    """(slot, battle) -> whether it was won, or its return where no one wins, of each finished battle."""
    won = has_winners(run)
    return {
        (each.slot, each.battle_id): float(each.won if won else each.episode_return)
        for each in outcomes
        if not each.aborted
    }


def _comparison(
    algorithm: str, baseline: str, scenario: str, seeds: tuple[int, ...], difference: Difference, shares: bool
) -> PairwiseComparison:
    return PairwiseComparison(
        algorithm=algorithm,
        baseline=baseline,
        scenario=scenario,
        seeds=seeds,
        measure="win rate" if shares else "return",
        difference=difference.estimate,
        low=difference.low,
        high=difference.high,
        kind=difference.kind,
        verdict=verdict(algorithm, baseline, difference, won=shares),
    )
