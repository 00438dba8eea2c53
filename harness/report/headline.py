"""The page's first words: what the study found in one sentence, and what limits it in one banner."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.references import Reference
from harness.results.aggregates import AlgorithmRow
from harness.results.comparisons import PairwiseComparison
from harness.results.findings import ComparisonReport
from harness.results.study_data import StudyData
from harness.results.tables import win_rate
from harness.runs.budget import BUDGETS
from harness.stats.by_seeds import ENOUGH_SEEDS

MOST_SCENARIOS = 3
"""Scenarios whose finding the first sentences name; the table has all."""


def headline(findings: ComparisonReport, references: Sequence[Reference]) -> str:
    """Return who wins most, who is shown to win less, and whether a script wins more; empty without a result."""
    sentences = [_of_scenario(findings, references, scenario) for scenario in findings.scenarios[:MOST_SCENARIOS]]
    more = len(findings.scenarios) - MOST_SCENARIOS
    return " ".join([*sentences, *([f"{more} more scenarios: see the table."] if more > 0 else [])])


def limits(data: StudyData, findings: ComparisonReport) -> list[str]:
    """Return what a reader must know before believing the numbers, a sentence each."""
    rows = findings.rows
    if not rows:
        return []
    seeds = sorted({len(row.seeds) for row in rows})
    steps = max(row.env_steps for row in rows)
    found = []
    if seeds[0] == 1:
        found.append("One seed: intervals are over battles of one trained policy and say nothing about other seeds.")
    elif seeds[0] < ENOUGH_SEEDS:
        found.append(f"{' or '.join(map(str, seeds))} seeds: intervals are wide, and small differences may be chance.")
    published = BUDGETS["paper"].env_steps
    if steps < published:
        found.append(f"{steps:,} env steps a run are {100 * steps / published:.2g}% of the published length.")
    worlds = [run.config.get("env", {}) for *_, run in data.finished()]
    own = [world for world in worlds if "entry_point" not in world.get("fight", {})]  # others have one of their own
    if any(world.get("backend", "battle") == "battle" for world in own):
        found.append("Battles are played by the built-in engine, not by StarCraft II.")
    begun = sum(1 for _ in data.unfinished())
    if begun:
        found.append(
            f"{begun} run{'s have' if begun > 1 else ' has'} not finished and {'are' if begun > 1 else 'is'} left out."
        )
    return found


def _of_scenario(findings: ComparisonReport, references: Sequence[Reference], scenario: str) -> str:
    rows = [row for row in findings.rows if row.scenario == scenario]
    best = max(rows, key=lambda row: row.score)
    if len(rows) == 1:
        text = f"On {scenario} {best.algorithm} reaches {_score_text(best)}"
    else:
        level = [row for row in rows if _score_text(row) == _score_text(best)]
        less, unclear = _beside(findings.comparisons, best, [row for row in rows if row not in level])
        names = _list([row.algorithm for row in level])
        if len(level) == len(rows):
            text = f"On {scenario} {names} score alike, {_score_text(best)}"
        else:
            text = f"On {scenario} {names} score{'s' if len(level) == 1 else ''} highest, {_score_text(best)}"
        if less and min(len(row.seeds) for row in rows) == 1:  # battles of single policies say nothing of algorithms
            whose = "its policy" if len(level) == 1 else f"the policy of {best.algorithm}"
            more = "wins more" if best.can_be_won else "has a higher return"
            text += f"; {whose} {more} than {'that' if len(less) == 1 else 'those'} of {_list(less)}"
        elif less:
            text += f"; {best.algorithm} is shown to be better than {_list(less)}"
        if unclear:
            text += f"; no difference from {_list(unclear)} is shown"
    return f"{text}{_script(rows, references, scenario)}."


def _script(rows: Sequence[AlgorithmRow], references: Sequence[Reference], scenario: str) -> str:
    """Compare the best script with the learners."""
    scripts = [each for each in references if each.scenario == scenario and each.policy != "random"]
    if not scripts or not rows[0].can_be_won:
        return ""
    script = max(scripts, key=lambda each: each.win_rate.estimate)
    rate = script.win_rate.estimate
    behind = [row.algorithm for row in rows if row.win_rate < rate]
    if not behind:
        return f"; the script that attacks the nearest wins {rate:.3f}, less than every learner"
    who = "every learner" if len(behind) == len(rows) else _list(behind)
    return f"; the script that attacks the nearest wins {rate:.3f}, more than {who}"


def _beside(
    comparisons: Sequence[PairwiseComparison], best: AlgorithmRow, others: Sequence[AlgorithmRow]
) -> tuple[list[str], list[str]]:
    """The other algorithms: those that are shown to score less, and those of which no difference is shown."""
    less: list[str] = []
    unclear: list[str] = []
    for row in others:
        pair = {best.algorithm, row.algorithm}
        found = [
            each for each in comparisons if each.scenario == best.scenario and {each.algorithm, each.baseline} == pair
        ]
        shown = found and (found[0].low > 0 if found[0].algorithm == best.algorithm else found[0].high < 0)
        (less if shown else unclear).append(row.algorithm)
    return less, unclear


def _score_text(row: AlgorithmRow) -> str:
    return f"win rate {win_rate(row)}" if row.can_be_won else f"return {row.return_mean:.2f}"


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
