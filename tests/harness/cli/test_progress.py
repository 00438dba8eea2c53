"""A bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli import progress
from harness.cli.progress import RunProgress, TrialProgress, battles_bar, with_bar


def screen(*, terminal: bool = False) -> tuple[io.StringIO, Console]:
    """Return a console and what is written to it."""
    out = io.StringIO()
    return out, Console(file=out, width=150, force_terminal=terminal, color_system=None)


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_lines_without_a_terminal(clock: Clock) -> None:
    out, console = screen()
    with RunProgress(console, "qmix fake", total=1000, start=200) as shown:
        for second, env_steps in enumerate(range(300, 901, 100), start=1):
            clock.now = 4.0 * second
            shown.advance(env_steps)
        shown.evaluated(900, 0.25, 3.5)
    assert out.getvalue().splitlines() == [
        "qmix fake: 500/1,000 env steps, 25/s, not evaluated yet, 0:20 left",
        "qmix fake: 800/1,000 env steps, 25/s, not evaluated yet, 0:08 left",
        "qmix fake: 900/1,000 env steps, 25/s, win rate 0.25, return 3.5, 0:04 left",
    ]


def test_bar_on_a_terminal(clock: Clock) -> None:
    out, console = screen(terminal=True)
    with RunProgress(console, "qmix fake", total=1000) as shown:
        clock.now = 10.0
        shown.evaluated(500, 0.25, 3.5)
        shown.advance(500)
    assert "qmix fake" in out.getvalue()
    assert "500/1,000 env steps 50/s win rate 0.25, return 3.5" in out.getvalue()


def test_events_of_one_kind_do_not_flood() -> None:
    out, console = screen()
    shown = RunProgress(console, "k24 fake", total=1000)
    for step in (100, 200, 300, 400):
        shown.event(f"env_step {step}: {step * 7} weights restarted")
    shown.event("masks frozen")
    assert out.getvalue().splitlines() == [
        "k24 fake: env_step 100: 700 weights restarted",
        "k24 fake: env_step 200: 1400 weights restarted (further ones are stored, not shown)",
        "k24 fake: masks frozen",
    ]


def test_the_last_step_may_go_beyond_the_end(clock: Clock) -> None:
    out, console = screen()
    shown = RunProgress(console, "qmix fake", total=1000)
    clock.now = 10.0
    shown.evaluated(1004, 1.0, 20.0)
    assert out.getvalue().endswith("1,004/1,000 env steps, 100/s, win rate 1.00, return 20.0, 0:00 left\n")


def test_battles_on_a_terminal_and_elsewhere() -> None:
    for is_terminal in (True, False):
        out, console = screen(terminal=is_terminal)
        with battles_bar(console, "qmix evaluation", 40) as on_battles:
            on_battles(15)
            on_battles(10)
        assert ("25/40" in out.getvalue()) == is_terminal


def test_the_seeds_of_a_trial_are_one_bar(clock: Clock) -> None:
    out, console = screen(terminal=True)
    with TrialProgress(console, "trial 3", env_steps=[100, 100], each=1000) as shown:
        clock.now = 10.0
        shown.turn_of(100, 200)
        shown.event("masks frozen")
        shown.advance(400)
        shown.evaluated(400, 0.25, 3.5)
        shown.turn_of(100, 500)
        shown.advance(300)
        shown.scored("0.200 [0.100, 0.300]")
    assert "trial 3" in out.getvalue()
    assert "700/2,000 env steps 50/s 0.200 [0.100, 0.300]" in out.getvalue()
    assert "masks frozen" not in out.getvalue()


def test_a_trial_without_a_terminal_logs_by_itself(clock: Clock) -> None:
    out, console = screen()
    with TrialProgress(console, "trial 3", env_steps=[0, 0], each=1000) as shown:
        for second in range(1, 6):
            clock.now = 100.0 * second
            shown.turn_of(0, 0)
            shown.advance(100 * second)
            shown.evaluated(100 * second, 0.25, 3.5)
            shown.scored("0.200 [0.100, 0.300]")
    assert out.getvalue() == ""


def test_jobs_with_a_bar() -> None:
    for is_terminal in (True, False):
        out, console = screen(terminal=is_terminal)
        assert list(with_bar(console, "learning curves", [3, 1, 2])) == [3, 1, 2]
        assert ("learning curves" in out.getvalue()) == ("3/3" in out.getvalue()) == is_terminal
    assert out.getvalue().strip() == ""
