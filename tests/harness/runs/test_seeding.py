"""Seeds by purpose: stable, distinct, and blind to what is left out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.runs.seeding import PURPOSES, bootstrap_generator, derive_seed


def test_every_purpose_and_part_gives_another_seed() -> None:
    seeds = [derive_seed(run, purpose, "fake", part) for run in range(5) for purpose in PURPOSES for part in range(5)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_a_zero_at_the_end_is_another_seed() -> None:
    """numpy's SeedSequence takes [s, x] and [s, x, 0] for the same, and 2**32 for [0, 1]."""
    for parts in ((), ("fake",), (3,), (0,), (0, 0)):
        assert derive_seed(7, "search", *parts) != derive_seed(7, "search", *parts, 0)
    assert derive_seed(7, "search", 2**32) != derive_seed(7, "search", 0, 1)
    seeds = {derive_seed(run, "search", *(0,) * zeros) for run in range(20) for zeros in range(6)}
    assert len(seeds) == 120


def test_seeds_of_published_runs_stay() -> None:
    assert derive_seed(0, "final_evaluation", "terran_5_vs_5") == 2149548832
    assert derive_seed(1, "env", "zerg_5_vs_5") == 3917171847


def test_stable_across_processes() -> None:
    code = "from harness.runs.seeding import derive_seed; print(derive_seed(3, 'evaluation', 'fake', 10))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(there.stdout) == derive_seed(3, "evaluation", "fake", 10)


def test_resamples_follow_the_names() -> None:
    one, same, other = (bootstrap_generator("k24", scenario).random() for scenario in ("MMM", "MMM", "3m"))
    assert one == same != other


def test_refused() -> None:
    with pytest.raises(ValueError, match="run seed -1 is negative"):
        derive_seed(-1, "env")
    with pytest.raises(ValueError, match="unknown seed purpose 'weather'; known: env, algorithm"):
        derive_seed(0, "weather")
