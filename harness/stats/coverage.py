"""What a bootstrap over a few seeds is worth: how often its "95%" interval holds the truth."""

from __future__ import annotations

from collections.abc import Iterable

COVERAGE = {2: 0.49, 3: 0.74, 4: 0.88, 5: 0.90, 6: 0.91, 7: 0.91, 8: 0.93, 9: 0.94}
"""Seeds of one scenario -> share of intervals of the IQM that held it, scores drawn from a normal distribution; 4,000
drawings each, within 0.02. Scores drawn evenly give the same. From 10 seeds it is 0.93 and more."""
ENOUGH = 10
"""Seeds from which nothing needs to be said."""


def few_seeds(counts: Iterable[int]) -> str:
    """What to know of bootstraps over so many seeds of a scenario, in words; empty where nothing is.

    Args:
        counts: numbers of seeds; one seed has no bootstrap.
    """
    few = sorted({count for count in counts if 1 < count < ENOUGH})
    if not few:
        return ""
    covered = ", ".join(f"about {COVERAGE[count]:.0%} with {count} seeds" for count in few)
    return f"a “95%” bootstrap over fewer than {ENOUGH} seeds holds the truth less often: {covered} of one scenario"
