"""The programs in examples/ run as they stand, each where its library is installed (extra ``ecosystem``)."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.programs import ROOT, output_of

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
    printed = output_of(str(ROOT / "examples" / name), *flags, timeout=600, cwd=tmp_path)
    assert re.search(says, printed, re.M), printed


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(RUNS)
