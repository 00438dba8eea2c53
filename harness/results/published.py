"""Learning curves that others have published, for the same scenarios on the real game."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.stats.interval import Band, IntervalKind

DATA = Path(__file__).parents[1] / "data/published_5_vs_5.csv"
SOURCE = (
    "QMIX as SMACv2's authors measured it on StarCraft II 4.10 with PyMARL2, February 2023 (oxwhirl/smacv2, "
    "smacv2/examples/results); three runs a scenario, 32 battles a point, rules of 2023, read up to 2M env steps"
)
WINDOW = 50_000
"""env_steps over which points are averaged: the runs were evaluated at different steps, and one evaluation of 32
battles scatters by ±8 points."""


class Point(NamedTuple):
    """One evaluation of a run."""

    env_steps: int
    win_rate: float
    """0..1"""
    return_mean: float


def published_runs(scenario: str, path: Path = DATA, method: str = "QMIX") -> dict[int, list[Point]]:
    """Return run -> its evaluations in order of env_steps; empty where nothing is published for the scenario.

    Args:
        scenario: its id, as of the benchmark.
        path: a file of published points.
        method: ``QMIX`` or ``MAPPO``, as the file names it.
    """
    runs: dict[int, list[Point]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["scenario"] == scenario and row["algorithm"] == method:
                point = Point(int(row["env_step"]), float(row["test_win_rate"]), float(row["test_return_mean"]))
                runs.setdefault(int(row["run"]), []).append(point)
    return runs


def windowed(runs: Mapping[int, Sequence[Point]], measure: str, last: float, window: int = WINDOW) -> Band:
    """Average runs over windows, first each run's points, then the runs; ends are the least and the greatest run.

    Args:
        runs: every evaluation, by run.
        measure: ``win_rate`` or ``return_mean``.
        last: env_steps up to which windows begin.
        window: their length; a point belongs to the window that ends at or after it.
    """
    centres, rows = [], []
    for start in range(0, int(last), window):
        inside = [[each for each in points if start < each.env_steps <= start + window] for points in runs.values()]
        means = [float(np.mean([getattr(each, measure) for each in points])) for points in inside if points]
        if means:
            centres.append(start + window / 2)
            rows.append((float(np.mean(means)), min(means), max(means)))
    return Band.of(np.array(centres), np.array(rows, np.float64).reshape(-1, 3).T, IntervalKind.RANGE_OF_RUNS)
