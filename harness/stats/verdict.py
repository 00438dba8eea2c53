"""Verdicts: differences in words."""

from __future__ import annotations

from harness.stats.paired import Difference

SMALLEST_OF_INTEREST = 0.05
"""Win rates that differ by less are called equal, once the interval shows that they do."""
USEFUL_SEEDS = 3
"""What to run where one seed says nothing about the algorithms: the least with which the t interval is of any use."""


def verdict(name: str, baseline: str, difference: Difference, *, won: bool) -> str:
    """One line: the difference, its interval, and whether it shows anything.

    Args:
        difference: name − baseline.
        won: whether it is one of win rates, in which ``SMALLEST_OF_INTEREST`` has a meaning; else of returns.
    """
    digits = ".3f" if won else ".2f"
    numbers = f"{name} − {baseline} = {_signed(difference.estimate, digits)} " + (
        f"[{_signed(difference.low, digits)}, {_signed(difference.high, digits)}]"
    )
    better = name if difference.low > 0.0 else baseline if difference.high < 0.0 else ""
    wins = "wins more" if won else "has the higher return"
    if difference.over_seeds:
        if better:
            return f"{numbers}: {better} {wins}"
        small = won and max(-difference.low, difference.high) < SMALLEST_OF_INTEREST
        return f"{numbers}: no difference {f'as large as {SMALLEST_OF_INTEREST}' if small else 'shown'}"
    if len(difference.seeds) == 1:
        over, policies = "over the battles of one seed", "two policies"
        winner = f"the policy of {better} {wins}"
    else:
        over, policies = "over battles alone, a scenario having one seed", "policies"
        winner = f"the policies of {better} {'win more' if won else 'have the higher return'}"
    return (
        f"{numbers}, {over}: {winner if better else f'no difference shown between the {policies}'}; "
        f"what it says of the algorithms takes more seeds (--seeds {USEFUL_SEEDS} or more)"
    )


def _signed(number: float, digits: str) -> str:
    """With a sign, a minus as wide as the plus, and no sign before zero."""
    text = f"{number:+{digits}}"
    return text[1:] if float(text) == 0.0 else text.replace("-", "−")
