"""Liveness: by the process table on this machine, by heartbeats elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from studies.queue import owner
from studies.queue.owner import ABANDONED_AFTER, Owner
from tests.studies.sample import process_as_owner

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc: only heartbeats tell here")


def test_tests_make_owners_in_the_format_of_today() -> None:
    assert process_as_owner(os.getpid()) == Owner.myself()


@needs_proc
def test_a_process_here_is_alive_while_it_runs_however_old_its_heartbeat() -> None:
    assert Owner.myself().is_alive(heartbeat=0.0, now=1e9)


@needs_proc
def test_a_later_process_with_the_same_number_is_another_one() -> None:
    me = Owner.myself()
    place, _, seconds = me.started.rpartition("/")
    earlier = replace(me, started=f"{place}/{float(seconds) - 100}")
    assert not earlier.is_alive(heartbeat=0.0, now=0.0)


@needs_proc
def test_a_killed_process_is_gone_even_before_its_parent_has_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        child = process_as_owner(process.pid)
        assert child.is_alive(heartbeat=0.0, now=1e9)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
        assert not child.is_alive(heartbeat=0.0, now=0.0)


@needs_proc
@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_process_stays_alive_when_the_system_clock_is_set(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux gives the start of a process by its boot, whose time moves with the clock."""
    me, booted = Owner.myself(), psutil._pslinux.boot_time
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: booted() + seconds)
    assert psutil.Process().create_time() == pytest.approx(
        psutil.boot_time() + float(me.started.rpartition("/")[2]), abs=1
    )
    assert me.is_alive(heartbeat=0.0, now=1e9)
    assert Owner.myself() == me


@needs_proc
def test_a_row_of_an_earlier_version_counts_from_1970() -> None:
    me = Owner.myself()
    place = me.started.rpartition("/")[0]
    assert replace(me, started=f"{place}/{psutil.Process().create_time():.2f}").is_alive(heartbeat=0.0, now=1e9)


@pytest.mark.parametrize("other", [{"host": "node17"}, {"started": "another-boot/pid:[1]/77"}, {"started": "-/-/77"}])
def test_elsewhere_the_heartbeat_tells(other: dict[str, str]) -> None:
    there = replace(Owner.myself(), **other)
    assert there.is_alive(heartbeat=1000.0, now=1000.0 + ABANDONED_AFTER - 1)
    assert not there.is_alive(heartbeat=1000.0, now=1000.0 + ABANDONED_AFTER)


def test_another_users_process_that_proc_hides_is_judged_by_its_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    def not_yours(_pid: int, _signal: int) -> None:
        raise PermissionError

    me = Owner.myself()
    monkeypatch.setattr("studies.queue.owner.psutil.Process", hidden)
    monkeypatch.setattr("studies.queue.owner.os.kill", not_yours)
    assert me.is_alive(heartbeat=1000.0, now=1001.0)
    assert not me.is_alive(heartbeat=1000.0, now=1000.0 + ABANDONED_AFTER)


def test_without_proc_the_process_table_of_the_same_machine_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "_namespace", lambda: "-/-")
    me = Owner.myself()
    assert me.started.startswith("-/-/")
    assert me == Owner.myself()
    assert process_as_owner(os.getpid()) == me
    assert me.is_alive(heartbeat=0.0, now=1e9)
    assert not replace(me, pid=me.pid, started="-/-/77").is_alive(heartbeat=0.0, now=1e9)
