"""The study's driver: every arm is a valid run, a stage resumes, and its files say what the study holds."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.study import k24, pooled, stages
from benchmarks.study.figure import draw_stage
from benchmarks.study.files import FinishedRun, read_points, read_runs, write_runs
from benchmarks.study.stages import STAGES, Arm, Stage, against
from benchmarks.study.table import describe, difference
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.stats.interval import IntervalKind
from studies.store import StudyStore
from tests.conftest import Printed
from tests.studies.sample import evaluate

TINY = Stage(
    name="tiny",
    arms=(
        Arm(label="search", algorithm="k24", settings=(*stages.LEAN, "rnn_hidden_dim=8"), candidate=True),
        Arm(label="qmix", algorithm="qmix", settings=("rnn_hidden_dim=8",)),
    ),
    scenarios=("3m",),
    seeds=(0, 1),
    env_steps=400,
    pairs=against("qmix", "search"),
    budget="smoke",
)


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.parametrize("name", STAGES)
def test_every_run_of_every_stage_is_one_plan_of_its_own(name: str) -> None:
    stage = dataclasses.replace(STAGES[name], seeds=STAGES[name].seeds[:1])
    keys = []
    for run in k24.runs_of(stage, "sqlite:///x.db"):
        (plan,), _ = plan_runs(read_flags(run.argv))
        assert (plan.scenario, plan.seed, plan.budget.env_steps) == (run.scenario, run.seed, stage.env_steps)
        keys.append(plan.key)
    assert len(set(keys)) == len(keys) == len(stage.arms) * len(stage.scenarios)
    labels = {arm.label for arm in stage.arms}
    assert {label for pair in stage.pairs for label in pair} <= labels


def test_choosing_and_judging_share_no_seed_and_choosing_has_a_dozen_arms() -> None:
    first = {"choose", "races", "again"}
    choosing, judging = (
        {seed for name in names for seed in STAGES[name].seeds} for names in (first, {*STAGES} - first)
    )
    assert not choosing & judging
    assert not (choosing | judging) & {0, 1, 2}
    assert len(STAGES["choose"].arms) == 14, "twelve, and qmix and kalei for the scale"


def test_a_stage_is_made_resumed_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(STAGES, "tiny", TINY)
    asked = ["tiny", "--storage", f"sqlite:///{tmp_path}/study.db", "--out", str(tmp_path / "results")]
    assert k24.main([*asked, "--seeds", "0"]) == 0
    table = (tmp_path / "results" / "k24_tiny.md").read_text()
    assert "stage tiny: INCOMPLETE: 2 of 4 runs" in table
    assert k24.main(asked) == 0
    assert printed().count("already finished; skipped") == 2
    table = (tmp_path / "results" / "k24_tiny.md").read_text()
    assert "stage tiny: complete" in table
    assert "| search − qmix | 3m | " in table
    rows = read_csv(tmp_path / "results" / "k24_tiny.csv")
    assert [(row["arm"], row["seed"]) for row in rows] == [(arm, seed) for seed in "01" for arm in ("search", "qmix")]
    for row in rows:
        assert int(row["wins"]) / int(row["battles"]) == pytest.approx(float(row["win_rate"]), abs=1e-4)
        assert f"{row['seed']}: {float(row['win_rate']):.3f}" in table
    with Image.open(tmp_path / "results" / "k24_tiny.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 50
    points = read_csv(tmp_path / "results" / "k24_tiny_masks.csv")
    assert {float(point["energy_best"]) for point in points if point["arm"] == "search"}
    assert {point["energy_best"] for point in points if point["arm"] == "qmix"} == {""}
    assert {point["state"] for point in points} == {"finished"}


def test_a_run_under_way_is_no_result_but_its_search_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    monkeypatch.setitem(STAGES, "tiny", TINY)
    storage = f"sqlite:///{tmp_path}/study.db"
    (plan,), _ = plan_runs(read_flags(next(k24.runs_of(TINY, storage)).argv))
    with StudyStore.open(storage, k24.STUDY) as store:
        run = store.begin(plan.key, config=plan.identity(), provenance={})
        evaluate(run, 100, extra={"energy_best": 0.8})
        k24.update_files(TINY, storage, tmp_path)
    assert k24.main(["tiny", "--out", str(tmp_path), "--report-only"]) == 0
    assert "INCOMPLETE: 0 of 4 runs" in printed()
    (point,) = read_csv(tmp_path / "k24_tiny_masks.csv")
    shown = [point[name] for name in ("arm", "state", "env_steps", "energy_best")]
    assert shown == ["search", "unfinished", "100", "0.8"]


def finished(arm: str, seed: int, wins: int, scenario: str = "3m") -> FinishedRun:
    place = dict(arm=arm, settings="", scenario=scenario, seed=seed, env_steps=400, resumes=0, commit="abc1234")
    won = dict(win_rate=wins / 1000, low=0.0, high=1.0, wins=wins, battles=1000, return_mean=1.0)
    return FinishedRun(**place, **won, sparsity_masked=0.5, flops_kept=0.8)


def test_runs_of_another_database_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "tiny", TINY)
    storage = f"sqlite:///{tmp_path}/study.db"
    StudyStore.open(storage, k24.STUDY).close()
    known = [finished("search", 0, 400), finished("qmix", 1, 300), finished("an arm that has gone", 1, 200)]
    write_runs(tmp_path / "k24_tiny.csv", known)
    k24.update_files(TINY, storage, tmp_path)
    assert list(read_runs(tmp_path / "k24_tiny.csv").values()) == known[:2]
    assert read_points(tmp_path / "k24_tiny_masks.csv") == {}
    assert k24.main(["tiny", "--out", str(tmp_path), "--report-only"]) == 0
    page = tmp_path / "k24_tiny.md"
    assert "stage tiny: INCOMPLETE: 2 of 4 runs" in page.read_text()
    with page.open("a") as file:
        file.write(f"{k24.WORDS}\nWritten by hand.\n")
    write_runs(tmp_path / "k24_tiny.csv", known[:1])
    assert k24.main(["tiny", "--out", str(tmp_path), "--report-only"]) == 0
    assert "INCOMPLETE: 1 of 4 runs" in page.read_text()
    assert page.read_text().endswith("\n\n## What it says\n\nWritten by hand.\n")


def test_differences_are_paired_by_seed() -> None:
    stage = dataclasses.replace(TINY, scenarios=("3m", "8m"), seeds=(0, 1, 2), pairs=(("qmix", "search"),))
    wins = {("search", "3m"): (100, 200, 300), ("qmix", "3m"): (110, 230, 320), ("search", "8m"): (50, 70)}
    wins["qmix", "8m"] = (40, 90)
    made = [finished(arm, seed, won, where) for (arm, where), each in wins.items() for seed, won in enumerate(each)]
    table = describe(stage, {run.place: run for run in made})
    # differences 0.01, 0.03, 0.02: mean 0.02, t with 2 degrees of freedom 4.303, 4.303 * 0.01 / 3 ** 0.5 = 0.025
    where = f"{IntervalKind.PAIRED_OVER_SEEDS} | 0: +0.010, 1: +0.030, 2: +0.020 |"
    assert f"| qmix − search | 3m | +0.020 [-0.005, +0.045] | {where}" in table
    # variances of the means: 0.0001 / 3 and 0.00045 / 2; Satterthwaite: 1.31 degrees of freedom
    assert "| qmix − search | 2 scenarios | +0.012 " in table
    assert "| 3, 2 seeds |" in table


def test_one_seed_has_a_difference_and_no_interval() -> None:
    stage = dataclasses.replace(TINY, seeds=(0,), pairs=(("qmix", "search"),))
    pair = finished("search", 0, 100), finished("qmix", 0, 150)
    table = describe(stage, {run.place: run for run in pair})
    assert f"| qmix − search | 3m | +0.050 | {IntervalKind.NONE_FOR_ONE_SEED} | 0: +0.050 |" in table
    assert difference([[pair, pair], [pair]]).kind == IntervalKind.NONE_FOR_ONE_SEED


def test_seeds_that_agree_by_chance_promise_no_more_than_their_battles() -> None:
    """Three differences of 0.1; over 3 × 1,000 battles at 0.5 and 0.6, 1.96 · (0.49 / 3,000) ** 0.5 is 0.025."""
    found = difference([[(finished("search", seed, 600), finished("qmix", seed, 500)) for seed in range(3)]])
    assert (found.low, found.estimate, found.high) == pytest.approx((0.075, 0.1, 0.125), abs=5e-4)


def test_numbers_over_several_stages_are_those_of_the_page(printed: Printed) -> None:
    """Every difference that is printed stands in the page, but for one that it gives without its interval."""
    pooled.main()
    page = (k24.OUT / "k24.md").read_text(encoding="utf-8")
    printed = re.findall(r"^\| (k24.*?) \| (\S+) \[(\S+), (\S+)\] \|$", printed(), flags=re.MULTILINE)
    assert len(printed) == 10
    for what, *numbers in printed:
        estimate, low, high = (number.replace("-", "−") for number in numbers)
        if "minus" in what:
            assert f"{estimate.lstrip('−')} points wider" in page
        else:
            assert f"{estimate} [{low}, {high}]" in page, what


def test_the_races_are_those_of_the_best_of_choose() -> None:
    runs = read_runs(k24.OUT / "k24_choose.csv").values()
    candidates = [arm.label for arm in STAGES["choose"].arms if arm.candidate]
    means = {label: fmean(run.win_rate for run in runs if run.arm == label) for label in candidates}
    assert [arm.label for arm in STAGES["races"].arms] == sorted(means, key=lambda label: -means[label])[:3]


def test_several_stages_are_listed(printed: Printed) -> None:
    assert k24.main(["alpha", "transfer", "--list"]) == 0
    lines = printed().splitlines()
    assert len(lines) == 3 * 10 + 3 * 3
    assert k24.main([k24.ALL, "--list", "--seeds", "30"]) == 0
    every = printed().splitlines()
    assert {line for line in lines if "--seeds 30," in line} <= set(every)
    assert len(every) == sum(len(s.arms) * len(s.scenarios) for s in STAGES.values() if 30 in s.seeds)


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--arms", "1+7", r"no arm in races: 1\+7; there are: 1\+2, no resets; "),
        ("--scenarios", "zerg", "no scenario in races: zerg; there are: terran_5_vs_5; "),
        ("--seeds", "0", "no seed in races: 0; there are: 10; 11; 12"),
    ],
)
def test_an_unknown_name_is_refused(option: str, name: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        k24.main(["races", "--list", option, name])


def test_a_part_of_a_stage_is_listed(printed: Printed) -> None:
    part = ["--arms", "qmix; k24", "--scenarios", "zerg_5_vs_5", "--seeds", "31,30"]
    assert k24.main(["judge", *part, "--list"]) == 0
    lines = printed().splitlines()
    places = [(line.split("--algos ")[1].split()[0], line.split("--seeds ")[1].split()[0]) for line in lines]
    assert places == [("qmix", "30,"), ("k24", "30,"), ("qmix", "31,"), ("k24", "31,")]
    assert all(" zerg_5_vs_5 " in line for line in lines)


def test_an_arm_has_its_own_row_in_every_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last scenario has runs of one arm only."""
    drawn: list[list[Axes]] = []

    def keep(path: Path, draw: Callable[[Figure], None], **_: object) -> None:
        figure = Figure()
        draw(figure)
        drawn.append(figure.axes)

    monkeypatch.setattr("benchmarks.study.figure.write_picture", keep)
    stage = dataclasses.replace(TINY, scenarios=("3m", "8m"))
    runs = [finished("search", 0, 100), finished("qmix", 0, 300), finished("qmix", 0, 200, "8m")]
    draw_stage(tmp_path / "x.png", stage, {run.place: run for run in runs}, {})
    assert [axes.yaxis.get_major_formatter().format_ticks([0, 1]) for axes in drawn[0]] == [["qmix", "search"]] * 2
    heights = [{line.get_ydata()[0] for line in axes.lines if line.get_marker() != "."} for axes in drawn[0]]
    assert heights == [{0, 1}, {0}]
