"""Decisions/s are measured in turn, on a machine kept quiet, and marked where it was not."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.runs import process
from harness.runs.process import LoadOfOthers
from harness.speed.decisions import QUICK, Effort, measure_in_turn
from studies.queue import quiet
from studies.queue.owner import Owner
from studies.queue.quiet import quiet_machine, wait_for_quiet_to_end
from tests.harness.fake_env import N_AGENTS, FakeEnv
from tests.harness.speed.stand_in import Clock
from tests.studies.sample import RESULT, begin, open_store, turn_reading


class Sleeper:
    """A policy whose decisions take a known time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.spec, self.device, self.clock, self.seconds = FakeEnv(1, 0).spec, torch.device("cpu"), clock, seconds
        self.calls: list[float] = []

    def initial_state(self, num_envs: int) -> dict[str, torch.Tensor]:
        return {}

    def act(self, observation: object, state: dict[str, torch.Tensor], *, explore: bool) -> object:
        self.calls.append(self.clock.now)
        self.clock.pass_by(self.seconds)
        return SimpleNamespace(state=state)


def test_policies_take_part_in_the_same_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoadOfOthers, "cores", lambda self: 0.0)
    clock = Clock(monkeypatch)
    slow, fast = Sleeper(clock, 0.004), Sleeper(clock, 0.001)
    effort = Effort(seconds_each=0.05, attempts=1, pause=0.0, patience=0.0)
    found = measure_in_turn({1: slow, 2: fast}, seed=0, alone=True, effort=effort, battles=8)  # type: ignore[dict-item]
    assert list(found) == [1, 2]
    assert found[1].session == found[2].session
    for reading, policy in zip(found.values(), (slow, fast), strict=True):
        assert (reading.quiet, reading.batch) == (True, 8 * N_AGENTS)
        rates = reading.low, reading.decisions_per_second, reading.high
        assert rates == pytest.approx((reading.batch / policy.seconds,) * 3)
    assert min(fast.calls[3:]) < max(slow.calls), "interleaved, not one after the other"


def test_a_reading_under_load_is_repeated_and_marked_if_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    loads, lines = [2.0, 0.1], list[str]()
    monkeypatch.setattr(LoadOfOthers, "cores", lambda self: loads.pop(0))
    effort = Effort(seconds_each=0.01, attempts=3, pause=0.0, patience=0.0)
    policies = {1: Sleeper(Clock(monkeypatch), 0.0005)}
    found = measure_in_turn(policies, seed=0, alone=True, effort=effort, message=lines.append, battles=2)  # type: ignore[arg-type]
    assert (found[1].quiet, found[1].load, loads) == (True, 0.1, [])
    assert lines == ["decisions/s: others keep 2.0 cores busy; measured again in 0 s"]
    loads = [1.0, 0.5, 2.0]
    found = measure_in_turn(policies, seed=0, alone=True, effort=effort, battles=2)  # type: ignore[arg-type]
    assert (found[1].quiet, found[1].load) == (False, 0.5), "the least of three, and marked"
    loads = [0.0]
    found = measure_in_turn(policies, seed=0, alone=False, effort=QUICK, battles=2)  # type: ignore[arg-type]
    assert not found[1].quiet, "another run went on"


def test_what_others_do_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 3 busy seconds in one, 1 is our own."""
    seconds = [(10.0, 5.0), (13.0, 6.0), (10.0, 7.0)]
    monkeypatch.setattr(process, "_cpu_seconds", lambda: seconds.pop(0))
    clock = [0.0, 1.0, 1.0]
    monkeypatch.setattr(process, "time", SimpleNamespace(perf_counter=lambda: clock.pop(0)))
    load = LoadOfOthers()
    assert load.cores() == 2.0
    assert load.cores() == 0.0, "never less than none, however clocks are rounded"


def test_the_seconds_of_this_system_can_be_read() -> None:
    assert min(process._cpu_seconds()) > 0.0, "busy ones and our own"


def test_readings_are_kept_with_their_runs(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        row = begin(store).finish(RESULT)
        assert row.in_turn is None
        store.store_readings({row.run_id: turn_reading()})
        store.store_readings({row.run_id: turn_reading(quiet=False)})
        assert store.rows()[0].in_turn == turn_reading(quiet=False)


def test_no_run_begins_while_a_machine_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process of this machine: the same one under another number."""
    monkeypatch.setattr("studies.queue.quiet._LOOK_AGAIN", 0.02)
    path = tmp_path / "s.db"
    with open_store(path) as store, open_store(path) as other:
        mine = Owner.myself()
        begun, looked = threading.Event(), threading.Event()
        ask = quiet._is_claimed_by_another

        def watched(*arguments: Any) -> bool:
            if held_up := ask(*arguments):
                looked.set()
            return held_up

        def begin_elsewhere() -> None:
            begin(other, seed=2)
            begun.set()

        monkeypatch.setattr(quiet, "_is_claimed_by_another", watched)
        with quiet_machine(store._run_table.db, 60.0) as alone:
            assert alone
            wait_for_quiet_to_end(store._run_table.db)  # our own lock does not hold us up
            foreign = Owner(host=mine.host, pid=mine.pid, started=f"{mine.started}0")
            monkeypatch.setattr(Owner, "is_alive", lambda self, heartbeat, now: True)
            monkeypatch.setattr(Owner, "myself", classmethod(lambda cls: foreign))
            waiting = threading.Thread(target=begin_elsewhere)
            waiting.start()
            assert looked.wait(10)
            assert not begun.is_set()
            monkeypatch.setattr(Owner, "myself", classmethod(lambda cls: mine))
        assert begun.wait(10)
        waiting.join()
        monkeypatch.undo()
