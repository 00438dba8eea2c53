"""A run that is stopped or killed and goes on is, bit for bit, the run that nobody stopped."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.cli.common import ALL_DONE
from harness.runs.checkpoint import REPLAY_LIMIT, holds_replay, load_checkpoint
from tests.harness.conftest import Compare, Interrupt, Printed, runs_of

ROOT = Path(__file__).parents[3]
TIMES = {"seconds", "wall_seconds"}


def differences(a: Any, b: Any, at: str = "") -> list[str]:
    """Where two nested states differ; seconds apart."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), at
        return [d for key in a if key not in TIMES for d in differences(a[key], b[key], f"{at}/{key}")]
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b), at
        return [d for i, (x, y) in enumerate(zip(a, b, strict=True)) for d in differences(x, y, f"{at}/{i}")]
    same = np.array_equal(a, b) if isinstance(a, (np.ndarray, torch.Tensor)) else a == b
    return [] if same else [at]


def final_state(out: Path, study: str) -> dict[str, Any]:
    (path,) = (out / study).glob("*/resume.pt")
    saved = load_checkpoint(path)
    assert saved is not None
    return {part: saved[part] for part in ("counters", "algorithm", "experience", "env", "rollout")}


def curve(database: Path, study: str) -> list[Any]:
    ((row, points),) = runs_of(f"sqlite:///{database}", study)
    return [[dataclasses.replace(point, wall_seconds=0.0) for point in points], row.win_rate, row.details["resumes"]]


def unlike(folder: Path) -> list[str]:
    """Where the last states of the run in two studies differ, the whole one and the one in parts."""
    return differences(*(final_state(folder / "runs", study) for study in ("whole", "parts")))


@pytest.mark.parametrize("id", ["qmix", "kalei", "k24-described", "mappo"])
def test_stopped_twice(compare: Compare, interrupt: Interrupt, tmp_path: Path, id: str) -> None:
    """In the middle of battles, before and after the replay is full, K24's masks being frozen in between."""
    # 800 env_steps give about 170 battles; resets fall into the run as well
    run = ("--algos", id, "--env-steps", "800", "--set", f"{id}.rnn_hidden_dim=16")
    run += ("--set", f"{id}.buffer_size=90") if id != "mappo" else ()
    assert compare(*run, "--study", "whole") == ALL_DONE
    for env_steps in (240, 648):
        interrupt(env_steps, *run, "--study", "parts")
    assert compare(*run, "--study", "parts") == ALL_DONE
    assert final_state(tmp_path / "runs", "whole")["counters"]["updates"] > 20
    assert unlike(tmp_path) == []
    assert curve(tmp_path / "s.db", "whole") == curve(tmp_path / "s.db", "parts")


def test_without_the_replay_it_is_another_run(compare: Compare, interrupt: Interrupt, tmp_path: Path) -> None:
    """So the comparison above can tell."""
    run = ("--algos", "qmix", "--env-steps", "400", "--set", "qmix.rnn_hidden_dim=8", "--checkpoint-replay", "no")
    assert compare(*run, "--study", "whole") == ALL_DONE
    interrupt(240, *run, "--study", "parts")
    assert compare(*run, "--study", "parts") == ALL_DONE
    assert "/algorithm/net/fc1.weight" in unlike(tmp_path)


def test_by_default_a_replay_is_saved_up_to_a_limit() -> None:
    asked = [("auto", REPLAY_LIMIT), ("auto", REPLAY_LIMIT + 1), ("yes", 10 * REPLAY_LIMIT), ("no", 0)]
    assert [holds_replay(wish, size) for wish, size in asked] == [True, False, True, False]


MAP = """
import envs

if "three_marines" not in envs.ids():
    fight = envs.Scenario(race="terran", n_agents=3, n_enemies=3, unit_types=("marine",), episode_limit=40)
    envs.register("three_marines", scenario=fight, summary="three marines against three")
"""


def in_a_process_of_its_own(out: Path, flags: tuple[str, ...]) -> subprocess.Popen[bytes]:
    (out / "my_map.py").write_text(MAP)
    own = ["--import", f"{out}/my_map.py", "--storage", f"sqlite:///{out}/s.db", "--out", f"{out}/runs"]
    rest = ["--budget", "smoke", "--device", "cpu", "--report", "none"]
    command = [sys.executable, "-m", "harness.compare", *flags, *own, *rest]
    # sums are split over threads: the same bits need as many there as other tests have left to this process
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, **threads})


def test_killed_in_real_battles(compare: Compare, tmp_path: Path, printed: Printed) -> None:
    """``kill -9``; the battles under way, on a map of a user's own, go on from the engine's own state."""
    exec(MAP)
    run = ("--scenarios", "three_marines", "--algos", "k24", "--env-steps", "4000", "--study")
    killed = in_a_process_of_its_own(tmp_path, (*run, "parts"))
    try:
        until = time.monotonic() + 120
        while not list(tmp_path.glob("runs/parts/*/resume.pt")):
            assert killed.poll() is None
            assert time.monotonic() < until, "no checkpoint was written"
            time.sleep(0.002)
    finally:
        killed.kill()
    assert killed.wait() == -signal.SIGKILL, "the run must be killed before it ends"
    assert compare(*run, "parts") == ALL_DONE
    said = printed()
    assert "k24 three_marines seed 0: resumes at " in said
    assert "episodes included" in said
    assert compare(*run, "whole") == ALL_DONE
    assert unlike(tmp_path) == []
    assert curve(tmp_path / "s.db", "whole") == curve(tmp_path / "s.db", "parts")
    ((row, points),) = runs_of(f"sqlite:///{tmp_path}/s.db", "parts")
    assert [point.env_steps for point in points] == [0, 1000, 2000, 3000, 4000]
    assert row.trial_number == 0, "the killed run's trial was taken up, not doubled"
