"""All checks on one Markdown page."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scipy.stats import spearmanr

from benchmarks.fidelity.checks import Check
from benchmarks.fidelity.reference import RACES, Estimate

LEGEND = """
*score*: difference in units of the mark, at most 1 passes; *chance*: two standard errors of the difference in the same
unit. *within*: the score passes; *off*: it does not and chance does not explain it; *open*: chance may explain it.
Readings are chosen on {races}; all else judges.
"""


def page(checks: list[Check], options: dict[str, Any], command: str) -> str:
    """Every group as a table, then the counts."""
    changed = ", ".join(f"{name}={value}" for name, value in options.items()) or "the defaults"
    lines = [
        "# Battles beside the game's",
        "",
        f"Engine with {changed}. `{command}`",
        LEGEND.format(races=", ".join(RACES)),
    ]
    for group in dict.fromkeys(check.group for check in checks):
        lines += [
            f"## {group[0].upper()}{group[1:]}",
            "",
            "| scenario | game | engine | score | chance | |",
            "|---" * 6 + "|",
        ]
        lines += [row(check) for check in checks if check.group == group] + [""]
    correlation = rank_correlation([check for check in checks if check.group.startswith("win rate of scripted")])
    if correlation is not None:
        lines += [f"Rank correlation of the scripted win rates with the game's: {correlation:.2f}", ""]
    counts = Counter(check.verdict for check in checks)
    lines += ["## Summary", "", ", ".join(f"{verdict}: {count}" for verdict, count in sorted(counts.items())), ""]
    return "\n".join(lines)


def row(check: Check) -> str:
    cells = [check.scenario, shown(check.game), shown(check.engine)]
    cells += ["–" if value is None else f"{value:.2f}" for value in (check.score, check.noise)]
    return "| " + " | ".join([*cells, check.verdict]) + " |"


def shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    digits = 1 if abs(estimate.mean) > 1 else 3
    return f"{estimate.mean:.{digits}f} ± {estimate.error:.{digits}f}"


def rank_correlation(checks: list[Check]) -> float | None:
    """Spearman's, over the checks with a reference; None below three, or where one side is all equal."""
    pairs = [(check.game.mean, check.engine.mean) for check in checks if check.game is not None]
    sides = list(zip(*pairs, strict=True))
    if len(pairs) < 3 or any(len(set(side)) == 1 for side in sides):
        return None
    return float(spearmanr(*sides).statistic)
