"""What a table says below its cells: conditions of measuring, what is left out, and why a cell is empty."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from common.errors import counted
from harness.results.aggregates import AlgorithmRow, Improvement, in_several_sessions
from harness.results.findings import ComparisonReport
from harness.runs.process import LOADED
from harness.stats.by_seeds import ENOUGH_SEEDS


def footnotes(findings: ComparisonReport) -> tuple[dict[str, str], list[str]]:
    """Conditions and reasons that do not fit into cells.

    Returns:
        A marker for each reason why a speed-up is missing, and all notes, one a line.
    """
    rows = findings.rows
    markers, speedups = _speedup_notes(rows)
    few = findings.over_several and any(each.aggregates.iqm is None for each in findings.scenario_aggregates)
    return markers, [
        *findings.left_out,
        *_each_seed(rows),
        *([f"IQM and median over scenarios are given from {ENOUGH_SEEDS} seeds of each scenario on"] if few else []),
        *speedups,
        *_throughput_notes(rows),
        *_load_notes(rows),
        *_return_notes(rows),
        *_aborted_notes(rows),
        *_resume_notes(rows),
        *map(_improvement_note, findings.improvements),
    ]


def _speedup_notes(rows: Sequence[AlgorithmRow]) -> tuple[dict[str, str], list[str]]:
    """Return a marker for each reason why a speed-up is missing, and the notes that explain it."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.speedup_24 is None:
            reasons.setdefault(row.speedup_24_reason, []).append(row.algorithm)
    if all(row.speedup_24 is None for row in rows):
        named = [f"{reason} ({', '.join(dict.fromkeys(of))})" for reason, of in reasons.items()]
        listed = named if len(reasons) > 1 else list(reasons)
        return {}, [f"2:4 speed-up was not measured: {'; '.join(listed)}"] if rows else []
    markers = {reason: f" ({number})" for number, reason in enumerate(reasons, start=1)}
    return markers, [f"({number}) no 2:4 speed-up: {reason}" for number, reason in enumerate(reasons, start=1)]


def _load_notes(rows: Sequence[AlgorithmRow]) -> list[str]:
    loads = [f"{row.load:.1f} ({row.algorithm})" for row in rows if row.load > LOADED]
    return [f"‡ trained while other processes kept cores busy, so not compared: {', '.join(loads)}"] if loads else []


def _return_notes(rows: Sequence[AlgorithmRow]) -> list[str]:
    scenarios = dict.fromkeys(row.scenario for row in rows if not row.can_be_won)
    return [f"{each}: no one wins or loses there, so algorithms are compared by their return" for each in scenarios]


def _aborted_notes(rows: Sequence[AlgorithmRow]) -> list[str]:
    return [
        f"{row.algorithm} on {row.scenario}: {row.aborted} evaluation battles aborted and are not counted"
        for row in rows
        if row.aborted
    ]


def _resume_notes(rows: Sequence[AlgorithmRow]) -> list[str]:
    return [
        f"{row.algorithm} on {row.scenario}, seed {seed}: resumed {counted(times, 'time')} without "
        f"its replay, which refilled, so an uninterrupted run would differ"
        for row in rows
        for seed, times in zip(row.seeds, row.resumes, strict=True)
        if times
    ]


def _improvement_note(each: Improvement) -> str:
    where = each.scenarios[0] if len(each.scenarios) == 1 else f"{len(each.scenarios)} scenarios"
    return (
        f"probability of improvement, {each.better} over {each.baseline}: {each.probability:.2f} "
        f"[{each.low:.2f}, {each.high:.2f}], on {where}, {each.seeds[0]} and {each.seeds[1]} seeds"
    )


def _each_seed(rows: Sequence[AlgorithmRow]) -> list[str]:
    """Every seed's value where a row stands for a few: an interval over so few says less than they do."""
    notes = []
    for row in rows:
        if 1 < len(row.seeds) < ENOUGH_SEEDS:
            measure, digits = ("win rate", 3) if row.can_be_won else ("return", 2)
            scores = (f"{score:.{digits}f} ({seed})" for seed, score in zip(row.seeds, row.scores, strict=True))
            notes.append(f"{row.algorithm} on {row.scenario}, {measure} by seed: {', '.join(scores)}")
    return notes


def _throughput_notes(rows: Sequence[AlgorithmRow]) -> list[str]:
    measured = [row for row in rows if row.throughput is not None]
    conditions = dict.fromkeys(
        (row.throughput_batch, row.throughput_dtype, on) for row in measured for on in row.machines
    )
    notes = [
        f"decisions/s: agent decisions of the trained policy, greedy, {batch} agents a call, {dtype}, on {machine}; "
        f"medians, all policies in turn after training"
        for batch, dtype, machine in conditions
    ]
    if len({machine for *_, machine in conditions}) > 1:
        notes.append("decisions/s do not compare between machines, nor between numbers of threads")
    if in_several_sessions(measured):
        notes.append(
            "decisions/s of one device do not compare between the sessions in which they were measured; all in one: "
            "python -m harness.measure --study NAME"
        )
    if any(not row.throughput_quiet for row in measured):
        notes.append("† measured while other processes kept the machine busy, again and again: not compared")
    for scenario in dict.fromkeys(row.scenario for row in measured):
        own = [row for row in measured if row.scenario == scenario]
        quartiles = (f"{row.algorithm} {row.throughput_low:,.0f} … {row.throughput_high:,.0f}" for row in own)
        notes.append(f"decisions/s, quartiles on {scenario}: {', '.join(quartiles)}")
        pairs = combinations([row for row in own if row.throughput_quiet], 2)
        undecided = ", ".join(
            f"{one.algorithm} and {other.algorithm}"
            for one, other in pairs
            if one.throughput_sessions == other.throughput_sessions and _overlap(one, other)
        )
        if undecided:
            notes.append(f"decisions/s on {scenario} say nothing of the order of {undecided}: their quartiles overlap")
    notes += [
        f"decisions/s of {row.algorithm} on {row.scenario}: {row.throughput_seeds} of its {len(row.seeds)} seeds were "
        "measured; all of them: python -m harness.measure --study NAME"
        for row in measured
        if row.throughput_seeds < len(row.seeds)
    ]
    if len(measured) < len(rows):
        notes.append("decisions/s n/a: not measured yet; type: python -m harness.measure --study NAME")
    return notes


def _overlap(one: AlgorithmRow, other: AlgorithmRow) -> bool:
    """Whether neither of two algorithms can be called faster."""
    return max(one.throughput_low or 0.0, other.throughput_low or 0.0) <= min(
        one.throughput_high or 0.0, other.throughput_high or 0.0
    )
