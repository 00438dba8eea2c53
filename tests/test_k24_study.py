"""The study's driver: every arm is a valid run, a stage resumes, and its files say what the study holds."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.study import k24, stages
from benchmarks.study.stages import STAGES, Arm, Stage, against
from harness.flags.compare import read_flags
from harness.flags.planning import plan_runs
from harness.results.comparisons import PairwiseComparison
from harness.stats import IntervalKind
from studies.store import StudyStore

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
    choosing = {seed for name in ("choose", "races", "again") for seed in STAGES[name].seeds}
    judging = {seed for name, stage in STAGES.items() if name not in ("choose", "races", "again") for seed in stage.seeds}
    assert not choosing & judging
    assert not (choosing | judging) & {0, 1, 2}
    assert len(STAGES["choose"].arms) == 14, "twelve, and qmix and kalei for the scale"


def test_a_stage_is_made_resumed_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(STAGES, "tiny", TINY)
    asked = ["tiny", "--storage", f"sqlite:///{tmp_path}/study.db", "--out", str(tmp_path / "results")]
    assert k24.main([*asked, "--seeds", "0"]) == 0
    table = (tmp_path / "results" / "k24_tiny.md").read_text()
    assert "stage tiny: INCOMPLETE: 2 of 4 runs" in table
    assert k24.main(asked) == 0
    assert capsys.readouterr().out.count("already finished; skipped") == 2
    table = (tmp_path / "results" / "k24_tiny.md").read_text()
    assert "stage tiny: complete" in table
    assert "| search − qmix | 3m | " in table
    with (tmp_path / "results" / "k24_tiny.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["arm"], row["seed"]) for row in rows] == [
        ("search", "0"),
        ("qmix", "0"),
        ("search", "1"),
        ("qmix", "1"),
    ]
    for row in rows:
        assert int(row["wins"]) / int(row["battles"]) == pytest.approx(float(row["win_rate"]), abs=1e-4)
        assert f"{row['seed']}: {float(row['win_rate']):.3f}" in table
    with Image.open(tmp_path / "results" / "k24_tiny.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 50
    with (tmp_path / "results" / "k24_tiny_masks.csv").open() as file:
        points = list(csv.DictReader(file))
    assert {float(point["energy_best"]) for point in points if point["arm"] == "search"}
    assert {point["energy_best"] for point in points if point["arm"] == "qmix"} == {""}
    assert {point["state"] for point in points} == {"finished"}


def test_a_run_under_way_is_no_result_but_its_search_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(STAGES, "tiny", TINY)
    storage = f"sqlite:///{tmp_path}/study.db"
    (plan,), _ = plan_runs(read_flags(next(k24.runs_of(TINY, storage)).argv))
    with StudyStore.open(storage, k24.STUDY) as store:
        run = store.begin(plan.key, config=plan.identity(), provenance={})
        run.curve(
            env_steps=100,
            win_rate=0.25,
            return_mean=1.0,
            episodes=8,
            loss=None,
            epsilon=1.0,
            wall_seconds=1.0,
            extra={"energy_best": 0.8},
        )
        assert k24.main(["tiny", "--storage", storage, "--out", str(tmp_path), "--report-only"]) == 0
    assert "INCOMPLETE: 0 of 4 runs" in capsys.readouterr().out
    (point,) = csv.DictReader((tmp_path / "k24_tiny_masks.csv").read_text().splitlines())
    assert (point["arm"], point["state"], point["env_steps"], point["energy_best"]) == (
        "search",
        "unfinished",
        "100",
        "0.8",
    )


def test_a_difference_is_turned_round_where_the_pair_is() -> None:
    found = PairwiseComparison(
        algorithm="a",
        baseline="b",
        scenario="3m",
        seeds=(1, 2),
        measure="win rate",
        difference=0.1,
        low=-0.2,
        high=0.4,
        kind=IntervalKind.PAIRED_OVER_SEEDS,
        verdict="",
    )
    assert (
        k24.difference_row(("a", "b"), found)
        == f"| a − b | 3m | +0.100 [-0.200, +0.400] | 1, 2 | {IntervalKind.PAIRED_OVER_SEEDS} |"
    )
    assert (
        k24.difference_row(("b", "a"), found)
        == f"| b − a | 3m | -0.100 [-0.400, +0.200] | 1, 2 | {IntervalKind.PAIRED_OVER_SEEDS} |"
    )
    assert k24.difference_row(("a", "c"), found) == ""


def test_the_races_wait_for_the_choice(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/none.db"
    with pytest.raises(SystemExit, match="races takes the best candidates of choose: There is no database"):
        k24.main(["races", "--storage", storage, "--list"])
    StudyStore.open(storage, k24.STUDY).close()
    with pytest.raises(SystemExit, match="choose lacks 27 runs of candidates; make them first, or name arms"):
        k24.main(["races", "--storage", storage, "--list"])
    with pytest.raises(SystemExit, match="no arm 1\\+7 in races; there are: 1\\+2; "):
        k24.main(["races", "--storage", storage, "--arms", "1+7"])
