"""Who wins more, in words: each pair of algorithms held against each other on the battles that both have fought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.stats import Difference, paired_difference, verdict
from harness.summary import Groups, algorithms_of, has_winners
from studies.rows import EpisodeOutcome, RunRow

Outcomes = Callable[[int], Sequence[EpisodeOutcome]]
"""From a run's number to the battles of its final evaluation, as ``StudyStore.outcomes`` does."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
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
    kind: str
    verdict: str
    """The same in words, and how many seeds would decide."""


def comparisons(grouped: Groups, outcomes: Outcomes) -> list[Comparison]:
    """Every pair of algorithms on every scenario, and over all scenarios that can be won where there are several.

    Args:
        grouped: the runs of the table.
        outcomes: gives the battles of a run's final evaluation.
    """
    scores = {run.run_id: _scores(run, outcomes(run.run_id)) for members in grouped.values() for run in members}
    found = []
    for algorithm, baseline in combinations(algorithms_of(grouped), 2):
        won = []
        for scenario in (scenario for name, scenario in grouped if name == algorithm):
            pairs = _same_battles(grouped[algorithm, scenario], grouped.get((baseline, scenario), ()))
            paired = {our.seed: _paired(scores[our.run_id], scores[their.run_id]) for our, their in pairs}
            paired = {seed: differences for seed, differences in paired.items() if len(differences) > 1}
            if not paired:
                continue
            shares = has_winners(pairs[0][0])
            difference = paired_difference([list(paired.values())], shares=shares)
            found.append(_comparison(algorithm, baseline, scenario, tuple(paired), difference, shares))
            if shares:
                won.append(list(paired.values()))
        if len(won) > 1:
            over_all = paired_difference(won, shares=True)
            found.append(_comparison(algorithm, baseline, f"{len(won)} scenarios", over_all.seeds, over_all, True))
    return found


def _same_battles(ours: Sequence[RunRow], theirs: Sequence[RunRow]) -> list[tuple[RunRow, RunRow]]:
    """Runs of the same seed that were judged on the same battles of the same world."""
    by_seed = {run.seed: run for run in theirs}
    together = [(run, by_seed[run.seed]) for run in ours if run.seed in by_seed]
    return [
        (our, their)
        for our, their in together
        if all(our.config.get(part) == their.config.get(part) for part in ("env", "evaluation"))
    ]


def _scores(run: RunRow, outcomes: Sequence[EpisodeOutcome]) -> dict[tuple[int, int], float]:
    """(slot, battle) -> whether it was won, or its return where no one wins, of each finished battle."""
    won = has_winners(run)
    return {
        (each.slot, each.battle_id): float(each.won if won else each.episode_return)
        for each in outcomes
        if not each.aborted
    }


def _paired(ours: dict[tuple[int, int], float], theirs: dict[tuple[int, int], float]) -> NDArray[np.float64]:
    """Differences of the battles that both finished, in order of slot and battle."""
    return np.array([score - theirs[battle] for battle, score in ours.items() if battle in theirs])


def _comparison(
    algorithm: str, baseline: str, scenario: str, seeds: tuple[int, ...], difference: Difference, shares: bool
) -> Comparison:
    return Comparison(
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
