"""What is said of a bootstrap over a few seeds is what it does."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import iqm_interval
from harness.stats.coverage import COVERAGE, ENOUGH, few_seeds


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_bootstrap_over_so_many_seeds_covers_what_the_footnote_says(seeds: int) -> None:
    """±0.05 is more than three standard errors of 1,000 drawings."""
    rng = np.random.default_rng(seeds)
    found = [iqm_interval([rng.normal(0.4, 0.1, seeds).tolist()], rng, 500) for _ in range(1000)]
    share = np.mean([each.low <= 0.4 <= each.high for each in found])
    assert share == pytest.approx(COVERAGE[seeds], abs=0.05)
    assert share < 0.93, "and not what it is called"


def test_every_number_of_seeds_below_enough_has_its_share() -> None:
    assert list(COVERAGE) == list(range(2, ENOUGH))
    assert sorted(COVERAGE.values()) == list(COVERAGE.values())


def test_in_words() -> None:
    assert few_seeds([1, 10, 20]) == ""
    assert few_seeds([3, 2, 3, 10]) == (
        "a “95%” bootstrap over fewer than 10 seeds holds the truth less often: about 49% with 2 seeds, about 74% with "
        "3 seeds of one scenario"
    )
