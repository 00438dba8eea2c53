"""Runs are given to workers by number, in a short form that these read back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cli.common import SOME_MISSING
from harness.flags.workers import compact, ids_in
from studies.store import StudyStore
from tests.harness.conftest import Compare, Printed


@pytest.mark.parametrize("ids", [[1], [1, 2, 3], [3, 7], [1, 2, 5, 6, 7, 9]])
def test_ids_are_compact_and_read_back(ids: list[int]) -> None:
    assert ids_in(compact(ids)) == set(ids)
    assert len(compact(range(1, 5000))) < 10


def test_a_run_that_another_command_deletes_meanwhile_is_missing(
    compare: Compare, storage: str, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    def delete_one(*_arguments: Any, **_keywords: Any) -> None:
        with StudyStore.open(storage, "t") as store:
            assert store.delete_runs([1], whole_study=False) == {1}

    monkeypatch.setattr("harness.launchers.complete_all.work_together", delete_one)
    asked = ("--algos", "rule", "--env-steps", "400", "--study", "t", "--seeds", "2", "--n-jobs", "2")
    assert compare(*asked) == SOME_MISSING
    assert "rule fake seed 0: deleted by another process" in printed()
    with StudyStore.open(storage, "t") as store:
        assert [row.seed for row in store.rows()] == [1]
