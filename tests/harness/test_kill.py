"""``kill -9`` in the middle of a run: the same command goes on from the checkpoint and repeats nothing.

The fight is a map of a user's own, registered by a file outside the package.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from studies.store import StudyStore

ROOT = Path(__file__).parents[2]
MAP = """
import envs

envs.register(
    "three_marines",
    scenario=envs.Scenario(race="terran", n_agents=3, n_enemies=3, unit_types=("marine",), episode_limit=40),
    summary="three marines against three",
)
"""


def command(tmp_path: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "harness.compare", "--import", str(tmp_path / "my_map.py")),
        *("--scenarios", "three_marines", "--algos", "qmix", "--budget", "smoke", "--env-steps", "4000"),
        *("--report", "none"),
        *("--device", "cpu", "--storage", f"sqlite:///{tmp_path}/s.db", "--out", str(tmp_path / "runs")),
    ]


def test_killed_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "my_map.py").write_text(MAP)
    killed = subprocess.Popen(command(tmp_path), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 300  # the engine may have to be compiled first
        while not list(tmp_path.glob("runs/*/*/checkpoint.pt")):
            assert killed.poll() is None, killed.communicate()[1].decode()
            assert time.monotonic() < until, "no checkpoint was written"
            time.sleep(0.002)
    finally:
        killed.kill()
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL, "the run must be killed before it ends"

    again = subprocess.run(command(tmp_path), cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "qmix three_marines seed 0: resumes at " in again.stdout
    with StudyStore.open(f"sqlite:///{tmp_path}/s.db", "compare-smoke-4000-steps") as store:
        (row,) = store.rows()
        steps = [point.env_steps for point in store.curve_points(row.run_id)]
    assert steps == [0, 1000, 2000, 3000, 4000]
    assert row.env_steps == 4000
    assert row.trial_number == 0, "the killed run's trial was taken up, not doubled"
