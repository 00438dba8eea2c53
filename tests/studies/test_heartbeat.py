"""Heartbeats while the program is busy with something that writes none."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from studies.db.errors import StorageError
from studies.queue import owner
from studies.queue.owner import HeartbeatThread
from studies.run_table import RunTable
from tests.studies.sample import begin, open_store, query


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "HEARTBEAT_IN_BACKGROUND", 0.01)


def test_a_run_in_hand_is_kept_alive_from_its_beginning_to_its_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    write_heartbeat, beaten = RunTable.write_heartbeat, threading.Event()

    def watched(self: RunTable) -> None:
        write_heartbeat(self)
        beaten.set()

    monkeypatch.setattr(RunTable, "write_heartbeat", watched)
    with open_store(path) as store:
        assert not beaten.wait(0.05), "there is nothing to keep alive yet"
        record = begin(store)
        query(path, "UPDATE k24_runs SET heartbeat = 0")
        until = time.monotonic() + 10
        while query(path, "SELECT heartbeat FROM k24_runs") == [(0,)] and time.monotonic() < until:
            time.sleep(0.01)
        assert query(path, "SELECT heartbeat FROM k24_runs")[0][0] > time.time() - 60
        record.mark_interrupted("enough")
        query(path, "UPDATE k24_runs SET heartbeat = 0")
        beaten.clear()
        assert beaten.wait(10)
        assert query(path, "SELECT heartbeat FROM k24_runs") == [(0,)], "a released run has no owner"
    assert "heartbeat" not in [thread.name for thread in set(threading.enumerate()) - before]


def test_a_run_that_another_process_has_taken_over_is_theirs(path: Path) -> None:
    with open_store(path) as store:
        begin(store)
        query(path, "UPDATE k24_runs SET owner_pid = 1, heartbeat = 0")
        store._run_table.write_heartbeat()
        assert query(path, "SELECT heartbeat FROM k24_runs") == [(0,)]


@pytest.mark.parametrize("error", [StorageError("locked"), MemoryError("no room")])
def test_no_error_ends_it(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    calls = threading.Semaphore(0)

    def fails() -> None:
        calls.release()
        raise error

    each = HeartbeatThread(fails)
    each.start()
    assert calls.acquire(timeout=10)
    assert calls.acquire(timeout=10)
    each.stop()
    each.stop()
    assert f"a heartbeat could not be written: {type(error).__name__}: {error}" in caplog.text
