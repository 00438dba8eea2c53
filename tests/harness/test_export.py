"""What other programs get: the layout of marl-eval, the table as CSV and Markdown, all findings as JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from harness.cli.common import ALL_DONE, SOME_MISSING
from harness.cli.errors import UsageError
from harness.export import main
from harness.results.grouping import group_runs_by_config
from harness.results.marl_eval import environment_of, marl_eval_layout
from studies.reader import StudyReader
from studies.rows import CurvePoint, RunRow
from tests.harness.conftest import Compare, ErrorOf, Printed
from tests.harness.fake_request import plans_for
from tests.harness.results.rows import points, run_row
from tests.studies.test_reader import make, protected


def runs_on(scenarios: tuple[str, ...] = ("map_a", "map_b"), seeds: tuple[int, ...] = (0, 1)) -> list[RunRow]:
    """Two algorithms on scenarios of the built-in engine."""
    asked = enumerate(product(scenarios, seeds, plans_for(algorithms=("rule", "qmix"))))
    return [
        run_row(plan, 4 + number, run_id=number, scenario=scenario, seed=seed)
        for number, (scenario, seed, plan) in asked
    ]


def curve(run_id: int) -> list[CurvePoint]:
    return points((0, 0.1), (1000, 0.1 + run_id / 100))


def layout_faults(layout: Any) -> list[str]:
    """Where something departs from what marl-eval reads."""
    found = []
    for environment, tasks in layout.items():
        algorithms = {tuple(sorted(runs)) for runs in tasks.values()}
        runs = [runs for task in tasks.values() for runs in task.values()]
        if len(algorithms) != 1:
            found.append(f"{environment}: algorithms differ between tasks")
        if len({tuple(sorted(each)) for each in runs}) != 1:
            found.append(f"{environment}: runs differ")
        for run in (run for each in runs for run in each.values()):
            found += [f"{environment}: {fault}" for fault in run_faults(run)]
        if len({tuple(run) for each in runs for run in each.values()}) != 1:
            found.append(f"{environment}: steps differ between runs")
    return found


def run_faults(run: dict[str, dict[str, Any]]) -> list[str]:
    steps = [name for name in run if name != "absolute_metrics"]
    if steps != [f"step_{number}" for number in range(len(steps))] or not steps:
        return ["steps are not step_0, step_1, …"]
    if "absolute_metrics" not in run:
        return ["absolute_metrics are missing"]
    counts = [run[step].get("step_count") for step in steps]
    if not all(isinstance(count, int) for count in counts) or counts != sorted(counts):
        return ["step_count is no rising integer"]
    metrics = [{name: value for name, value in part.items() if name != "step_count"} for part in run.values()]
    if len({tuple(each) for each in metrics}) != 1:
        return ["metrics differ between steps"]
    lists = [value for each in metrics for value in each.values()]
    return [] if all(isinstance(each, list) and each for each in lists) else ["a metric is no list"]


def test_marl_eval_layout() -> None:
    layout, left_out = marl_eval_layout(group_runs_by_config(runs_on()), curve)
    assert (left_out, layout_faults(layout)) == ([], [])
    assert {environment: list(tasks) for environment, tasks in layout.items()} == {"battle": ["map_a", "map_b"]}
    assert layout["battle"]["map_b"]["rule"]["seed_1"] == {
        "step_0": {"step_count": 0, "win_rate": [0.1], "return": [0.0]},
        "step_1": {"step_count": 1000, "win_rate": [0.1 + 6 / 100], "return": [0.0]},
        "absolute_metrics": {"win_rate": [10 / 16], "return": [10.0]},
    }


SPOILT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "absolute_metrics are missing": lambda runs: runs["seed_0"].pop("absolute_metrics"),
    "a metric is no list": lambda runs: runs["seed_0"]["step_1"].update(win_rate=0.5),
    "steps are not step_0, step_1, …": lambda runs: runs["seed_0"].update(step_7=runs["seed_0"].pop("step_1")),
    "metrics differ between steps": lambda runs: runs["seed_0"]["absolute_metrics"].pop("return"),
    "runs differ": lambda runs: runs.pop("seed_0"),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_layout_is_found(fault: str) -> None:
    layout = marl_eval_layout(group_runs_by_config(runs_on()), curve)[0]
    SPOILT[fault](layout["battle"]["map_a"]["qmix"])
    assert f"battle: {fault}" in layout_faults(layout)


def test_what_not_all_have_is_left_out_and_said() -> None:
    runs = [*runs_on(), *runs_on(("map_a",), (2,))]

    def uneven(run_id: int) -> list[CurvePoint]:
        return [*curve(run_id), *(points((2000, 0.9)) if run_id == 1 else ())]

    layout, left_out = marl_eval_layout(group_runs_by_config(runs), uneven)
    assert layout_faults(layout) == []
    assert left_out == [
        "rule map_a: seeds 2, which not all others have",
        "qmix map_a: seeds 2, which not all others have",
        "qmix map_a 0: env_steps 2000, which not all others have",
    ]


def test_an_algorithm_that_is_missing_on_a_task_is_refused() -> None:
    runs = [run for run in runs_on() if (run.algorithm, run.scenario) != ("qmix", "map_b")]
    with pytest.raises(UsageError, match=r"qmix has no finished run on map_b.*--algos rule, or --scenarios map_a"):
        marl_eval_layout(group_runs_by_config(runs), curve)


def test_runs_with_nothing_in_common_are_refused() -> None:
    runs = [run for run in runs_on() if (run.algorithm == "rule") == (run.seed == 0)]
    with pytest.raises(UsageError, match=r"no seed in common.*rule map_a: 0; .*qmix map_a: 1.*--algos, --scenarios"):
        marl_eval_layout(group_runs_by_config(runs), curve)


def test_worlds_are_environments() -> None:
    (plan,) = plans_for()
    elsewhere = {"env": {"fight": {"entry_point": "my_world:build"}}}
    assert environment_of(run_row(plan, 1)) == "battle"
    assert environment_of(run_row(plan, 1, config=elsewhere, scenario="mpe2/spread")) == "mpe2"
    assert environment_of(run_row(plan, 1, config=elsewhere, scenario="spread")) == "my_world"
    run = run_row(plan, 1, config=elsewhere, scenario="mpe2/spread", details={"can_be_won": False})
    layout, _ = marl_eval_layout(group_runs_by_config([run]), curve)
    assert list(layout["mpe2"]["spread"]["rule"]["seed_0"]["absolute_metrics"]) == ["return"], "no one wins there"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_settings_and_maps_of_one_study_get_distinct_names() -> None:
    (plan,) = plans_for()
    configs = [
        {"algorithm": {"lr": 1}, "env": {"scenario": "fake", "sight": 9}},
        {"algorithm": {"lr": 2}, "env": {"scenario": "fake", "sight": 9}},
        {"algorithm": {"lr": 2}, "env": {"scenario": "fake_two", "sight": 9}},
    ]
    runs = [run_row(plan, 1, config=config, scenario=config["env"]["scenario"]) for config in configs]
    names = [name for name, _ in group_runs_by_config(runs)]
    assert len(set(names)) == 2
    assert names[1] == names[2], "the same settings on another scenario"
    assert all(name.startswith("rule@") and len(name) == len("rule@") + 6 for name in names)
    assert [scenario for _, scenario in group_runs_by_config(runs)] == ["fake", "fake", "fake_two"]
    assert list(group_runs_by_config(runs[1:])) == [("rule", "fake"), ("rule", "fake_two")]
    fights = [{"algorithm": {}, "env": {"scenario": "bio", "fight": {"n_agents": n}}} for n in (3, 4)]
    assert len(group_runs_by_config([run_row(plan, 1, config=each, scenario="bio") for each in fights])) == 2


@pytest.fixture
def study(compare: Compare, tmp_path: Path, printed: Printed) -> list[str]:
    """Flags that name a study with two runs of the rule."""
    assert compare("--algos", "rule", "--seeds", "2", "--env-steps", "200", "--study", "s") == ALL_DONE
    printed()
    return ["--storage", f"sqlite:///{tmp_path}/s.db", "--study", "s"]


def test_from_the_database(study: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "runs.json"
    assert main([*study, "--format", "marl-eval", "--out", str(out)]) == ALL_DONE
    assert layout_faults(json.loads(out.read_text())) == []
    assert capsys.readouterr().err == f"written: {out}\n"
    texts = {}
    for form in ("csv", "markdown", "json"):
        assert main([*study, "--format", form]) == ALL_DONE
        texts[form] = capsys.readouterr().out
    (row,) = rows_of(texts["csv"])
    assert (row["algorithm"], row["seeds"]) == ("rule", "0 1")
    written = tmp_path / "runs" / "s"
    assert texts["csv"].splitlines() == (written / "table.csv").read_text().splitlines()
    assert texts["markdown"].splitlines()[2:] == (written / "table.md").read_text().splitlines()[2:]
    assert json.loads(texts["json"])["curves"] == json.loads((written / "table.json").read_text())["curves"] != []


def test_compare_for_machines(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("--algos", "rule", "--env-steps", "200", "--json") == ALL_DONE
    output = capsys.readouterr()
    assert json.loads(output.out)["rows"][0]["algorithm"] == "rule"
    assert "written: " in output.err


MISTAKES = {
    ("--study", "t"): "unknown study 't'; known: s. It is looked for in sqlite:///",
    ("--algos", "rul"): "unknown algorithm of study s 'rul'; did you mean rule",
    ("--scenarios", "fak"): "unknown scenario of study s 'fak'; did you mean fake",
    ("--format", "xml"): "invalid choice: 'xml'",
    ("--out", "/proc/here/runs.csv"): "--out /proc/here/runs.csv cannot be written to",
    ("--out", "table.parquet"): "--format csv is written as text; Parquet is for runs, curves, battles",
}


def test_mistakes(study: list[str], error_of: ErrorOf) -> None:
    for flags, message in MISTAKES.items():
        assert message in error_of(main, *study, "--format", "csv", *flags)


def test_from_a_file_that_may_not_be_written(tmp_path: Path, printed: Printed) -> None:
    make(tmp_path / "studies.db")
    with protected(tmp_path / "studies.db", 0o555, 0o444) as path:
        assert main(["--storage", f"sqlite:///{path}", "--study", "compare", "--format", "csv"]) == ALL_DONE
    assert printed().splitlines()[1].startswith("k24,terran_5_vs_5,1,")


def test_runs_without_a_result_hide_none_that_has_one(study: list[str], compare: Compare, printed: Printed) -> None:
    """A run with other settings that failed gives the algorithm a digest; both are exported under theirs."""
    flags = ("--algos", "rule", "--env-steps", "200", "--study", "s", "--set", "rule.fail_at=100")
    assert compare(*flags) == SOME_MISSING
    printed()
    assert main([*study, "--format", "runs"]) == ALL_DONE
    runs = rows_of(printed())
    assert sorted((run["state"], run["seed"]) for run in runs) == [
        ("failed", "0"),
        ("finished", "0"),
        ("finished", "1"),
    ]
    assert all(re.fullmatch(r"rule@[0-9a-f]{6}", run["algorithm"]) for run in runs)
    assert {run["throughput"] for run in runs if run["state"] == "failed"} == {""}
    (name,) = {run["algorithm"] for run in runs if run["state"] == "finished"}
    for flags in ([], ["--algos", name]):
        assert main([*study, "--format", "battles", *flags]) == ALL_DONE
        assert {(row["algorithm"], row["seed"]) for row in rows_of(printed())} == {(name, "0"), (name, "1")}


def test_throughput_is_that_measured_in_turn(study: list[str], printed: Printed) -> None:
    assert main([*study, "--format", "runs"]) == ALL_DONE
    runs = rows_of(printed())
    with StudyReader.open(study[1], "s") as reader:
        in_turn = [row.in_turn.decisions_per_second if row.in_turn else None for row in reader.rows()]
    assert [float(row["throughput"]) if row["throughput"] else None for row in runs] == in_turn
