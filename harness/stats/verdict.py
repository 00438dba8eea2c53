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
        name: of the algorithm.
        baseline: of the one that it is held against.
        difference: name − baseline.
        won: whether it is one of win rates, in which ``SMALLEST_OF_INTEREST`` has a meaning; else of returns.
    """
    digits = ".3f" if won else ".2f"
    numbers = f"{name} − {baseline} = {_signed(difference.estimate, digits)} " + (
        f"[{_signed(difference.low, digits)}, {_signed(difference.high, digits)}]"
    )
    if difference.over_seeds:
        return f"{numbers}: {_of_algorithms(name, baseline, difference, won)}"
    one = len(difference.seeds) == 1
    over = "over the battles of one seed" if one else "over battles alone, a scenario having one seed"
    return (
        f"{numbers}, {over}: {_of_policies(name, baseline, difference, won, one)}; "
        f"what it says of the algorithms takes more seeds (--seeds {USEFUL_SEEDS} or more)"
    )


def better(name: str, baseline: str, difference: Difference) -> str | None:
    """The one that the interval shows to be better; None where it holds 0."""
    if difference.low > 0.0:
        return name
    return baseline if difference.high < 0.0 else None


def _of_algorithms(name: str, baseline: str, difference: Difference, won: bool) -> str:
    found = better(name, baseline, difference)
    if found is not None:
        return f"{found} {'wins more' if won else 'has the higher return'}"
    if won and max(-difference.low, difference.high) < SMALLEST_OF_INTEREST:
        return f"no difference as large as {SMALLEST_OF_INTEREST}"
    return "no difference shown"


def _of_policies(name: str, baseline: str, difference: Difference, won: bool, one: bool) -> str:
    """Of one policy of each algorithm, or of several."""
    found = better(name, baseline, difference)
    if found is None:
        return f"no difference shown between the {'two ' if one else ''}policies"
    if one:
        return f"the policy of {found} {'wins more' if won else 'has the higher return'}"
    return f"the policies of {found} {'win more' if won else 'have the higher return'}"


def _signed(number: float, digits: str) -> str:
    """With a sign, a minus as wide as the plus, and no sign before zero."""
    text = f"{number:+{digits}}"
    return text[1:] if float(text) == 0.0 else text.replace("-", "−")
