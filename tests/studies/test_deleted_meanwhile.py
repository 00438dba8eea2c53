"""Runs that another process deletes while this one measures them, ends them, or looks for the next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studies.run_table import RunTable
from tests.studies.sample import CONFIG, KEY, OUTCOMES, RESULT, begin, open_store, turn_reading


def delete(path: Path, *runs: int) -> set[int]:
    with open_store(path) as other:
        return other.delete_runs(runs, whole_study=False)


def test_what_is_measured_of_it_is_passed_over_and_the_others_are_stored(path: Path) -> None:
    with open_store(path) as store:
        gone, kept = (begin(store, seed).finish(RESULT).run_id for seed in (2, 1))
        later = begin(store, seed=3).run_id
        assert delete(path, gone) == {gone}
        store.store_readings(dict.fromkeys((gone, kept, later), turn_reading()))
        store.store_speedups({run: {"speedup": 1.5, "reason": None} for run in (gone, kept, later)})
        assert not store.replace_evaluation(gone, CONFIG, {"wins": 9}, OUTCOMES)
        assert store.replace_evaluation(kept, CONFIG, {"wins": 9}, OUTCOMES)
        (row,) = store.rows()
        assert (row.run_id, row.in_turn, row.speedup_24, row.wins) == (kept, turn_reading(), 1.5, 9)


def test_a_queued_run_that_is_gone_by_the_time_its_job_is_read_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(path) as store:
        ids = store.enqueue((replace(KEY, seed=seed), CONFIG, {"seed": seed}) for seed in (1, 2, 3))
        waiting = RunTable._waiting

        def then_deleted(self: RunTable, after: int) -> Any:
            found = waiting(self, after)
            delete(path, *ids[:2])
            return found

        monkeypatch.setattr(RunTable, "_waiting", then_deleted)
        assert store.claim_next(fits=lambda job: job["seed"] > 0) == {"seed": 3}


def test_a_run_that_is_being_reported_to_optuna_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finalize, deleted = RunTable.finalize, []

    def delete_first(self: RunTable, run_id: int) -> Any:
        monkeypatch.setattr(RunTable, "finalize", finalize)
        deleted.append(delete(path, run_id))
        return finalize(self, run_id)

    with open_store(path) as store:
        run = begin(store)
        monkeypatch.setattr(RunTable, "finalize", delete_first)
        assert run.finish(RESULT).win_rate == RESULT.win_rate
        assert deleted == [set()]
