"""Medians, their spread, and competitors timed in turn."""

from __future__ import annotations

import pytest
import torch

from harness.speed import timing
from harness.speed.timing import FEWEST_REPEATS, time_in_turn
from tests.harness.speed.stand_in import Clock

CPU = torch.device("cpu")


def test_median_ignores_the_warm_up_and_one_slow_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    naps = iter([0.05, 0.05, 0.05, 0.001, 0.001, 0.05])
    monkeypatch.setattr(timing, "SHORTEST_READING", 0.0)
    found = time_in_turn({"naps": lambda: clock.pass_by(next(naps))}, CPU, seconds=0.0)["naps"]
    assert 0.001 <= found.low <= found.seconds < 0.02 < found.high
    assert next(naps, None) is None, "all calls were made"


def test_competitors_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, order = Clock(monkeypatch), list[str]()

    def work(name: str, seconds: float):
        def run() -> None:
            order.append(name)
            clock.pass_by(seconds)

        return run

    monkeypatch.setattr(timing, "SHORTEST_READING", 0.0)
    found = time_in_turn({"a": work("a", 0.001), "b": work("b", 0.003)}, CPU, seconds=0.0)
    assert order[4:] == ["a", "b"] * (FEWEST_REPEATS + 1), "two calls each to warm up, then rounds"
    assert found["a"].seconds < found["b"].seconds
    assert (found["a"].repeats, found["a"].inner) == (FEWEST_REPEATS, 1)


def test_short_work_is_repeated_within_a_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = Clock(monkeypatch), []

    def work() -> None:
        calls.append(1)
        clock.pass_by(1e-5)

    found = time_in_turn({"short": work}, CPU, seconds=0.0)
    assert found["short"].inner == 20
    assert len(calls) == 2 + 20 * (FEWEST_REPEATS + 1)
    assert found["short"].seconds == pytest.approx(1e-5)


def test_a_card_is_timed_by_its_own_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """A played clock of the device: every call takes 3 ms there, and none on the host."""
    clock, waits = [0.0], []

    class Event:
        def __init__(self, *, enable_timing: bool) -> None:
            assert enable_timing

        def record(self, stream: str) -> None:
            assert stream == "of cuda:1"
            self.at = clock[0]

        def elapsed_time(self, other: Event) -> float:
            return other.at - self.at

    def work() -> None:
        clock[0] += 3.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"of {device}")
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    found = time_in_turn({"a": work}, torch.device("cuda:1"), seconds=0.0)["a"]
    assert found.seconds == pytest.approx(0.003)
    assert len(waits) == 2 * (FEWEST_REPEATS + 2), "before and after each reading"
