"""The difference between two algorithms that met the same battles, seed by seed, in numbers and in words.

Two policies of the same seed play the same battles: the same teams, the same starts. A battle that is easy is
easy for both, so the difference of a seed is taken battle by battle, and what the battles share drops out. Seeds are
the units beyond that: another seed means other networks and other battles, so the differences of seeds are independent
and Student's t over them holds however much or little the battles of a pair share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.closed_form import t_half_width
from harness.stats.interval import Interval, IntervalKind, Z

Paired = Sequence[NDArray[np.float64]]
"""For each seed, score − baseline of each battle that both finished."""


@dataclass(frozen=True, kw_only=True)
class Difference(Interval):
    """Score − baseline, over one scenario or several."""

    seeds: tuple[int, ...]
    """Of each scenario."""

    @property
    def over_seeds(self) -> bool:
        """Whether it speaks of the algorithms, and not only of the policies of one seed."""
        return min(self.seeds) > 1


def paired_difference(scenarios: Sequence[Paired], *, shares: bool) -> Difference:
    """Mean over scenarios of the mean over seeds of the mean over battles, with a 95% interval.

    With two or more seeds everywhere: Student's t over seeds, with Satterthwaite's degrees of freedom over scenarios,
    but never narrower than the battles alone allow, so that two seeds that agree by chance do not promise more than
    their battles have shown. With one seed, the interval is over battles alone and speaks of these two policies.

    Args:
        scenarios: per scenario, per seed, the differences of battles.
        shares: whether scores are 0 or 1 (won or not), so that differences are -1, 0 or 1.

    Raises:
        ValueError: no scenario, no seed, or a seed whose pairs say nothing about their spread.

    Source: F. E. Satterthwaite, Biometrics Bulletin 2 (1946); over battles won or not: D. G. Bonett & R. M. Price,
    J. Educ. Behav. Stat. 37 (2012), which adds a battle to either side so that no interval has length 0.
    """
    least = 1 if shares else 2
    if not scenarios or not all(scenarios) or any(len(pairs) < least for seeds in scenarios for pairs in seeds):
        counts = [[len(pairs) for pairs in seeds] for seeds in scenarios]
        raise ValueError(
            f"A paired difference needs a scenario, a seed in each and {least} battle(s) of each seed that both "
            f"finished, got {counts} battles by scenario and seed; leave out what has none"
        )
    seeds = tuple(len(paired) for paired in scenarios)
    estimate = float(np.mean([np.mean([pairs.mean() for pairs in paired]) for paired in scenarios]))
    over_battles = [[_over_battles(pairs, shares) for pairs in paired] for paired in scenarios]
    within = tuple(float(np.mean([variance for _, variance in each])) for each in over_battles)
    if min(seeds) > 1:
        between = tuple(float(np.var([pairs.mean() for pairs in paired], ddof=1)) for paired in scenarios)
        middle, kind = estimate, IntervalKind.PAIRED_OVER_SEEDS
    else:
        between, several = (0.0,) * len(seeds), len(seeds) > 1
        kind = IntervalKind.PAIRED_OVER_BATTLES_OF_SEVERAL if several else IntervalKind.PAIRED_OVER_BATTLES
        middle = float(np.mean([np.mean([centre for centre, _ in each]) for each in over_battles]))
    reach = half_width(between, within, seeds)
    lowest, highest = (-1.0, 1.0) if shares else (-np.inf, np.inf)
    return Difference(
        estimate=estimate,
        low=float(max(lowest, middle - reach)),
        high=float(min(highest, middle + reach)),
        kind=kind,
        seeds=seeds,
    )


def half_width(between: Sequence[float], within: Sequence[float], seeds: Sequence[int]) -> float:
    """Return half the length of the interval.

    Args:
        between: of each scenario, variance of the difference from one seed to another; 0 where there is one.
        within: of each scenario, the variance that the battles of one seed leave in its difference.
        seeds: of each scenario, how many.
    """
    over_battles = Z * float((np.asarray(within) / np.asarray(seeds)).sum()) ** 0.5 / len(seeds)
    return over_battles if min(seeds) == 1 else max(float(t_half_width(between, seeds)), over_battles)


def _over_battles(pairs: NDArray[np.float64], shares: bool) -> tuple[float, float]:
    """Centre and variance of one seed's mean difference, as far as its battles tell."""
    if not shares:
        return float(pairs.mean()), float(pairs.var(ddof=1)) / len(pairs)
    padded = np.append(pairs, (1.0, -1.0))
    return float(padded.mean()), float(padded.var()) / len(padded)


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
