"""What is said about a comparison: pairs of runs on the same battles, sums over scenarios, curves with bands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.results.comparisons import pairwise_comparisons
from harness.results.findings import ComparisonReport, CurveJob
from harness.results.grouping import group_runs
from harness.results.tables import as_json, as_markdown
from harness.stats.closed_form import wilson
from studies.rows import RunRow
from tests.harness.fake_env import register_fake
from tests.harness.fake_request import plans_for
from tests.harness.results.rows import Kept, on_terminal, outcome, points, report_of, run_row

QMIX = ("qmix", "fake")


def grouped(
    wins: Sequence[int], *, scenarios: tuple[str, ...] = ("fake",), seeds: tuple[int, ...] = (0, 1), **changed: object
) -> dict[tuple[str, str], list[RunRow]]:
    """Runs of two algorithms; ``wins`` go scenario by scenario, seed by seed."""
    for scenario in scenarios:
        register_fake(scenario)
    plans = plans_for(algorithms=("rule", "qmix"), seeds=seeds, scenarios=scenarios)
    numbered = enumerate(zip(plans, wins, strict=True))
    return group_runs(plans, [run_row(plan, won, run_id=number, **changed) for number, (plan, won) in numbered])


def found_for(wins: Sequence[int], **changed: Any) -> ComparisonReport:
    return report_of(grouped(wins, **changed))


def test_pairs_are_taken_battle_by_battle_within_a_seed() -> None:
    (found,) = found_for([10, 8, 4, 3]).comparisons  # seed 0: 10 against 8 of 16, seed 1: 4 against 3
    assert (found.algorithm, found.baseline, found.scenario, found.seeds) == ("rule", "qmix", "fake", (0, 1))
    assert (found.measure, found.difference) == ("win rate", pytest.approx((2 / 16 + 1 / 16) / 2))
    assert found.verdict.startswith("rule − qmix = +0.094 [")
    assert (found.low, found.high) == (pytest.approx(0.09375 - 0.39706, abs=1e-4), pytest.approx(0.49081, abs=1e-4))


def test_where_no_one_wins_returns_are_compared() -> None:
    (found,) = found_for([10, 8, 4, 3], details={"can_be_won": False}).comparisons
    assert (found.measure, found.difference) == ("return", pytest.approx(1.5))


def test_runs_on_other_battles_are_not_paired() -> None:
    runs = grouped([10, 8], seeds=(0,))
    found, left_out = pairwise_comparisons(runs, Kept(runs).outcomes)
    assert (len(found), left_out) == (1, [])
    others: list[tuple[dict[str, Any], str]] = [
        ({"config": {"env": {"final_episodes": 32}}}, "seed 0 (other settings of env)"),
        ({"config": {"evaluation": {"final_episodes": 32}}}, "seed 0 (other settings of evaluation)"),
        ({"seed": 5}, "no seed in common (0 and 5)"),
    ]
    for changed, reason in others:
        elsewhere = {**runs, QMIX: [replace(runs[QMIX][0], **changed)]}
        left_out = [f"fake: rule − qmix is not compared: {reason}"]
        assert pairwise_comparisons(elsewhere, Kept(runs).outcomes) == ([], left_out)


def test_runs_that_a_comparison_leaves_out_are_named() -> None:
    runs = grouped([10, 8, 4, 3])
    _, left_out = pairwise_comparisons(runs, lambda run_id: [outcome(0, False, aborted=True)])
    assert left_out == ["fake: rule − qmix is not compared: seeds 0, 1 (fewer than two battles that both finished)"]
    runs[QMIX][1] = replace(runs[QMIX][1], config={"evaluation": {"final_episodes": 32}})
    text = as_markdown(report_of(runs))
    assert "\n- fake: rule − qmix leaves out seed 1 (other settings of evaluation)\n" in text
    assert report_of({**runs, QMIX: []}).left_out == [], "it has no row either"


def test_aborted_battles_are_left_out_of_both() -> None:
    battles = {
        0: [outcome(0, True), outcome(1, True), outcome(2, True), outcome(3, False)],
        1: [outcome(0, False, aborted=True), outcome(1, False), outcome(2, False), outcome(3, False)],
    }
    ((found,), _) = pairwise_comparisons(grouped([3, 0], seeds=(0,)), battles.__getitem__)
    assert found.difference == pytest.approx(2 / 3)


def test_several_scenarios_are_summed_up() -> None:
    found = found_for([8, 4, 8, 4, 16, 8, 16, 8], scenarios=("fake", "fake_two"))
    assert [(each.scenario, each.difference) for each in found.comparisons] == [
        ("fake", pytest.approx(0.25)),
        ("fake_two", pytest.approx(0.5)),
        ("2 scenarios", pytest.approx(0.375)),
    ]
    rule, qmix = found.scenario_aggregates
    assert (rule.algorithm, rule.scenarios) == ("rule", ("fake", "fake_two"))
    assert (rule.aggregates.iqm, rule.aggregates.mean.estimate) == (None, 0.75)
    assert qmix.aggregates.optimality_gap.estimate == pytest.approx(1 - 0.375)
    assert rule.profile.estimate[[0, 50, 99, 100]].tolist() == [1.0, 0.5, 0.5, 0.0]
    text = as_markdown(found)
    assert "| rule | 2 | 2 | n/a | n/a | 0.750 [0.632, 0.840] | 0.250 [" in text
    assert "\n- fake_two: rule − qmix = +0.500 [" in text
    shown = on_terminal(found)
    assert "win rate over several scenarios" in shown
    assert "2 scenarios: rule − qmix = +0.375 [" in shown


def test_curves_have_bands_over_seeds() -> None:
    found = found_for([8, 4, 16, 4, 8, 8, 8, 8], scenarios=("fake", "fake_two"))
    places = [("fake",), ("fake_two",), ("fake", "fake_two")]
    expected = [(algorithm, where) for algorithm in ("rule", "qmix") for where in places]
    assert [(curve.algorithm, curve.scenarios) for curve in found.curves] == expected
    band = found.curves[0].band
    assert (band.at.tolist(), band.estimate.tolist()) == ([0, 10], [0.0, 0.75])
    battles = 2 * points((0, 0.0))[0].episodes
    assert (band.low[0], band.high[0]) == (0.0, pytest.approx(wilson(0, battles).high))
    assert (band.low[1], band.high[1]) == (0.0, 1.0), "Student's t over 0.5 and 1.0"


def test_curves_which_take_longest_are_handed_out_one_by_one() -> None:
    seen: list[str] = []

    def shown(jobs: Sequence[CurveJob]) -> Iterator[CurveJob]:
        for number, job in enumerate(jobs):
            seen.append(f"{job[0]}, {number} of {len(jobs)}")
            yield job

    found = report_of(grouped([8, 4, 16, 4]), track=shown)
    assert seen == ["rule, 0 of 2", "qmix, 1 of 2"]
    assert [curve.algorithm for curve in found.curves] == ["rule", "qmix"]


def test_one_seed_has_no_bands_and_no_sums() -> None:
    found = found_for([8, 4], seeds=(0,))
    assert (found.scenario_aggregates, found.curves, found.improvements) == ([], [], [])
    assert "over the battles of one seed" in found.comparisons[0].verdict


def test_json_holds_everything_as_plain_numbers() -> None:
    found = found_for([10, 8, 4, 3])
    read = json.loads(as_json(found))
    parts = ["title", "rows", "comparisons", "improvements", "overall", "left_out", "meanings", "curves"]
    assert list(read) == parts
    assert read["rows"][0]["algorithm"] == "rule"
    assert read["overall"][0]["profile"]["at"] == pytest.approx(np.linspace(0, 1, 101).tolist())
    assert read["comparisons"][0]["verdict"] == found.comparisons[0].verdict


def test_the_same_runs_give_the_same_numbers() -> None:
    """From ten seeds on intervals are drawn."""
    ten = dict(wins=[number % 17 for number in range(20)], seeds=tuple(range(10)))
    assert as_json(found_for(**ten)) == as_json(found_for(**ten))
