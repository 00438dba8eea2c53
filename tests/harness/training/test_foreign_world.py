"""A comparison in a world that no one wins: trained, evaluated and shown by return."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

import envs
from envs.parallel_batch import ParallelBatch
from harness.cli.common import ALL_DONE, WRONG_USE
from tests.envs.foreign import Turns
from tests.harness.conftest import Compare, Printed

SPREAD = ("--scenarios", "mpe2/simple_spread_v3", "--env-steps", "400")


@pytest.mark.skipif(importlib.util.find_spec("mpe2") is None, reason="needs the package mpe2")
def test_all_three_train_on_simple_spread(compare: Compare, tmp_path: Path, printed: Printed) -> None:
    small = [f"--set={id}.rnn_hidden_dim=16" for id in ("k24", "kalei", "qmix")]
    flags = ("--algos", "k24,kalei,qmix", "--set", "env.max_cycles=10", "--report", "plots", *small)
    assert compare(*SPREAD, *flags) == ALL_DONE
    said = printed()
    assert "env steps/s, return -" not in said
    assert "k24 mpe2/simple_spread_v3 seed 0: return -" in said
    assert "win rate 0" not in said
    assert "mpe2/simple_spread_v3: no one wins or loses there, so algorithms are compared by their return" in said
    folder = tmp_path / "runs" / "compare-smoke-400-steps"
    assert "mpe2/simple_spread_v3" in (folder / "report.html").read_text()
    assert "| k24 | mpe2/simple_spread_v3 | 1 | -" in (folder / "table.md").read_text()
    rows = {row["algorithm"]: row for row in json.loads((folder / "table.json").read_text())["rows"]}
    assert rows["k24"]["can_be_won"] is False
    assert rows["k24"]["return_mean"] < 0
    assert 0.45 < rows["k24"]["sparsity_masked"] <= 0.5, "masks per agent"
    assert rows["qmix"]["flops_kept"] == 1.0


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """A world without options."""


def turns(*, id: str, num_envs: int, seed: int, first_slot: int, options: NoOptions, scenario: None) -> ParallelBatch:
    return ParallelBatch(Turns, id=id, num_envs=num_envs, seed=seed, first_slot=first_slot, episode_limit=9)


def test_agents_that_take_turns_are_trained(compare: Compare, tmp_path: Path) -> None:
    """Who waits has a mask of zeros there, which is no fault of the policy's."""
    here = "tests.harness.training.test_foreign_world"
    with envs.registry.scenarios.preserved():
        envs.register("turns", entry_point=f"{here}:turns", options=f"{here}:NoOptions", summary="agents take turns")
        small = [f"--set={id}.rnn_hidden_dim=16" for id in ("k24", "qmix")]
        code = compare("--scenarios", "turns", "--env-steps", "300", "--algos", "k24,qmix", "--report", "none", *small)
    assert code == ALL_DONE
    rows = json.loads((tmp_path / "runs" / "compare-smoke-300-steps" / "table.json").read_text())["rows"]
    assert [0 <= row["return_mean"] <= 6 for row in rows] == [True, True], "each of six moves pays at most 1"


def test_a_missing_package_is_reported_before_anything_starts(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert compare(*SPREAD, "--algos", "qmix") == WRONG_USE
    output = capsys.readouterr().err
    assert "scenario 'mpe2/simple_spread_v3' needs the package mpe2, which is not installed; pip install mpe2" in output
