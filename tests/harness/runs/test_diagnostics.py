"""What a learner reports goes into the curve, whatever it is called; without a loss the run ends with words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli.common import ALL_DONE, SOME_MISSING
from studies.reader import StudyReader
from tests.harness.conftest import Compare
from tests.harness.fake_algorithm import RuleAlgorithm

SHORT = ("--algos", "rule", "--env-steps", "200", "--study", "s")


def returning(**found: float) -> Any:
    """An update with these diagnostics."""
    return lambda self, batch, env_steps: found


def test_names_of_columns_stay_distinct(compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RuleAlgorithm, "update", returning(loss=0.5, win_rate=0.25, epsilon=7.0, drawn=3.0))
    assert compare(*SHORT) == ALL_DONE
    with StudyReader.open_existing(f"sqlite:///{tmp_path}/s.db", "s") as store:
        (row,) = store.rows()
        *_, last = store.curve_points(row.run_id)
    assert last.win_rate > 0.5, "that of the battles, not of the learner"
    assert 0 <= last.epsilon <= 1
    assert (last.extra["learner/win_rate"], last.extra["learner/epsilon"], last.extra["drawn"]) == (0.25, 7.0, 3.0)
    assert last.loss == 0.5


def test_an_update_without_a_loss(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RuleAlgorithm, "update", returning(td_loss=0.5))
    assert compare(*SHORT) == SOME_MISSING
    output = capsys.readouterr().out
    assert "algorithm rule: learn() returned td_loss without 'loss'; return at least" in " ".join(output.split())
