"""Differences on the same battles: by hand, by how often intervals cover the truth, and what is said in words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.interval import IntervalKind
from harness.stats.paired import Difference, half_width, paired_difference, verdict

Z, T2 = 1.959964, 4.302653
"""97.5% quantiles: normal, and Student's with 2 degrees of freedom."""


def battles(*means: float, count: int = 1000) -> list[NDArray[np.float64]]:
    """A seed for each mean: so many battles that only one of the two won, the others equal."""
    found = []
    for mean in means:
        pairs = np.zeros(count)
        pairs[: round(abs(mean) * count)] = math.copysign(1.0, mean)
        found.append(pairs)
    return found


def test_three_seeds_by_hand() -> None:
    """Differences 0.1, 0.2 and 0.3: mean 0.2, standard deviation 0.1, half width t(2) · 0.1 / √3."""
    found = paired_difference([battles(0.1, 0.2, 0.3)], shares=True)
    reach = T2 * 0.1 / math.sqrt(3)
    assert (found.low, found.estimate, found.high) == pytest.approx((0.2 - reach, 0.2, 0.2 + reach), rel=1e-5)
    assert (found.kind, found.seeds, found.over_seeds) == (IntervalKind.PAIRED_OVER_SEEDS, (3,), True)


def test_one_seed_by_hand() -> None:
    """Of 8 battles 3 were won by us alone, 1 by them alone; one is added to either side: 4 and 2 of 10."""
    found = paired_difference([[np.array([1.0, 1, 1, -1, 0, 0, 0, 0])]], shares=True)
    assert found.estimate == pytest.approx(2 / 8)
    reach = Z * math.sqrt((0.4 + 0.2 - 0.2**2) / 10)
    assert (found.low, found.high) == pytest.approx((0.2 - reach, 0.2 + reach), abs=1e-5)
    assert (found.kind, found.over_seeds) == (IntervalKind.PAIRED_OVER_BATTLES, False)


def test_seeds_that_agree_by_chance_promise_no_more_than_their_battles() -> None:
    found = paired_difference([battles(0.2, 0.2)], shares=True)
    apart = (201 + 1) / 1002 - (200 / 1002) ** 2
    assert found.high - found.estimate == pytest.approx(Z * math.sqrt(apart / 1002 / 2), rel=1e-5)
    nothing_won = paired_difference([battles(0.0, 0.0, 0.0)], shares=True)
    assert nothing_won.low < 0.0 < nothing_won.high, "no interval has length 0"


def test_several_scenarios_by_hand() -> None:
    """Equal spread in two scenarios of three seeds: 2 · 2 degrees of freedom, and the variance of a mean of two."""
    found = paired_difference([battles(0.1, 0.2, 0.3), battles(-0.3, -0.2, -0.1)], shares=True)
    assert found.estimate == pytest.approx(0.0)
    assert found.high == pytest.approx(2.776445 * 0.1 / math.sqrt(6), rel=1e-5)
    alone = half_width([0.01, 0.0], [0.0, 0.0], [3, 3])
    assert alone == pytest.approx(T2 * 0.1 / math.sqrt(3) / 2, rel=1e-5), "the scenario that varies has 2"


def test_returns_have_no_bounds() -> None:
    found = paired_difference([[np.array([3.0, 5.0]), np.array([7.0, 9.0])]], shares=False)
    assert found.estimate == pytest.approx(6.0)
    assert found.low < -1.0
    assert paired_difference([battles(0.9, 0.1)], shares=True).high == 1.0


@pytest.mark.parametrize("scenarios", [[], [[]], [[np.array([])]]], ids=str)
def test_nothing_to_pair_is_refused(scenarios: list[list[NDArray[np.float64]]]) -> None:
    says = r"needs a scenario, a seed in each and 1 battle\(s\).*leave out what has none"
    with pytest.raises(ValueError, match=says):
        paired_difference(scenarios, shares=True)


# How often an interval covers the truth, and how often a verdict is wrong. Seeds are fixed: nothing depends on luck.


def drawn(
    rng: np.random.Generator, seeds: int, spread: float, better: float = 0.0, alike: float = 0.5
) -> list[NDArray[np.float64]]:
    """Two algorithms on the same 200 battles: training luck differs by seed, and half of a battle's luck is shared."""
    found = []
    for _ in range(seeds):
        ours, theirs = 0.4 + rng.normal(0.0, spread, 2) + np.array([better, 0.0])
        luck = rng.random(200)
        other = np.where(rng.random(200) < alike, luck, rng.random(200))
        found.append((luck < ours).astype(float) - (other < theirs))
    return found


def share_of(rng: np.random.Generator, seeds: int, spread: float, *, draws: int = 600, truth: float = 0.0) -> float:
    """How often the interval covers the truth."""
    intervals = [paired_difference([drawn(rng, seeds, spread, truth)], shares=True) for _ in range(draws)]
    return float(np.mean([each.low <= truth <= each.high for each in intervals]))


@pytest.mark.parametrize(("seeds", "spread", "truth"), [(3, 0.1, 0.0), (3, 0.1, 0.15), (5, 0.05, 0.0), (10, 0.1, 0.1)])
def test_the_interval_over_seeds_covers_the_truth_at_its_rate(seeds: int, spread: float, truth: float) -> None:
    """±0.03 is more than three standard errors of 600 draws."""
    assert share_of(np.random.default_rng(1), seeds, spread, truth=truth) == pytest.approx(0.95, abs=0.03)


def test_the_interval_over_battles_covers_the_truth_at_its_rate_for_one_policy() -> None:
    assert share_of(np.random.default_rng(2), 1, 0.0) == pytest.approx(0.95, abs=0.03)


def test_it_is_never_less_than_promised_where_seeds_do_not_differ() -> None:
    assert share_of(np.random.default_rng(3), 2, 0.0) > 0.95


def test_an_interval_over_battles_alone_would_break_its_promise() -> None:
    """The broken twin: all battles of three seeds in one pot, as if training had no luck of its own."""
    rng = np.random.default_rng(4)
    pooled = [paired_difference([[np.concatenate(drawn(rng, 3, 0.1))]], shares=True) for _ in range(300)]
    assert np.mean([each.low <= 0.0 <= each.high for each in pooled]) < 0.6


def test_battles_in_common_make_the_interval_shorter() -> None:
    def length(alike: float) -> float:
        rng = np.random.default_rng(5)
        found = [paired_difference([drawn(rng, 5, 0.02, alike=alike)], shares=True) for _ in range(100)]
        return float(np.mean([each.high - each.low for each in found]))

    assert length(0.9) < 0.7 * length(0.0)


def test_a_verdict_is_rarely_wrong_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(6)
    lines = [verdict("a", "b", paired_difference([drawn(rng, 4, 0.1)], shares=True), won=True) for _ in range(400)]
    assert np.mean([" wins more" in line for line in lines]) < 0.08


# What is said.


def difference(estimate: float, spread: float, seeds: int) -> Difference:
    """One scenario whose seeds vary with this standard deviation."""
    reach, kind = half_width([spread**2], [0.0], [seeds]), IntervalKind.PAIRED_OVER_SEEDS
    return Difference(estimate=estimate, low=estimate - reach, high=estimate + reach, kind=kind, seeds=(seeds,))


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (difference(0.02, 0.02, 3), "k24 − qmix = +0.020 [−0.030, +0.070]: no difference shown"),
        (difference(0.2, 0.02, 3), "k24 − qmix = +0.200 [+0.150, +0.250]: k24 wins more"),
        (difference(-0.2, 0.02, 3), "k24 − qmix = −0.200 [−0.250, −0.150]: qmix wins more"),
        (difference(0.0001, 0.01, 3), "k24 − qmix = 0.000 [−0.025, +0.025]: no difference as large as 0.05"),
        (difference(0.02, 5.0, 3), "k24 − qmix = +0.020 [−12.401, +12.441]: no difference shown"),
    ],
)
def test_verdict(found: Difference, line: str) -> None:
    assert verdict("k24", "qmix", found, won=True) == line


def test_verdict_of_one_seed_speaks_of_the_policies() -> None:
    found = paired_difference([battles(-0.07)], shares=True)
    assert verdict("k24", "qmix", found, won=True) == (
        "k24 − qmix = −0.070 [−0.086, −0.054], over the battles of one seed: the policy of qmix wins more; "
        "what it says of the algorithms takes more seeds (--seeds 3 or more)"
    )
    unclear = verdict("k24", "qmix", paired_difference([battles(0.0)], shares=True), won=True)
    assert "over the battles of one seed: no difference shown between the two policies;" in unclear


def test_verdict_over_scenarios_of_which_one_has_one_seed_speaks_of_all_policies() -> None:
    found = paired_difference([battles(-0.07, -0.06), battles(-0.07)], shares=True)
    assert found.kind == "95% over battles alone, paired; a scenario has one seed"
    sentence = verdict("k24", "qmix", found, won=True)
    assert "over battles alone, a scenario having one seed: the policies of qmix win more; what it says of" in sentence
    unclear = paired_difference([battles(0.0), battles(0.0)], shares=True)
    assert "no difference shown between the policies;" in verdict("k24", "qmix", unclear, won=True)


def test_verdict_of_returns() -> None:
    assert verdict("a", "b", difference(2.5, 0.5, 3), won=False) == (
        "a − b = +2.50 [+1.26, +3.74]: a has the higher return"
    )
