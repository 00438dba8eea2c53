"""From finished runs to the rows of the table: the seeds of one algorithm on one scenario become one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median

from harness.runs.plan import RunPlan
from harness.runs.seeding import derive_generator
from harness.stats import improvement_over_seeds, win_rate_interval
from studies.rows import RunRow

Groups = Mapping[tuple[str, str], Sequence[RunRow]]
"""(algorithm, scenario) -> its finished runs by seed, in the order of the table."""


@dataclass(frozen=True, kw_only=True)
class Row:
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
    interval_kind: str
    """What the interval is over: battles of one seed, or seeds."""
    return_mean: float
    """Mean over seeds of the mean undiscounted return."""
    sparsity_masked: float
    """Zeros / entries of the prunable weights, 0..1, mean over seeds."""
    sparsity_model: float
    """The same of all weights one agent uses."""
    throughput: float
    """Agent decisions/s, median over seeds."""
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
    can_be_won: bool = True
    """Whether the scenario has winners; if not, its win rate means nothing."""
    flops_kept: float | None = None
    """FLOPs of one decision that masks keep / those of the dense network, 0..1, mean over seeds; None: not counted."""


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """How likely a run of ``better`` wins more than a run of ``baseline``, over all scenarios both finished; returns
    count where no one wins."""

    better: str
    baseline: str
    probability: float
    low: float
    high: float
    kind: str
    scenarios: tuple[str, ...]
    """On which both have at least two seeds."""
    seeds: tuple[int, int]
    """The fewest of either on one of them."""


def summarise(grouped: Groups) -> list[Row]:
    """A row for each group that has a finished run; seeds that have not finished are missing from it."""
    return [_row(name, members) for (name, _), members in grouped.items() if members]


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
        rng = derive_generator(0, "bootstrap", better, baseline)
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


def has_winners(run: RunRow) -> bool:
    """Whether the run's scenario can be won."""
    return bool(run.details.get("can_be_won", True))


def algorithms_of(grouped: Groups) -> list[str]:
    """The algorithms, in the order of the table."""
    return list(dict.fromkeys(algorithm for algorithm, _ in grouped))


def group_runs(plans: Sequence[RunPlan], runs: Sequence[RunRow]) -> dict[tuple[str, str], list[RunRow]]:
    """The finished runs of a comparison, in the order of its plans.

    Args:
        plans: the comparison that was asked for.
        runs: finished runs of the study; those outside the comparison are passed over.
    """
    by_key = {(run.algorithm, run.scenario, run.seed, run.config_hash): run for run in runs}
    grouped: dict[tuple[str, str], list[RunRow]] = {}
    for plan in plans:
        key = plan.key
        members = grouped.setdefault((key.algorithm, key.scenario), [])
        run = by_key.get((key.algorithm, key.scenario, key.seed, key.config_hash))
        if run is not None:
            members.append(run)
    return grouped


def _row(name: str, members: Sequence[RunRow]) -> Row:
    first = members[0]
    rng = derive_generator(0, "bootstrap", name, first.scenario)
    win_rate = win_rate_interval([run.wins for run in members], [run.episodes for run in members], rng)
    speedups = [run.speedup_24 for run in members if run.speedup_24 is not None]
    reasons = dict.fromkeys(run.speedup_24_reason for run in members if run.speedup_24 is None)
    return Row(
        algorithm=name,
        scenario=first.scenario,
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
        throughput=median(run.throughput for run in members),
        throughput_batch=first.throughput_batch,
        throughput_dtype=first.throughput_dtype,
        device=first.device,
        machines=tuple(dict.fromkeys(timed_on(run) for run in members)),
        speedup_24=median(speedups) if speedups else None,
        speedup_24_reason="" if speedups else "; ".join(reasons),
        env_steps=first.env_steps,
        env_steps_per_second=median(run.env_steps_per_second for run in members),
        wall_seconds=sum(run.wall_seconds for run in members),
        episodes=sum(run.episodes for run in members),
        wins=sum(run.wins for run in members),
        aborted=sum(run.aborted for run in members),
        config_hash=first.config_hash,
        can_be_won=has_winners(first),
        flops_kept=_flops_kept(members),
    )


def timed_on(run: RunRow) -> str:
    """``AMD EPYC, 2 threads``, or the card's name: where a run's decisions/s were measured."""
    name = str(run.details.get("throughput", {}).get("device_name", run.device))
    return name.replace("CPU", run.provenance.get("cpu", "CPU"), 1) if name.startswith("CPU, ") else name


def _flops_kept(members: Sequence[RunRow]) -> float | None:
    shares = [
        run.details["flops"]["kept"] / run.details["flops"]["dense"] for run in members if run.details.get("flops")
    ]
    return fmean(shares) if shares else None
