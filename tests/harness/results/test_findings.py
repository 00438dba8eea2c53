"""What is said about a comparison: pairs of runs on the same battles, sums over scenarios, curves with bands."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from rich.console import Console

from harness.flags.planning import plan_runs
from harness.results.comparisons import pairwise_comparisons
from harness.results.findings import ComparisonReport, CurveJob, compute_report
from harness.results.grouping import group_runs
from harness.results.tables import as_json, as_markdown, show_table
from harness.runs.plan import RunPlan
from harness.stats import wilson
from studies.rows import CurvePoint, EpisodeOutcome, RunRow
from tests.harness.fake_env import register_fake
from tests.harness.fake_request import request_for
from tests.harness.results.test_tables import points, run_row


def outcome(number: int, won: bool, *, aborted: bool = False, episode_return: float = 0.0) -> EpisodeOutcome:
    return EpisodeOutcome(
        slot=number % 4,
        battle_id=number // 4,
        won=won,
        lost=not won and not aborted,
        truncated=False,
        aborted=aborted,
        episode_return=episode_return,
        length=5,
    )


class Kept:
    """What a study would keep of runs: of 16 battles the first ``wins`` are won; two points of a curve."""

    def __init__(self, runs: Sequence[RunRow]) -> None:
        self._wins = {run.run_id: run.wins for run in runs}

    def outcomes(self, run_id: int) -> list[EpisodeOutcome]:
        wins = self._wins[run_id]
        return [outcome(number, number < wins, episode_return=float(wins)) for number in range(16)]

    def curve_points(self, run_id: int) -> list[CurvePoint]:
        return points((0, 0.0), (10, self._wins[run_id] / 16))


def runs_of(plans: list[RunPlan], wins: Sequence[int], **changed: object) -> list[RunRow]:
    return [
        run_row(plan, won, run_id=number, **changed) for number, (plan, won) in enumerate(zip(plans, wins, strict=True))
    ]


def found_for(wins: Sequence[int], *, scenarios: tuple[str, ...] = ("fake",), **changed: object) -> ComparisonReport:
    """Two algorithms, two seeds each; plans go scenario by scenario, seed by seed."""
    for scenario in scenarios:
        register_fake(scenario)
    plans = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0, 1), scenarios=scenarios))[0]
    runs = runs_of(plans, wins, **changed)
    return compute_report(group_runs(plans, runs), Kept(runs), title="t")


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
    plans = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0,)))[0]
    runs = runs_of(plans, [10, 8])
    grouped = {("rule", "fake"): [runs[0]], ("qmix", "fake"): [runs[1]]}
    found, left_out = pairwise_comparisons(grouped, Kept(runs).outcomes)
    assert (len(found), left_out) == (1, [])
    for part in ("env", "evaluation"):
        elsewhere = run_row(plans[1], 8, run_id=1, config={part: {"final_episodes": 32}})
        reason = f"fake: rule − qmix is not compared: seed 0 (other settings of {part})"
        assert pairwise_comparisons({**grouped, ("qmix", "fake"): [elsewhere]}, Kept(runs).outcomes) == ([], [reason])
    other_seed = run_row(plans[1], 8, run_id=1, seed=5)
    reason = "fake: rule − qmix is not compared: no seed in common (0 and 5)"
    assert pairwise_comparisons({**grouped, ("qmix", "fake"): [other_seed]}, Kept(runs).outcomes) == ([], [reason])


def test_runs_that_a_comparison_leaves_out_are_named() -> None:
    plans = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0, 1)))[0]
    runs = runs_of(plans, [10, 8, 4, 3])
    grouped = group_runs(plans, runs)
    grouped["qmix", "fake"][1] = run_row(plans[3], 3, run_id=3, config={"evaluation": {"final_episodes": 32}})
    text = as_markdown(compute_report(grouped, Kept(runs), title="t"))
    assert "\n- fake: rule − qmix leaves out seed 1 (other settings of evaluation)\n" in text
    assert compute_report({**grouped, ("qmix", "fake"): []}, Kept(runs), title="t").left_out == [], (
        "it has no row either"
    )
    nothing_finished = {run.run_id: [outcome(0, False, aborted=True)] for run in runs}
    _, left_out = pairwise_comparisons(group_runs(plans, runs), nothing_finished.__getitem__)
    assert left_out == ["fake: rule − qmix is not compared: seeds 0, 1 (fewer than two battles that both finished)"]


def test_aborted_battles_are_left_out_of_both() -> None:
    plans = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0,)))[0]
    runs = runs_of(plans, [3, 0])
    battles = {
        0: [outcome(0, True), outcome(1, True), outcome(2, True), outcome(3, False)],
        1: [outcome(0, False, aborted=True), outcome(1, False), outcome(2, False), outcome(3, False)],
    }
    ((found,), _) = pairwise_comparisons(group_runs(plans, runs), battles.__getitem__)
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
    out = io.StringIO()
    show_table(Console(file=out, width=130), found)
    assert "win rate over several scenarios" in out.getvalue()
    assert "2 scenarios: rule − qmix = +0.375 [" in out.getvalue()


def test_curves_have_bands_over_seeds() -> None:
    found = found_for([8, 4, 16, 4, 8, 8, 8, 8], scenarios=("fake", "fake_two"))
    assert [(curve.algorithm, curve.scenarios) for curve in found.curves] == [
        ("rule", ("fake",)),
        ("rule", ("fake_two",)),
        ("rule", ("fake", "fake_two")),
        ("qmix", ("fake",)),
        ("qmix", ("fake_two",)),
        ("qmix", ("fake", "fake_two")),
    ]
    band = found.curves[0].band
    assert (band.at.tolist(), band.estimate.tolist()) == ([0, 10], [0.0, 0.75])
    battles = 2 * points((0, 0.0))[0].episodes
    assert (band.low[0], band.high[0]) == (0.0, pytest.approx(wilson(0, battles).high))
    assert (band.low[1], band.high[1]) == (0.0, 1.0), "Student's t over 0.5 and 1.0"


def test_curves_which_take_longest_are_handed_out_one_by_one() -> None:
    plans = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0, 1)))[0]
    runs = runs_of(plans, [8, 4, 16, 4])
    seen: list[str] = []

    def shown(jobs: Sequence[CurveJob]) -> Iterator[CurveJob]:
        for number, job in enumerate(jobs):
            seen.append(f"{job[0]}, {number} of {len(jobs)}")
            yield job

    found = compute_report(group_runs(plans, runs), Kept(runs), title="t", track=shown)
    assert seen == ["rule, 0 of 2", "qmix, 1 of 2"]
    assert [curve.algorithm for curve in found.curves] == ["rule", "qmix"]


def test_one_seed_has_no_bands_and_no_sums() -> None:
    plans = plan_runs(request_for(algorithms=("rule", "qmix"), seeds=(0,)))[0]
    runs = runs_of(plans, [8, 4])
    found = compute_report(group_runs(plans, runs), Kept(runs), title="t")
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
    assert as_json(found_for([10, 8, 4, 3])) == as_json(found_for([10, 8, 4, 3]))
