"""Sums over several scenarios are over the same seeds of the same scenarios for every algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import pytest

from harness.results.aggregates import common_runs
from harness.results.findings import ComparisonReport
from harness.results.tables import as_markdown
from studies.rows import RunRow
from tests.harness.fake_request import plans_for
from tests.harness.results.rows import on_terminal, report_of, run_row

TAKEN = "sums over scenarios and profiles take the runs that all algorithms have: "
Wins = Mapping[tuple[str, str], Mapping[int, int]]
"""(algorithm, scenario) -> seed -> battles won of 16."""


def grouped(wins: Wins, **changed: object) -> dict[tuple[str, str], list[RunRow]]:
    (plan,), numbers = plans_for(), count()
    return {
        (algorithm, scenario): [
            run_row(plan, won, run_id=next(numbers), algorithm=algorithm, scenario=scenario, seed=seed, **changed)
            for seed, won in seeds.items()
        ]
        for (algorithm, scenario), seeds in wins.items()
    }


def found_for(wins: Wins, **changed: object) -> ComparisonReport:
    return report_of(grouped(wins, **changed))


HARD = {0: 0, 1: 2, 2: 1}
EASY = {0: 16, 1: 14, 2: 15}


def test_an_easy_scenario_that_only_one_has_helps_it_nothing() -> None:
    found = found_for(
        {
            ("k24", "easy"): EASY,
            ("k24", "mid"): {0: 8, 1: 8},
            ("k24", "far"): {0: 8, 1: 8},
            ("qmix", "mid"): {0: 8, 1: 8},
            ("qmix", "far"): {0: 8, 1: 8},
            ("qmix", "hard"): HARD,
        }
    )
    assert [each.scenarios for each in found.scenario_aggregates] == [("mid", "far")] * 2
    assert [each.aggregates.mean.estimate for each in found.scenario_aggregates] == [0.5, 0.5]
    assert {curve.scenarios for curve in found.curves if len(curve.scenarios) > 1} == {("mid", "far")}
    note = f"{TAKEN}2 seeds of each of 2 scenarios; left out: easy (qmix has no seed), hard (k24 has no seed)"
    assert found.left_out == [note]
    text = as_markdown(found)
    assert "| k24 | 2 | 2 | n/a | n/a | 0.500 [0.381, 0.619] |" in text, "Wilson over the 64 battles"
    assert "\n- IQM and median over scenarios are given from 10 seeds of each scenario on\n" in text
    assert f"\n- {note}\n" in text


def test_fewer_than_two_scenarios_in_common_give_no_table_and_a_note() -> None:
    found = found_for(
        {("k24", "easy"): EASY, ("k24", "mid"): {0: 8, 1: 4}, ("qmix", "mid"): {0: 8, 1: 8}, ("qmix", "hard"): HARD}
    )
    assert not found.over_several
    assert "Win rate over several scenarios" not in as_markdown(found)
    note = f"{TAKEN}2 seeds of mid; left out: easy (qmix has no seed), hard (k24 has no seed)"
    assert note in on_terminal(found)
    assert [each.scenarios for each in found.scenario_aggregates] == [("mid",)] * 2, "profiles are of what there is"
    assert {curve.scenarios for curve in found.curves} == {("easy",), ("mid",), ("hard",)}


def test_every_scenario_weighs_the_same() -> None:
    """Ten seeds of one scenario beside two of another would count five times as much in IQM and gap."""
    found = found_for(
        {
            ("k24", "easy"): dict.fromkeys(range(10), 16),
            ("k24", "hard"): {3: 0, 5: 0},
            ("qmix", "easy"): dict.fromkeys(range(1, 10), 16),
            ("qmix", "hard"): {3: 0, 5: 0, 7: 8},
        }
    )
    sums = [(each.seeds, each.aggregates.optimality_gap.estimate) for each in found.scenario_aggregates]
    assert sums == [(2, 0.5), (2, 0.5)]
    assert found.left_out == [
        f"{TAKEN}2 seeds of each of 2 scenarios; left out: seeds 0, 3, 4, 5, 6, 7, 8, 9 of easy, seed 7 of hard"
    ]


def test_an_algorithm_of_one_seed_does_not_take_the_table_from_the_others() -> None:
    both = {name: {0: 8, 1: 4} for name in ("easy", "hard")}
    wins = {(name, scenario): seeds for name in ("k24", "qmix") for scenario, seeds in both.items()}
    found = found_for({**wins, ("vdn", "easy"): {0: 16}})
    assert [each.algorithm for each in found.scenario_aggregates] == ["k24", "qmix"]
    assert found.left_out == [f"{TAKEN}2 seeds of each of 2 scenarios; left out: vdn (one seed)"]
    assert found.over_several


def test_seeds_that_never_meet_are_not_summed_up() -> None:
    common = common_runs(grouped({("k24", "easy"): {0: 8, 1: 8}, ("qmix", "easy"): {2: 8, 3: 8}}))
    assert common.seeds == {}
    assert common.left_out == f"{TAKEN}none; left out: easy (fewer than two seeds in common)"


@pytest.mark.parametrize("details", [{"can_be_won": False}, {}])
def test_nothing_is_said_where_nothing_is_left_out(details: dict[str, bool]) -> None:
    wins = {(name, scenario): {0: 8, 1: 4} for name in ("k24", "qmix") for scenario in ("easy", "hard")}
    found = found_for(wins, details=details)
    assert found.left_out == []
    assert found.over_several == (not details)
    assert found_for({place: {0: 8} for place in wins}, details=details).left_out == [], "one seed has no sums at all"
