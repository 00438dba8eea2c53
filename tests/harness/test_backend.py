"""``--backend sc2`` from the command line to the run: with a fake game, since the road is what is tested here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import envs.registry
from algorithms.replay.replay import EpisodeReplay
from harness import baselines as scripted
from harness.cli.common import ALL_DONE, INTERRUPTED
from harness.cli.errors import UsageError
from harness.cli.overrides import parse_setting
from harness.compare import main
from harness.flags.compare import read_flags
from harness.policies import scripted as policies
from harness.runs.budget import BUDGETS
from harness.runs.plan import RunPlan
from harness.runs.rollout import Rollout
from tests.harness.conftest import ErrorOf, Printed, ctrl_c_at
from tests.harness.fake_algorithm import rule
from tests.harness.fake_env import FakeEnv
from tests.harness.fake_request import plans_for
from tests.sc2.fake_game import use_fake


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_fake(monkeypatch, tmp_path)


def planned(**changed: object) -> RunPlan:
    """A run of QMIX in the game."""
    (plan,) = plans_for(**dict(algorithms=("qmix",), scenarios=("3m",), backend="sc2") | changed)
    return plan


def command(tmp_path: Path, *flags: str) -> list[str]:
    """A short comparison in the game."""
    what = ["--backend", "sc2", "--scenarios", "3m", "--algos", "qmix", "--budget", "smoke", "--device", "cpu"]
    return [*what, "--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "runs"), *flags]


def test_fewer_games_than_built_in_battles() -> None:
    given = read_flags(["--backend", "sc2"])
    assert (given.num_envs, given.budget.test_slots, given.study) == (4, 4, "compare-sc2-quick")
    assert read_flags([]).num_envs == 8
    assert read_flags(["--backend", "sc2", "--num-envs", "3"]).budget.test_slots == 2, "3 does not divide 32 battles"
    assert BUDGETS["quick"].with_slots(100).test_slots == 32


def test_a_run_on_the_game_is_another_run() -> None:
    here, there = (planned(scenarios=("terran_5_vs_5",), backend=backend) for backend in ("battle", "sc2"))
    assert "backend" not in here.identity()["env"], "runs of before keep their identity"
    assert (there.identity()["env"]["backend"], there.identity()["env"]["game"]) == ("sc2", "StarCraft II")
    assert here.key.config_hash != there.key.config_hash
    assert there.label == "qmix terran_5_vs_5 on sc2 seed 0"


def test_a_worker_plays_what_was_planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plan = planned()
    job = json.loads(json.dumps(plan.to_json()))
    assert RunPlan.from_json(job) == plan
    monkeypatch.setenv("SC2PATH", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="qmix 3m on sc2 seed 0: StarCraft II is not in"):
        RunPlan.from_json(job)


def test_patience_is_no_part_of_a_run() -> None:
    patient = planned(settings=(parse_setting("env.step_timeout=500"),))
    assert patient.key == planned().key
    assert patient.env_options.step_timeout == 500


def test_results_of_the_stand_in_are_not_taken_for_the_games(tmp_path: Path) -> None:
    (tmp_path / "game" / "STAND-IN.txt").write_text("")
    assert planned().identity()["env"]["game"] == "stand-in"


def test_what_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error_of: ErrorOf) -> None:
    monkeypatch.setenv("SC2PATH", str(tmp_path / "nothing"))
    error = error_of(main, *command(tmp_path))
    assert error.startswith("error: StarCraft II is not in")
    assert "next: unpack version 4.10" in error
    assert not (tmp_path / "s.db").exists()


def test_compare_plays_the_game(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, printed: Printed) -> None:
    """Every game breaks down in its thirteenth battle: in the final evaluation that is reported and no loss."""
    monkeypatch.setenv("FAKE_SC2", "crash:12:2")
    flags = ["--num-envs", "1", "--env-steps", "24", "--set", "env.backoff=0.01", "--set", "qmix.batch_size=2"]
    assert main(command(tmp_path, *flags)) == ALL_DONE
    said = printed()
    assert "battles are played by StarCraft II in " in said
    (table,) = (tmp_path / "runs").rglob("table.json")
    (row,) = json.loads(table.read_text())["rows"]
    assert row["aborted"] == 1
    assert "qmix on 3m: 1 evaluation battles aborted and are not counted" in said


def test_a_stopped_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, printed: Printed) -> None:
    """Stopped in the middle of battles; all episodes that are learned from are whole ones of four steps."""
    lengths, insert = [], EpisodeReplay.insert

    def watched(self: EpisodeReplay, episode: Any) -> None:
        lengths.append(len(episode.actions))
        insert(self, episode)

    words = command(tmp_path, "--num-envs", "2", "--env-steps", "40")
    with monkeypatch.context() as patch:
        patch.setattr(EpisodeReplay, "insert", watched)
        with ctrl_c_at(20):
            assert main(words) == INTERRUPTED
        assert len(lengths) == 4
        assert main(words) == ALL_DONE
    assert "resumes at 20 env steps, its replay of 4 episodes included" in printed()
    assert lengths == [4] * 8


def test_a_battle_that_was_lost_with_its_game_is_dropped() -> None:
    """A world that cannot be saved begins another battle; what was seen of the old one is no part of it."""
    env = FakeEnv(4, 0)
    env.reset()
    rollout = Rollout(env, rule(env))
    for _ in range(2):
        assert not rollout.step()
    saved = rollout.state_dict()
    other = FakeEnv(4, 0)
    other.reset()
    other.battle_id[1:] += 5
    for slot in range(1, 4):
        other._start(slot)
    other.t[0], other.right[0] = env.t[0], env.right[0]
    other._show(0)
    resumed = Rollout(other, rule(other))
    resumed.load_state_dict(saved)
    seen: dict[int, int] = {}
    while len(seen) < 4:
        battles = other.battle_id.copy()
        episodes = [(len(episode.actions), int(episode.obs[0, 0, 6])) for episode in resumed.step()]
        slots = np.flatnonzero(other.terminated | other.truncated)
        for slot, (length, first) in zip(slots.tolist(), episodes, strict=True):
            assert first == 0, "an episode begins at its battle's beginning"
            if slot not in seen:
                assert battles[slot] == (0 if slot == 0 else 5)
                seen[slot] = length


def test_policies_on_the_game(tmp_path: Path) -> None:
    missing = {policy: policies.missing(policy, "3m", "sc2") for policy in policies.ids()}
    assert missing == {"random": [], "nearest": ["the built-in engine"], "nearest-free": []}
    flags = ["--backend", "sc2", "--scenarios", "3m", "--battles", "2", "--out", str(tmp_path / "s.csv")]
    assert scripted.main(flags) == ALL_DONE
    text = (tmp_path / "s.csv").read_text()
    assert "3m,random,2,0,1.0" in text, "two games, and each one's first battle is won"
    assert "3m,nearest-free,2,0,1.0" in text
    with pytest.raises(UsageError, match="policy nearest needs the built-in engine"):
        policies.check_plays("nearest", "3m", "sc2")


def test_only_published_scenarios_without_being_named() -> None:
    played = [id for id in envs.registry.ids() if scripted.is_played(id, "sc2")]
    assert len(played) == 30 + 23
    assert "1o_2r_vs_4r" not in played
