"""Train on the engine what was published for the game; a stopped run goes on where it was."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import Any

from benchmarks.fidelity.reference import RACES

ALGORITHM = "qmix-n-rnn"
"""The learner to lay beside the published curves: the network of the authors' fork of PyMARL2."""
TEN = tuple(race.replace("5_vs_5", "10_vs_10") for race in RACES)
"""Scenarios without a published curve here: one seed each, for the length of battles."""


def commands(study: str, env_steps: int, seeds: int, storage: str, options: dict[str, Any]) -> list[list[str]]:
    """The comparisons to run: the three scenarios with all seeds, then one seed of a larger one of each race."""
    settings = {"rules": "2023"} | options
    sets = [word for name, value in settings.items() for word in ("--set", f"env.{name}={value}")]
    fixed = ["--algos", ALGORITHM, "--env-steps", str(env_steps), "--study", study, "--storage", storage, *sets]
    compare = [sys.executable, "-m", "harness.compare"]
    return [
        [*compare, "--scenarios", ",".join(RACES), "--seeds", str(seeds), *fixed],
        [*compare, "--scenarios", ",".join(TEN), "--seeds", "1", *fixed],
    ]


def judge(runs: list[list[str]], *, dry_run: bool) -> None:
    """Run them one after the other; finished runs are not repeated.

    Raises:
        SystemExit: a comparison failed or was stopped; the same command goes on from there.
    """
    for run in runs:
        print(shlex.join(run), flush=True)
        if not dry_run and (code := subprocess.run(run, check=False).returncode) != 0:
            raise SystemExit(f"the comparison ended with {code}; give the same command again to go on")
