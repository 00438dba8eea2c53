"""The table says what was measured, over what, and why something is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.progress import duration
from harness.plots.lines import plot_curves
from harness.results.aggregates import AlgorithmRow, improvements, summarize_groups
from harness.results.findings import ComparisonReport
from harness.results.footnotes import footnotes
from harness.results.grouping import group_runs
from harness.results.tables import as_markdown, cells_of
from harness.runs.plan import RunPlan
from studies.rows import RunRow, common_points
from tests.harness.fake_request import plans_for
from tests.harness.results.rows import REASON, on_terminal, points, run_row
from tests.studies.sample import MACHINE, turn_reading


def rows_of(plans: list[RunPlan], runs: list[RunRow]) -> list[AlgorithmRow]:
    return summarize_groups(group_runs(plans, runs))


def markdown(plans: list[RunPlan], runs: list[RunRow]) -> list[str]:
    return as_markdown(ComparisonReport(title="smoke", rows=rows_of(plans, runs))).splitlines()


def cells_and_notes(rows: list[AlgorithmRow], column: str) -> tuple[list[str], list[str]]:
    """A column of the table, and the lines below it."""
    markers, notes = footnotes(ComparisonReport(title="t", rows=rows))
    return [cells_of(row, markers)[column] for row in rows], notes


@pytest.fixture
def plans() -> list[RunPlan]:
    return plans_for(algorithms=("rule", "qmix"), seeds=(0, 1))


def test_one_seed_is_judged_by_its_battles(plans: list[RunPlan]) -> None:
    (row,) = rows_of(plans, [run_row(plans[0], 8)])
    assert (row.algorithm, row.seeds, row.win_rate) == ("rule", (0,), 0.5)
    assert (row.win_low, row.win_high) == pytest.approx((0.2800, 0.7200), abs=1e-4)  # Wilson for 8 of 16, by hand
    assert row.interval_kind == "95% Wilson over battles"


def test_two_seeds_are_judged_by_seeds(plans: list[RunPlan]) -> None:
    runs = [run_row(plan, wins) for plan, wins in zip(plans, (4, 8, 12, 16), strict=True)]
    rows = rows_of(plans, runs)
    assert [(row.algorithm, row.seeds, row.win_rate) for row in rows] == [("rule", (0, 1), 0.5), ("qmix", (0, 1), 0.75)]
    assert rows[0].interval_kind == "mean, 95% t over seeds"
    assert (rows[0].win_low, rows[0].win_high) == (0.0, 1.0), "two seeds that far apart say next to nothing"
    assert rows[0].scores == (0.25, 0.75)
    assert (rows[0].return_mean, rows[0].wall_seconds, rows[0].episodes) == (8.0, 40.0, 32)
    (better,) = improvements(group_runs(plans, runs))
    assert (better.better, better.baseline, better.probability) == ("rule", "qmix", 0.25)
    _, notes = footnotes(ComparisonReport(title="t", rows=rows, improvements=[better]))
    assert notes[-1].startswith("probability of improvement, rule over qmix: 0.25 [")
    assert notes[-1].endswith("], on fake, 2 and 2 seeds")


def test_runs_of_other_questions_stay_out(plans: list[RunPlan]) -> None:
    foreign = run_row(plans[0], 16, config_hash="other")
    assert rows_of(plans, [foreign]) == []
    assert improvements(group_runs(plans, [run_row(plans[0], 1), run_row(plans[1], 2)])) == []


def test_markdown(plans: list[RunPlan]) -> None:
    overlapping = turn_reading(MACHINE, 1250.0, 1400.0)
    other = run_row(plans[1], 0, speedup_24=1.31, speedup_24_reason="", aborted=3, in_turn=overlapping)
    runs = [run_row(plans[0], 8), other]
    lines = markdown(plans, runs)
    assert lines[0] == "# smoke"
    assert lines[4] == (
        "| rule | fake | 1 | 0.500 [0.280, 0.720] | Wilson, battles | 8.00 | 50.0% / 25.0% "
        "| 1,234 | n/a (1) | 100 | 0:20 |"
    )
    assert "| 1.31× |" in lines[5]
    assert lines[7:] == [
        f"- (1) no 2:4 speed-up: {REASON}",
        "- decisions/s: agent decisions of the trained policy, greedy, 5120 agents a call, float32, on AMD EPYC, "
        "1 thread; medians, all policies in turn after training",
        "- decisions/s, quartiles on fake: rule 1,200 … 1,300, qmix 1,250 … 1,400",
        "- decisions/s on fake say nothing of the order of rule and qmix: their quartiles overlap",
        "- qmix on fake: 3 evaluation battles aborted and are not counted",
    ]


def test_decisions_of_several_machines_are_not_compared(plans: list[RunPlan]) -> None:
    two, card = "AMD EPYC, 2 threads", "NVIDIA H100"
    line = "decisions/s do not compare between machines, nor between numbers of threads"
    for origins, machines in (
        ((MACHINE, MACHINE, MACHINE, MACHINE), [(MACHINE,), (MACHINE,)]),
        ((MACHINE, two, two, card), [(MACHINE, two), (two, card)]),
    ):
        runs = [run_row(plan, 8, in_turn=turn_reading(origin)) for plan, origin in zip(plans, origins, strict=True)]
        rows = rows_of(plans, runs)
        assert [row.machines for row in rows] == machines
        _, notes = cells_and_notes(rows, "decisions/s")
        distinct = set(origins)
        assert sum(note.startswith("decisions/s: ") for note in notes) == len(distinct)
        assert (line in notes) == (len(distinct) > 1)


def test_decisions_of_several_sessions_are_not_compared(plans: list[RunPlan]) -> None:
    """A study grows: ``compare --algos qmix`` later measures the policies of that command alone."""
    for sessions, expected in ((("s", "s"), [("s",), ("s",)]), (("s", "later"), [("s",), ("later",)])):
        readings = [replace(turn_reading(), session=session) for session in sessions]
        rows = rows_of(plans, [run_row(plan, 8, in_turn=each) for plan, each in zip(plans, readings, strict=False)])
        assert [row.throughput_sessions for row in rows] == expected
        _, notes = cells_and_notes(rows, "decisions/s")
        several = len(set(sessions)) > 1
        assert any("do not compare between the sessions" in note for note in notes) == several
        assert any("say nothing of the order" in note for note in notes) != several


def test_a_row_of_which_some_seeds_were_not_measured_says_so(plans: list[RunPlan]) -> None:
    """More seeds were added, and ``--throughput none``."""
    readings = (turn_reading(), turn_reading(), None, turn_reading())
    runs = [run_row(plan, 8, in_turn=each) for plan, each in zip(plans, readings, strict=True)]
    cells, notes = cells_and_notes(rows_of(plans, runs), "decisions/s")
    assert cells == ["1,234", "1,234"]
    (note,) = (note for note in notes if " of its " in note)
    assert note.startswith("decisions/s of rule on fake: 1 of its 2 seeds were measured; all of them: ")


def test_no_order_is_claimed_under_load_or_where_nothing_was_measured(plans: list[RunPlan]) -> None:
    loaded = run_row(plans[0], 8, in_turn=turn_reading("cpu", quiet=False))
    cells, notes = cells_and_notes(rows_of(plans, [loaded, run_row(plans[1], 8, in_turn=None)]), "decisions/s")
    assert cells == ["1,234 †", "n/a"]
    assert "† measured while other processes kept the machine busy, again and again: not compared" in notes
    assert "decisions/s n/a: not measured yet; type: python -m harness.measure --study NAME" in notes
    apart = [run_row(plans[0], 8), run_row(plans[1], 8, in_turn=turn_reading(MACHINE, 1301.0, 1400.0))]
    _, notes = cells_and_notes(rows_of(plans, apart), "decisions/s")
    assert not any("say nothing of the order" in note for note in notes)


def test_training_speed_says_what_else_ran(plans: list[RunPlan]) -> None:
    loads = (0.1, 1.26, 0.2, 0.0)
    runs = [run_row(plan, 8, details={"load": load}) for plan, load in zip(plans, loads, strict=True)]
    cells, notes = cells_and_notes(rows_of(plans, runs), "env steps/s")
    assert cells == ["100", "100 ‡"]
    assert "‡ trained while other processes kept cores busy, so not compared: 1.3 (qmix)" in notes
    _, earlier = cells_and_notes(rows_of(plans, [run_row(plan, 8) for plan in plans]), "env steps/s")
    assert not any("‡" in note for note in earlier)


def test_resumed_runs_are_named(plans: list[RunPlan]) -> None:
    runs = [run_row(plan, 8, details={"resumes": resumes}) for plan, resumes in zip(plans, (0, 1, 2, 0), strict=True)]
    assert [(row.seeds, row.resumes) for row in rows_of(plans, runs)] == [((0, 1), (0, 2)), ((0, 1), (1, 0))]
    why = "without its replay, which refilled, so an uninterrupted run would differ"
    assert markdown(plans, runs)[-2:] == [
        f"- rule on fake, seed 1: resumed 2 times {why}",
        f"- qmix on fake, seed 0: resumed 1 time {why}",
    ]


def test_terminal_table_keeps_brackets_as_they_are(plans: list[RunPlan]) -> None:
    shown = on_terminal(ComparisonReport(title="smoke", rows=rows_of(plans, [run_row(plans[0], 8)])))
    assert "fake · smoke" in shown
    assert "0.500 [0.280, 0.720]" in shown


def test_clock() -> None:
    assert [duration(seconds) for seconds in (7, 187, 725, 3787)] == ["0:07", "3:07", "12:05", "1:03:07"]


def test_seeds_meet_where_all_were_evaluated() -> None:
    steps, rates = common_points([points((0, 0.1), (10, 0.2), (20, 0.3)), points((0, 0.5), (20, 0.7))])
    assert steps.tolist() == [0, 20]
    assert rates.tolist() == [[0.1, 0.3], [0.5, 0.7]]


def test_plot_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "new" / "curves.png"
    plot_curves(path, {"a": [points((0, 0.0), (10, 0.5))] * 2, "b": [points((0, 0.1), (10, 0.4))]}, title="fake")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 10_000


def test_names_with_a_digest_are_explained_below_the_table(plans: list[RunPlan]) -> None:
    rows, legend = rows_of(plans, [run_row(plans[0], 1)]), {"rule@0a1b2c": "algorithm.lr = 0.01"}
    findings = ComparisonReport(title="t", rows=rows, legend=legend)
    assert "- rule@0a1b2c: algorithm.lr = 0.01" in as_markdown(findings).splitlines()
    assert "\nrule@0a1b2c: algorithm.lr = 0.01\n" in on_terminal(findings)
