"""Ctrl-C at moments at which a trial has runs in several states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.search.objective import Objective, Seed
from studies.run_table import RunTable
from tests.studies.sample import RESULT, begin, open_store, states


def test_while_a_result_is_reported_to_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, finalize = tmp_path / "studies.db", RunTable.finalize

    def interrupted(self: RunTable, run_id: int) -> Any:
        monkeypatch.setattr(RunTable, "finalize", finalize)
        raise KeyboardInterrupt

    with open_store(path) as store:

        def attempt(_trial: object, seeds: list[Seed]) -> None:
            seeds += [Seed(plan=None, folder=tmp_path, record=begin(store, number)) for number in (1, 2)]  # type: ignore[arg-type]
            monkeypatch.setattr(RunTable, "finalize", interrupted)
            seeds[0].record.finish(RESULT)

        objective = Objective([], {}, store, study="search", out=tmp_path, console=Console(quiet=True))
        monkeypatch.setattr(objective, "_attempt", attempt)
        with pytest.raises(KeyboardInterrupt):
            objective(None)  # type: ignore[arg-type]
        assert list(store.states().values()) == ["finished", "interrupted"]
    assert states(path) == ["COMPLETE", "FAIL"]
