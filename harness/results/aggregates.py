"""Many runs as few numbers: the seeds of an algorithm on a scenario as a row, and all its scenarios together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median

from harness.results.grouping import Groups, algorithms_of, has_winners
from harness.runs.seeding import bootstrap_generator
from harness.stats.aggregates import Aggregates
from harness.stats.by_seeds import aggregates_over_seeds, improvement_over_seeds, profile_over_seeds, win_rate_interval
from harness.stats.interval import Band, IntervalKind
from studies.rows import RunRow


@dataclass(frozen=True, kw_only=True)
class AlgorithmRow:
    """One algorithm on one scenario, over its seeds."""

    algorithm: str
    scenario: str
    seeds: tuple[int, ...]
    resumes: tuple[int, ...]
    """How often each seed's training went on from a checkpoint, its replay empty; in the order of ``seeds``."""
    win_rate: float
    """0..1: of one seed, mean over two to nine, interquartile mean over more."""
    scores: tuple[float, ...]
    """Each seed's own win rate (return where no one wins), in the order of ``seeds``."""
    win_low: float
    win_high: float
    interval_kind: IntervalKind
    """What the interval is over: battles of one seed, or seeds."""
    return_mean: float
    """Mean over seeds of the mean undiscounted return."""
    sparsity_masked: float
    """Zeros / entries of the prunable weights, 0..1, mean over seeds."""
    sparsity_model: float
    """The same of all weights one agent uses."""
    throughput: float | None
    """Agent decisions/s, median over seeds, measured in turn after training; None: not measured."""
    throughput_low: float | None
    """Lower quartile: the least of the seeds'; the next one the greatest upper."""
    throughput_high: float | None
    throughput_quiet: bool
    """Whether it was measured without load; else it is not compared."""
    throughput_batch: int
    """Agents decided for in one call."""
    throughput_dtype: str
    device: str
    machines: tuple[str, ...]
    """What its decisions were timed on, processor and threads or card, each once: a worker may have another."""
    speedup_24: float | None
    """Compressed against dense, median over seeds; None: not measured."""
    speedup_24_reason: str
    """Why there is none; empty where there is one."""
    env_steps: int
    """Length of each run."""
    env_steps_per_second: float
    """Training speed, median over seeds."""
    wall_seconds: float
    """Of all seeds together."""
    episodes: int
    """Finished battles of the final evaluations."""
    wins: int
    aborted: int
    config_hash: str
    load: float = 0.0
    """Cores that other processes kept busy during training, of the seed with the most."""
    can_be_won: bool = True
    """Whether the scenario has winners; if not, its win rate means nothing."""
    flops_kept: float | None = None
    """FLOPs of one decision that masks keep / those of the dense network, 0..1, mean over seeds; None: not counted."""
    throughput_sessions: tuple[str, ...] = ()
    """Sessions of its readings, each once: policies of one were measured in the same rounds, those of two were not."""
    throughput_seeds: int = 0
    """Seeds whose decisions/s were measured."""

    @property
    def score(self) -> float:
        """What algorithms are compared by: the win rate, or the return where no one wins."""
        return self.win_rate if self.can_be_won else self.return_mean


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """Probability that a run of ``better`` wins more than one of ``baseline``, over all scenarios that both finished.

    Returns count where no one wins.
    """

    better: str
    baseline: str
    probability: float
    low: float
    high: float
    kind: IntervalKind
    scenarios: tuple[str, ...]
    """On which both have at least two seeds."""
    seeds: tuple[int, int]
    """The fewest of either on one of them."""


def in_several_sessions(rows: Iterable[AlgorithmRow]) -> bool:
    """Return whether the decisions/s of one device were measured in several sessions, which do not compare."""
    by_device: dict[str, set[str]] = {}
    for row in rows:
        by_device.setdefault(row.device, set()).update(row.throughput_sessions)
    return any(len(sessions) > 1 for sessions in by_device.values())


def summarize_groups(grouped: Groups) -> list[AlgorithmRow]:
    """A row for each group that has a finished run; seeds that have not finished are missing from it."""
    return [_row(*group, members) for group, members in grouped.items() if members]


def improvements(grouped: Groups) -> list[Improvement]:
    """Each pair of algorithms, wherever both have at least two seeds on the same scenarios."""
    found = []
    for better, baseline in combinations(algorithms_of(grouped), 2):
        shared = [
            scenario
            for (algorithm, scenario), members in grouped.items()
            if algorithm == better and min(len(members), len(grouped.get((baseline, scenario), ()))) >= 2
        ]
        if not shared:
            continue
        ours, theirs = ([_scores(grouped[name, scenario]) for scenario in shared] for name in (better, baseline))
        rng = bootstrap_generator(better, baseline)
        interval = improvement_over_seeds(ours, theirs, rng)
        found.append(
            Improvement(
                better=better,
                baseline=baseline,
                probability=interval.estimate,
                low=interval.low,
                high=interval.high,
                kind=interval.kind,
                scenarios=tuple(shared),
                seeds=(min(map(len, ours)), min(map(len, theirs))),
            )
        )
    return found


def _scores(members: Sequence[RunRow]) -> list[float]:
    return [run.win_rate if has_winners(run) else run.return_mean for run in members]


def _row(name: str, scenario: str, members: Sequence[RunRow]) -> AlgorithmRow:
    first = members[0]
    rng = bootstrap_generator(name, first.scenario)
    win_rate = win_rate_interval([run.wins for run in members], [run.episodes for run in members], rng)
    readings = [run.in_turn for run in members if run.in_turn is not None]
    speedups = [run.speedup_24 for run in members if run.speedup_24 is not None]
    flops = [found["kept"] / found["dense"] for run in members if (found := run.details.get("flops"))]
    reasons = dict.fromkeys(run.speedup_24_reason for run in members if run.speedup_24 is None)
    return AlgorithmRow(
        algorithm=name,
        scenario=scenario,
        seeds=tuple(run.seed for run in members),
        resumes=tuple(run.details.get("resumes", 0) for run in members),
        win_rate=win_rate.estimate,
        scores=tuple(_scores(members)),
        win_low=win_rate.low,
        win_high=win_rate.high,
        interval_kind=win_rate.kind,
        return_mean=fmean(run.return_mean for run in members),
        sparsity_masked=fmean(run.sparsity_masked for run in members),
        sparsity_model=fmean(run.sparsity_model for run in members),
        throughput=median(each.decisions_per_second for each in readings) if readings else None,
        throughput_low=min(each.low for each in readings) if readings else None,
        throughput_high=max(each.high for each in readings) if readings else None,
        throughput_quiet=all(each.quiet for each in readings),
        throughput_batch=readings[0].batch if readings else 0,
        throughput_dtype=readings[0].dtype if readings else "",
        device=first.device,
        machines=tuple(dict.fromkeys(each.machine for each in readings if each.machine)),
        speedup_24=median(speedups) if speedups else None,
        speedup_24_reason="" if speedups else "; ".join(reasons),
        env_steps=first.env_steps,
        env_steps_per_second=median(run.env_steps_per_second for run in members),
        load=max(run.details.get("load", 0.0) for run in members),
        wall_seconds=sum(run.wall_seconds for run in members),
        episodes=sum(run.episodes for run in members),
        wins=sum(run.wins for run in members),
        aborted=sum(run.aborted for run in members),
        config_hash=first.config_hash,
        can_be_won=has_winners(first),
        flops_kept=fmean(flops) if flops else None,
        throughput_sessions=tuple(dict.fromkeys(each.session for each in readings)),
        throughput_seeds=len(readings),
    )


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
class ScenarioAggregates:
    """The win rates of one algorithm over the scenarios that all algorithms have in common, at least two seeds each."""

    algorithm: str
    scenarios: tuple[str, ...]
    seeds: int
    """Of each scenario."""
    aggregates: Aggregates
    profile: Band
    """Share of runs above each win rate."""


def common_runs(grouped: Groups) -> CommonRuns:
    """Find the runs that all algorithms have in common on the scenarios that can be won.

    A scenario counts if all have two seeds there in common; where one has fewer than the others, that many of each
    count, the lowest first, so that no scenario weighs more than another.
    """
    finished = {group: {run.seed for run in runs} for group, runs in grouped.items() if runs and has_winners(runs[0])}
    several = {algorithm for (algorithm, _), seeds in finished.items() if len(seeds) > 1}
    algorithms = tuple(name for name in algorithms_of(grouped) if name in several)
    scenarios = dict.fromkeys(scenario for algorithm, scenario in finished if algorithm in several)
    shared = {
        scenario: sorted(set.intersection(*(finished.get((name, scenario), set()) for name in algorithms)))
        for scenario in scenarios
    }
    count = min((len(seeds) for seeds in shared.values() if len(seeds) > 1), default=0)
    chosen = {scenario: tuple(seeds[:count]) for scenario, seeds in shared.items() if len(seeds) > 1}
    compared = {group: seeds for group, seeds in finished.items() if group[0] in several}
    idle = dict.fromkeys(algorithm for algorithm, _ in finished if algorithm not in several)
    left_out = [
        *(f"{name} (one seed)" for name in idle),
        *(_why_not(scenario, algorithms, compared) for scenario in scenarios if scenario not in chosen),
        *_further_seeds(chosen, compared),
    ]
    return CommonRuns(
        algorithms=algorithms, seeds=chosen, left_out=_describe_left_out(chosen, left_out) if scenarios else ""
    )


def aggregate_over_scenarios(grouped: Groups, common: CommonRuns) -> Iterator[ScenarioAggregates]:
    """Aggregates and profile of each algorithm over what is common to all; nothing where nothing is."""
    for algorithm in common.algorithms if common.seeds else ():
        runs = common.of(grouped, algorithm)
        scores = [[run.win_rate for run in members] for members in runs.values()]
        battles = sum(run.episodes for members in runs.values() for run in members)
        yield ScenarioAggregates(
            algorithm=algorithm,
            scenarios=tuple(runs),
            seeds=len(scores[0]),
            aggregates=aggregates_over_seeds(scores, bootstrap_generator(algorithm, "aggregates"), battles),
            profile=profile_over_seeds(scores, bootstrap_generator(algorithm, "profile")),
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


def _describe_left_out(chosen: Mapping[str, tuple[int, ...]], left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    scenarios = f"each of {len(chosen)} scenarios" if len(chosen) > 1 else "".join(chosen)
    kept = f"{len(next(iter(chosen.values())))} seeds of {scenarios}" if chosen else "none"
    return f"sums over scenarios and profiles take the runs that all algorithms have: {kept}; left out: " + ", ".join(
        left_out
    )
