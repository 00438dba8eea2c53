"""The command from flags to file, for a policy by name and for a trained run; every mistake in one line."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import envs
from harness.cli.common import ALL_DONE, parse_flags
from harness.compare import main as compare_main
from harness.flags.play import watch_parser
from harness.policies.trained import read_policy_file
from harness.runs.checkpoint import save_policy
from harness.watch import agents, main, scripted_policy
from tests.harness.conftest import Compare, ErrorOf, Printed
from tests.harness.fake_policy import content_of, untrained_policy

SHORT = "show_1_vs_1"


@pytest.fixture(autouse=True)
def _short() -> None:
    """A fight that a few steps end."""
    if SHORT not in envs.ids():
        fight = envs.Scenario(race="zerg", n_agents=2, n_enemies=2, unit_types=("zergling",), episode_limit=5)
        envs.register(SHORT, scenario=fight)


def watch(*flags: str) -> int:
    """The command on the short fight, pictures as small as they can be."""
    return main(["--size", "240", *flags])


def test_gif_of_two_battles(tmp_path: Path, printed: Printed) -> None:
    path = tmp_path / "videos" / "fight.gif"
    flags = ["--scenario", SHORT, "--policy", "random", "--episodes", "2", "--every", "4", "--out", str(path)]
    assert watch(*flags) == ALL_DONE
    said = printed()
    assert len([line for line in said.splitlines() if line.startswith("battle ")]) == 2
    assert f"written: {path} (" in said
    with Image.open(path) as video:
        assert video.size == (240, 274)
        assert video.n_frames > 10  # type: ignore[attr-defined]


def test_a_scenario_by_another_spelling() -> None:
    env, _, _ = scripted_policy(parse_flags(watch_parser, ["--scenario", "3s6z"]))
    assert env.spec.id == "3s5z_vs_3s6z"


def test_help_lists_policies_and_worlds_that_can_be_drawn() -> None:
    offered = watch_parser().format_help()
    assert all(name in offered for name in ("  random", "  terran_5_vs_5", "  bane_vs_hM", ".mp4 or .gif"))
    assert "mpe2" not in offered


def test_pictures_of_every_tick(tmp_path: Path) -> None:
    """Five env_steps of 8 ticks, the beginning, and a second of the end; the same command makes the same pictures."""
    videos = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.mp4"
        assert watch("--scenario", SHORT, "--fov", "all", "--speed", "2", "--out", str(path)) == ALL_DONE
        with av.open(str(path)) as video:
            assert video.streams.video[0].average_rate == 32
            videos.append([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])
    assert 1 + 8 + 32 <= len(videos[0]) <= 1 + 5 * 8 + 32
    assert np.array_equal(videos[0], videos[1])
    assert not np.array_equal(videos[0][0], videos[0][-1])


def test_a_trained_run(tmp_path: Path, error_of: ErrorOf) -> None:
    """By its folder and by its trial; greedy, in the world that it was trained in."""
    runs, storage = str(tmp_path / "runs"), f"sqlite:///{tmp_path}/s.db"
    trained = ["--algos", "qmix", "--scenarios", SHORT, "--set", "env.conic_fov=true", "--study", "t"]
    small = ["--budget", "smoke", "--env-steps", "64", "--device", "cpu", "--out", runs, "--storage", storage]
    assert compare_main([*trained, *small]) == ALL_DONE
    (folder,) = (tmp_path / "runs" / "t").glob("qmix-*")
    run = read_policy_file(folder)
    assert (run.algorithm, run.scenario, run.env_options["conic_fov"]) == ("qmix", SHORT, True)
    assert run.label == "qmix, 64 env steps"
    videos = []
    for name in (str(folder), "0"):
        path = tmp_path / "video.gif"
        where = ["--study", "t", "--storage", storage, "--runs", runs]
        assert watch("--run", name, *where, "--every", "8", "--out", str(path)) == ALL_DONE
        videos.append(path.read_bytes())
    assert videos[0] == videos[1]
    error = error_of(main, "--run", "7", *where, "--out", str(path))
    assert f"study t has no finished trial of that number; it has 0 (qmix {SHORT}); another study: --study" in error


def test_a_checkpoint_of_another_version_is_kept(tmp_path: Path, error_of: ErrorOf) -> None:
    path, gif, whole = tmp_path / "policy.pt", str(tmp_path / "a.gif"), content_of(untrained_policy("qmix", SHORT))
    for changed, says in (
        ({"algorithm": {"name": "qmix", "no_such": 1}}, f"checkpoint {path} does not fit this program (TypeError"),
        ({"algorithm": {"name": "nobody"}}, "algorithm nobody is not registered here; name the file that does"),
        ({"env": {"scenario": "nowhere", "fight": {}}}, "scenario nowhere is not registered here"),
        ({"env": {"scenario": SHORT, "no_such": 1}}, "does not fit this program's world (ValueError"),
    ):
        save_policy(path, {**whole, "identity": {**whole["identity"], **changed}})
        assert says in error_of(main, "--run", str(tmp_path), "--out", gif)
    save_policy(path, {"algorithm": {}})
    says = f"policy {path} cannot be used: identity is missing"
    assert says in error_of(main, "--run", str(path), "--out", gif)


def test_a_folder_of_runs_is_listed(compare: Compare, tmp_path: Path, error_of: ErrorOf) -> None:
    assert compare("--algos", "rule", "--study", "t", "--env-steps", "64") == ALL_DONE
    (folder,) = (tmp_path / "runs" / "t").glob("rule-*")
    for run, says in (
        (tmp_path / "runs", f"no policy.pt there; runs below it: {folder}"),
        (folder, "fake is not played by the built-in engine, whose battles alone can be drawn"),
    ):
        assert says in error_of(main, "--run", str(run), "--out", str(tmp_path / "a.gif"))


MISTAKES = [
    (["--out", "a.avi"], "--out a.avi: .avi is no video format of ours; use .mp4 or .gif"),
    (["--backend", "sc2"], "--backend sc2 cannot be watched: pictures are drawn from the built-in engine's own record"),
    (["--scenario", "teran_5_vs_5"], "unknown scenario 'teran_5_vs_5'; did you mean terran_5_vs_5"),
    (["--policy", "randon"], "unknown policy 'randon': did you mean random"),
    (["--episodes", "0"], "--episodes is 0, it must be at least 1"),
    (["--every", "0"], "--every is 0, it must be at least 1"),
    (["--speed", "0"], "--speed is 0.0, it must be 0.01 to 1000; 1 is the game's own"),
    (["--size", "30"], "size is 30 pixels, it must be at least 240"),
    (["--fov", "me"], "--fov 'me': give agents' numbers (--fov 0,2), all, or none"),
    (["--fov", "2"], "fields_of_view names agent 2; show_1_vs_1 has agents 0 to 1"),
    (["--set", "qmix.lr=1"], "--set qmix.lr: only the world has settings here: --set env.KEY=VALUE"),
    (["--set", "env.rules=2022"], "option rules is '2022', allowed: 2024, 2023"),
    (["--run", "nowhere"], "--run nowhere: no policy.pt there; a run's folder looks like runs/compare-quick/k24-"),
    (["--run", "3"], "--run 3 names a trial, but there is no database"),
    (["--policys", "random"], "unrecognized arguments: --policys random; all flags: python -m harness.watch --help"),
]


@pytest.mark.parametrize(("flags", "says"), MISTAKES, ids=[" ".join(flags) for flags, _ in MISTAKES])
def test_mistakes(
    flags: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error_of: ErrorOf
) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = [] if {"--scenario", "--run"} & set(flags) else ["--scenario", SHORT]
    assert says in error_of(main, "--out", "a.gif", *scenario, *flags)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flag", [["--scenario", SHORT], ["--policy", "random"], ["--set", "env.rules=2023"]])
def test_a_run_brings_its_own_world(flag: list[str], tmp_path: Path, error_of: ErrorOf) -> None:
    error = error_of(main, "--run", "x", *flag, "--out", str(tmp_path / "a.gif"))
    assert f"{flag[0]}: --run plays a trained policy in the world of its training" in error


def test_agents() -> None:
    assert [agents(text, 3) for text in ("all", "none", "2,0")] == [(0, 1, 2), (), (2, 0)]
