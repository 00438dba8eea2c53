"""Medians with their spread, CUDA graphs: how kernels are launched and timed in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from harness.speed.kernels import first_line

Work = Callable[[], object]

SHORTEST_READING = 2e-4
"""Seconds between two readings of the clock, by as many calls as that takes: a single one may be shorter than the
wait for the device."""
MOST_INNER = 200
FEWEST_REPEATS, MOST_REPEATS = 3, 41


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds of one call."""

    seconds: float
    """median"""
    low: float
    """lower quartile"""
    high: float
    """upper quartile"""
    repeats: int
    """readings"""
    inner: int
    """calls per reading"""


def time_in_turn(
    works: Mapping[str, Work], device: torch.device, *, seconds: float, fewest: int = FEWEST_REPEATS
) -> dict[str, Timing]:
    """Time several pieces of work against each other, one reading of each in every round.

    A card's clock falls while it grows hot; taking turns, all of them see the same card.

    Args:
        works: name -> work; each is called a few times unmeasured first.
        device: where the work runs.
        seconds: duration of all rounds together.
        fewest: rounds at least, however long they take.
    """
    inner = {}
    for name, work in works.items():
        work()
        once = _reading(work, device, 1)
        inner[name] = max(1, min(MOST_INNER, round(SHORTEST_READING / max(once, 1e-7))))
    readings: dict[str, list[float]] = {name: [] for name in works}
    started = time.perf_counter()
    for done in range(MOST_REPEATS + 1):
        for name, work in works.items():
            readings[name].append(_reading(work, device, inner[name]))
        if done >= fewest and time.perf_counter() - started > seconds:
            break
    return {name: _summary(found[1:], inner[name]) for name, found in readings.items()}  # the first round warms up


def wait(device: torch.device) -> None:
    """Wait until the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _reading(work: Work, device: torch.device, inner: int) -> float:
    """Return the seconds of one call, averaged over ``inner`` of them in a row."""
    if device.type == "cuda":
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        stream = torch.cuda.current_stream(device)  # of this device, whichever is the process's current one
        torch.cuda.synchronize(device)
        start.record(stream)
        for _ in range(inner):
            work()
        end.record(stream)
        torch.cuda.synchronize(device)
        return start.elapsed_time(end) / 1e3 / inner
    begun = time.perf_counter()
    for _ in range(inner):
        work()
    return (time.perf_counter() - begun) / inner


def _summary(readings: list[float], inner: int) -> Timing:
    low, middle, high = statistics.quantiles(readings, n=4, method="inclusive") if len(readings) > 1 else readings * 3
    return Timing(seconds=middle, low=low, high=high, repeats=len(readings), inner=inner)


WORTHWHILE = 5e-3
"""Seconds of a call above which launching takes no noticeable part; such work is not recorded, and its memory is not
kept by a graph either."""


class TimingContext:
    """The device, how long a comparison takes, and which storage formats refuse CUDA graphs: none is tried twice.

    Args:
        device: where to time.
        seconds: for the rounds of one comparison, beside the least number of rounds.
    """

    def __init__(self, device: torch.device, *, seconds: float) -> None:
        self.device, self.seconds = device, seconds
        self.graphs_refused: dict[str, str] = {}
        """storage format -> why its work could not be recorded"""

    def record(self, work: Work, formats: Collection[str]) -> Work | None:
        """Return a call that replays the work as a graph; None without a GPU, or where the work cannot be recorded.

        Args:
            work: reads and writes the same tensors at every call.
            formats: storage formats whose kernels take part. Where several do and recording fails, no single one is
                at fault.
        """
        if self.device.type != "cuda" or any(name in self.graphs_refused for name in formats):
            return None
        before = torch.cuda.current_stream(self.device)
        try:
            return _capture(work, self.device)
        except RuntimeError as error:
            torch.cuda.set_stream(before)  # a capture that failed leaves its own stream current
            if len(formats) == 1 and not isinstance(error, torch.OutOfMemoryError):
                self.graphs_refused |= dict.fromkeys(formats, first_line(error))
            return None


def _capture(work: Work, device: torch.device) -> Work:
    with torch.cuda.device(device):
        aside: Any = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # the set-up of a first call must not be recorded
            work()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
    return graph.replay
