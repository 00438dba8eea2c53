"""Who waits for whom: reading takes no lock, jobs are vetted outside of transactions, large files are not walked."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from studies.db import database
from studies.db.database import inspect_file
from studies.db.storage_url import parse_storage_url
from tests.studies.sample import CONFIG, KEY, RESULT, begin, finish_runs, open_store, url


def test_reading_waits_for_no_writer(path: Path) -> None:
    finish_runs(path)
    with open_store(path, busy_seconds=0.2) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(store.rows()) == 1
        assert list(store.states().values()) == ["finished"]


def test_a_job_is_vetted_outside_of_any_transaction(path: Path) -> None:
    """Importing torch or starting CUDA takes seconds, in which others must be able to write."""
    with open_store(path) as store, open_store(path, busy_seconds=0.2) as other:
        store.enqueue([(KEY, CONFIG, {"number": 1})])

        def fits(job: dict[str, Any]) -> bool:
            begin(other, seed=2).finish(RESULT)
            return True

        assert store.claim_next(fits=fits) == {"number": 1}


def test_of_two_that_vet_the_same_job_one_gets_it(path: Path) -> None:
    meet = threading.Barrier(2, timeout=20)

    def work(_worker: int) -> dict[str, Any] | None:
        def fits(job: dict[str, Any]) -> bool:
            meet.wait()
            return True

        with open_store(path) as store:
            got = store.claim_next(fits=fits)
            meet.wait()
        return got

    with open_store(path) as store:
        store.enqueue([(KEY, CONFIG, {"number": 1})])
    with ThreadPoolExecutor(2) as pool:
        got = list(pool.map(work, range(2)))
    assert sorted(got, key=str) == [None, {"number": 1}]


def test_a_large_file_is_walked_on_suspicion_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish_runs(path)
    suspicious = database._is_suspicious
    assert suspicious(path), "a small one always"
    monkeypatch.setattr(database, "_CHECKED_ALWAYS", 0)
    assert not suspicious(path)
    inspect_file(parse_storage_url(url(path)))
    journal = path.with_name("studies.db-journal")
    journal.write_bytes(b"")
    assert suspicious(path), "a process died while writing"
    journal.unlink()
    path.write_bytes(path.read_bytes()[:-4096])
    assert suspicious(path), "it was cut"
