"""Win rates over several scenarios: only runs that every algorithm has, so that all are judged on the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.results.aggregates import Groups, algorithms_of, has_winners
from harness.runs.seeding import derive_generator
from harness.stats import Aggregates, Band, aggregates_over_seeds, profile_over_seeds
from studies.rows import RunRow


@dataclass(frozen=True, kw_only=True)
class CommonRuns:
    """A full matrix: the same seeds of the same scenarios for every algorithm, equally many of each scenario."""

    algorithms: tuple[str, ...]
    """Those with two seeds on some scenario; the others cannot be summed up."""
    seeds: Mapping[str, tuple[int, ...]]
    """Scenario -> seeds that all of them have finished there."""
    left_out: str
    """What of the runs is not in it, and why; empty if all are."""

    def of(self, grouped: Groups, algorithm: str) -> dict[str, list[RunRow]]:
        """Scenario -> the runs of an algorithm that count."""
        return {
            scenario: [run for run in grouped[algorithm, scenario] if run.seed in seeds]
            for scenario, seeds in self.seeds.items()
        }


@dataclass(frozen=True, kw_only=True)
class Overall:
    """The win rates of one algorithm over the scenarios that all algorithms have in common, at least two seeds each."""

    algorithm: str
    scenarios: tuple[str, ...]
    seeds: int
    """Of each scenario."""
    aggregates: Aggregates
    profile: Band
    """Share of runs above each win rate."""


def common_runs(grouped: Groups) -> CommonRuns:
    """What all algorithms have in common on the scenarios that can be won.

    A scenario counts if all have two seeds there in common; where one has fewer than the others, that many of each
    count, the lowest first, so that no scenario weighs more than another.
    """
    finished = {place: {run.seed for run in runs} for place, runs in grouped.items() if runs and has_winners(runs[0])}
    several = {algorithm for (algorithm, _), seeds in finished.items() if len(seeds) > 1}
    algorithms = tuple(name for name in algorithms_of(grouped) if name in several)
    scenarios = dict.fromkeys(scenario for algorithm, scenario in finished if algorithm in several)
    shared = {
        scenario: sorted(set.intersection(*(finished.get((name, scenario), set()) for name in algorithms)))
        for scenario in scenarios
    }
    count = min((len(seeds) for seeds in shared.values() if len(seeds) > 1), default=0)
    chosen = {scenario: tuple(seeds[:count]) for scenario, seeds in shared.items() if len(seeds) > 1}
    places = {place: seeds for place, seeds in finished.items() if place[0] in several}
    idle = dict.fromkeys(algorithm for algorithm, _ in finished if algorithm not in several)
    left_out = [
        *(f"{name} (one seed)" for name in idle),
        *(_why_not(scenario, algorithms, places) for scenario in scenarios if scenario not in chosen),
        *_further_seeds(chosen, places),
    ]
    return CommonRuns(algorithms=algorithms, seeds=chosen, left_out=_told(chosen, left_out) if scenarios else "")


def overall(grouped: Groups, common: CommonRuns) -> Iterator[Overall]:
    """Aggregates and profile of each algorithm over what is common to all; nothing where nothing is."""
    for algorithm in common.algorithms if common.seeds else ():
        runs = common.of(grouped, algorithm)
        scores = [[run.win_rate for run in members] for members in runs.values()]
        battles = sum(run.episodes for members in runs.values() for run in members)
        yield Overall(
            algorithm=algorithm,
            scenarios=tuple(runs),
            seeds=len(scores[0]),
            aggregates=aggregates_over_seeds(
                scores, derive_generator(0, "bootstrap", algorithm, "aggregates"), battles
            ),
            profile=profile_over_seeds(scores, derive_generator(0, "bootstrap", algorithm, "profile")),
        )


def _why_not(scenario: str, algorithms: Sequence[str], finished: Mapping[tuple[str, str], set[int]]) -> str:
    counts = {name: len(finished.get((name, scenario), ())) for name in algorithms}
    few = [f"{name} has {count or 'no'} seed" for name, count in counts.items() if count < 2]
    return f"{scenario} ({', '.join(few) or 'fewer than two seeds in common'})"


def _further_seeds(
    chosen: Mapping[str, tuple[int, ...]], finished: Mapping[tuple[str, str], set[int]]
) -> Iterator[str]:
    """Of the scenarios that count, the seeds that do not."""
    for scenario, seeds in chosen.items():
        further = set().union(*(own for (_, where), own in finished.items() if where == scenario)) - set(seeds)
        if further:
            yield f"seed{'s' if len(further) > 1 else ''} {', '.join(map(str, sorted(further)))} of {scenario}"


def _told(chosen: Mapping[str, tuple[int, ...]], left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    places = f"each of {len(chosen)} scenarios" if len(chosen) > 1 else "".join(chosen)
    kept = f"{len(next(iter(chosen.values())))} seeds of {places}" if chosen else "none"
    return f"sums over scenarios and profiles take the runs that all algorithms have: {kept}; left out: " + ", ".join(
        left_out
    )
