"""Run progress: a bar on a terminal, periodic lines otherwise."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

T = TypeVar("T")
LINE_INTERVAL = 10.0
"""Seconds between two lines where there is no terminal."""
EVENTS_SHOWN = 2
"""Lines of one kind, numbers apart, that a run shows."""


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: ``3:07``, ``1:03:07``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def make_bar(
    console: Console,
    *columns: str | ProgressColumn,
    transient: bool = True,
    silent: bool = False,
    width: int | None = 40,
) -> Progress:
    """Return a bar, shown on a terminal only: the task's description, the bar itself, then ``columns``.

    The bar has ``width`` signs, or as many as the terminal has room for; ``transient``: it goes away when it ends.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=width),
        *columns,
        console=console,
        refresh_per_second=4,
        transient=transient,
        disable=silent or not console.is_terminal,
    )


@contextmanager
def battles_bar(console: Console, label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal; call what it yields with the number of battles that have just ended."""
    with make_bar(console, MofNCompleteColumn(), "battles", TimeRemainingColumn(compact=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda battles: bar.advance(task, battles)


def with_bar(console: Console, label: str, jobs: Sequence[T]) -> Iterator[T]:
    """Yield the jobs one after another, on a terminal with a bar."""
    with make_bar(console, MofNCompleteColumn(), TimeRemainingColumn(compact=True)) as bar:
        yield from bar.track(jobs, description=label)


class RunProgress:
    """Env steps, steps/s, latest evaluation and time left of one run.

    Args:
        console: where it is shown.
        label: the run's name.
        total: env_steps of the run.
        start: env_steps that an earlier process has done.
        transient: as of ``make_bar``.
    """

    def __init__(self, console: Console, label: str, *, total: int, start: int = 0, transient: bool = False) -> None:
        self._console, self._label, self._total = console, label, total
        self._start, self._started = start, time.perf_counter()
        self._latest = "not evaluated yet"
        self._last_line = self._started
        self._events: Counter[str] = Counter()
        self._bar = make_bar(
            console,
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} env steps", markup=False),
            TextColumn("{task.fields[rate]:,.0f}/s", markup=False),
            TextColumn("{task.fields[latest]}", markup=False),
            TimeRemainingColumn(compact=True),
            transient=transient,
            width=None,
        )
        self._task = self._bar.add_task(label, total=total, completed=start, rate=0.0, latest=self._latest)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def log(self, line: str) -> None:
        """Print an event on a line of its own, above the bar."""
        self._console.print(Text(f"{self._label}: {line}"))

    def event(self, line: str) -> None:
        """Print what the algorithm did; of one kind only the first few are shown, all of them are stored."""
        kind = re.sub(r"[\d.,]+", "#", line)
        self._events[kind] += 1
        if self._events[kind] <= EVENTS_SHOWN:
            more = " (further ones are stored, not shown)" if self._events[kind] == EVENTS_SHOWN else ""
            self.log(line + more)

    def evaluated(self, env_steps: int, win_rate: float | None, mean_return: float) -> None:
        """Show a new point of the learning curve; no win rate where no one wins."""
        won = "" if win_rate is None else f"win rate {win_rate:.2f}, "
        self._show(f"{won}return {mean_return:.1f}")
        if self._bar.disable:
            self._line(env_steps)

    def advance(self, env_steps: int) -> None:
        """Show how far the run has come."""
        self._bar.update(self._task, completed=env_steps, rate=self._rate(env_steps))
        if self._bar.disable and time.perf_counter() - self._last_line >= LINE_INTERVAL:
            self._line(env_steps)

    def _show(self, latest: str) -> None:
        self._latest = latest
        self._bar.update(self._task, latest=latest)

    def _rate(self, env_steps: int) -> float:
        return (env_steps - self._start) / max(time.perf_counter() - self._started, 1e-9)

    def _line(self, env_steps: int) -> None:
        self._last_line = time.perf_counter()
        rate = self._rate(env_steps)
        left = f", {duration(max(self._total - env_steps, 0) / rate)} left" if rate > 0 else ""
        self.log(f"{env_steps:,}/{self._total:,} env steps, {rate:,.0f}/s, {self._latest}{left}")


class TrialProgress(RunProgress):
    """The seeds of a trial as one bar on a terminal; nothing elsewhere, since the trial logs its evaluations itself.

    ``env_steps`` are those that each seed has done so far, ``each`` those of a whole run.
    """

    def __init__(self, console: Console, label: str, *, env_steps: Sequence[int], each: int) -> None:
        super().__init__(console, label, total=each * len(env_steps), start=sum(env_steps), transient=True)
        self._others = 0

    def turn_of(self, env_steps: int, all_env_steps: int) -> None:
        """Switch to the seed that has done ``env_steps`` of the trial's ``all_env_steps``."""
        self._others = all_env_steps - env_steps

    def scored(self, score: str) -> None:
        """Show the score of all seeds together at the last evaluation."""
        self._show(score)

    def log(self, line: str) -> None:
        """Show nothing: a seed's own lines are stored with its run."""

    def evaluated(self, env_steps: int, win_rate: float | None, mean_return: float) -> None:
        """Show nothing: a seed's own evaluations are stored with its run."""

    def advance(self, env_steps: int) -> None:
        """Update the bar with the env steps of the current seed."""
        super().advance(self._others + env_steps)
