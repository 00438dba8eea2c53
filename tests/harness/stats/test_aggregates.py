"""Aggregates, profiles and curves by hand-computed tables, and how fast many resamples are."""

from __future__ import annotations

import time

import numpy as np
import pytest

from harness.stats import bootstrap as bootstrap_module
from harness.stats.aggregates import aggregates, performance_profile, sample_efficiency
from harness.stats.bootstrap import as_strata, bootstrap


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_four_aggregates_by_hand() -> None:
    """Scenario means are 2, 5 and 9 tenths; of the six scores floor(6/4) = 1 is cut at either end."""
    found = aggregates([[0.1, 0.3], [0.4, 0.6], [0.8, 1.0]], rng())
    assert found.iqm.estimate == pytest.approx((0.3 + 0.4 + 0.6 + 0.8) / 4)
    assert found.median.estimate == pytest.approx(0.5)
    assert found.mean.estimate == pytest.approx(1.6 / 3)
    assert found.optimality_gap.estimate == pytest.approx(1 - 3.2 / 6)
    # a scenario's seeds average to the lower, their middle or the higher one by chances ¼, ½, ¼; all three lower or
    # all three higher has a chance of 1/64, less than the tail of 2.5%, so the ends are where two are and one is not
    assert (found.mean.low, found.mean.high) == pytest.approx((1.6 / 3 - 0.2 / 3, 1.6 / 3 + 0.2 / 3))
    assert (found.median.low, found.median.high) == pytest.approx((0.4, 0.6))
    assert found.optimality_gap.low == pytest.approx(1 - found.mean.high), "no score lies above 1"
    assert "median of scenario means" in found.median.kind


def test_what_lies_above_the_target_closes_no_gap() -> None:
    assert aggregates([[0.5, 1.5]], rng()).optimality_gap.estimate == pytest.approx(0.25)


def test_scenarios_may_have_different_numbers_of_seeds() -> None:
    found = aggregates([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0]], rng())
    assert (found.mean.estimate, found.mean.low, found.mean.high) == (0.5, 0.5, 0.5), "each scenario counts once"
    assert found.optimality_gap.estimate == pytest.approx(4 / 6), "here each run counts once"


def test_profile_by_hand() -> None:
    band = performance_profile([[0.2, 0.4], [0.4, 0.8]], rng(), np.array([0.0, 0.2, 0.4, 0.7, 0.8]))
    assert band.estimate.tolist() == [1.0, 0.75, 0.25, 0.25, 0.0], "strictly above"
    ends = list(zip(band.low, band.high, strict=True))
    assert ends[:3] == [(1.0, 1.0), (0.5, 1.0), (0.0, 0.5)], "at 0.2 only the scenario with 0.2 can vary"


def test_a_curve_is_the_aggregate_at_each_step() -> None:
    scores = [np.array([[0.0, 0.2, 0.6], [0.2, 0.4, 0.8]]), np.array([[0.1, 0.1, 0.1], [0.1, 0.3, 0.5]])]
    band = sample_efficiency(np.array([0, 10, 20]), scores, rng())
    assert band.at.tolist() == [0, 10, 20]
    # four scores at each step: one is cut at either end
    assert band.estimate == pytest.approx([0.1, 0.25, 0.55])
    for point in range(3):
        alone = aggregates([curves[:, point].tolist() for curves in scores], rng()).iqm
        assert (band.low[point], band.high[point]) == pytest.approx((alone.low, alone.high))


def test_curves_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \[\(2, 3\)\] do not fit 4 env_steps; give one array \(seeds, 4\)"):
        sample_efficiency(np.arange(4), [np.zeros((2, 3))], rng())


def test_equal_generators_give_equal_numbers_and_others_others() -> None:
    scores = rng(5).random((3, 6)).tolist()
    assert aggregates(scores, rng(1)) == aggregates(scores, rng(1))
    assert aggregates(scores, rng(1)) != aggregates(scores, rng(2))


def test_blocks_bound_the_memory_and_not_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into blocks of three resamples, the draws are the same ones in the same order."""
    strata = as_strata([[0.1, 0.5, 0.9]])
    whole = bootstrap([strata], lambda drawn: drawn[0].mean(axis=-1), rng(), 1000)
    monkeypatch.setattr(bootstrap_module, "NUMBERS_AT_ONCE", 9)
    sizes = []

    def mean(drawn: list[np.ndarray]) -> np.ndarray:
        sizes.append(drawn[0].shape)
        return drawn[0].mean(axis=-1)

    assert bootstrap([strata], mean, rng(), 1000) == whole
    assert set(sizes) == {(3, 3), (1, 3), (3,)}, "and the scores themselves"


def test_large_bootstraps_are_fast() -> None:
    """2,000 resamples of 10 runs × 15 scenarios take about 10 ms; a loop over resamples would take a second."""
    scores = rng().random((15, 10)).tolist()
    times = []
    for _ in range(5):
        start = time.process_time()  # of this process alone, however busy the machine is
        aggregates(scores, rng())
        times.append(time.process_time() - start)
    assert min(times) < 0.25
