"""The programs in examples/ run as they stand, each where its library is installed (extra ``ecosystem``)."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAINED = r"^trained for 1536 steps .*, 12 at a time$"
RUNS = {
    "torchrl_rollout.py": (("torchrl",), ["--steps", "150"], r"^150 steps, return of the team \d+\.\d\d"),
    "sb3_ppo.py": (("supersuit", "stable_baselines3"), ["--steps", "1500"], TRAINED),
    "sb3_maskable_ppo.py": (("supersuit", "sb3_contrib"), ["--steps", "1500"], TRAINED),
    "gymnasium_maskable_ppo.py": (("sb3_contrib",), ["--steps", "500"], r"^trained for 512 steps$"),
    "tianshou_collect.py": (("tianshou",), ["--episodes", "4", "--battles", "2"], r"^4 battles, \d+ actions"),
}


@pytest.mark.parametrize("name", RUNS)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    packages, flags, says = RUNS[name]
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed; pip install -e '.[ecosystem]'")
    result = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *flags],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    assert re.search(says, result.stdout, re.M), result.stdout


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(RUNS)
