"""A comparison in a world that no one wins: trained, judged and shown by return."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from harness.cli.common import ALL_DONE, WRONG_USE
from tests.harness.conftest import Compare

SPREAD = ("--scenarios", "mpe2/simple_spread_v3", "--env-steps", "400")


@pytest.mark.skipif(importlib.util.find_spec("mpe2") is None, reason="needs the package mpe2")
def test_all_three_train_on_simple_spread(compare: Compare, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = [f"--set={id}.rnn_hidden_dim=16" for id in ("k24", "kalei", "qmix")]
    assert (
        compare(*SPREAD, "--algos", "k24,kalei,qmix", "--set", "env.max_cycles=10", "--report", "plots", *small)
        == ALL_DONE
    )
    said = capsys.readouterr().out
    assert "env steps/s, return -" not in said
    assert "k24 mpe2/simple_spread_v3 seed 0: return -" in said
    assert "win rate 0" not in said
    assert "mpe2/simple_spread_v3: no one wins or loses there, so algorithms are compared by their return" in said
    folder = tmp_path / "runs" / "compare-smoke-400-steps"
    assert "mpe2/simple_spread_v3" in (folder / "report.html").read_text()
    assert "| k24 | mpe2/simple_spread_v3 | 1 | n/a | – | -" in (folder / "table.md").read_text()
    rows = {row["algorithm"]: row for row in json.loads((folder / "table.json").read_text())["rows"]}
    assert rows["k24"]["can_be_won"] is False
    assert rows["k24"]["return_mean"] < 0
    assert 0.45 < rows["k24"]["sparsity_masked"] <= 0.5, "masks per agent"
    assert rows["qmix"]["flops_kept"] == 1.0


def test_a_missing_package_is_told_before_anything_starts(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert compare(*SPREAD, "--algos", "qmix") == WRONG_USE
    told = capsys.readouterr().err
    assert "scenario 'mpe2/simple_spread_v3' needs the package mpe2, which is not installed; pip install mpe2" in told
