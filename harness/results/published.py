"""Learning curves that others have published, for the same scenarios on the real game."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, kw_only=True)
class PublishedPoint:
    """One evaluation of a published run."""

    env_steps: int
    win_rate: float
    """0..1"""
    return_mean: float


def published_runs(scenario: str, path: Path = DATA, method: str = "QMIX") -> dict[int, list[PublishedPoint]]:
    """Return run -> its evaluations in order of env_steps; empty where nothing is published for the scenario.

    Args:
        scenario: its id, as of the benchmark.
        path: a file of published points.
        method: ``QMIX`` or ``MAPPO``, as the file names it.
    """
    runs: dict[int, list[PublishedPoint]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["scenario"] == scenario and row["algorithm"] == method:
                point = PublishedPoint(
                    env_steps=int(row["env_step"]),
                    win_rate=float(row["test_win_rate"]),
                    return_mean=float(row["test_return_mean"]),
                )
                runs.setdefault(int(row["run"]), []).append(point)
    return runs


def windowed(runs: Mapping[int, Sequence[tuple[float, float]]], last: float, window: int = WINDOW) -> Band:
    """Average runs over windows, first each run's points, then the runs; ends are the least and the greatest run.

    Args:
        runs: (env_steps, value) of every evaluation, by run.
        last: env_steps up to which windows begin.
        window: their length; a point belongs to the window that ends at or after it.
    """
    centres, rows = [], []
    for start in range(0, int(last), window):
        inside = [[value for step, value in points if start < step <= start + window] for points in runs.values()]
        means = [float(np.mean(values)) for values in inside if values]
        if means:
            centres.append(start + window / 2)
            rows.append((float(np.mean(means)), min(means), max(means)))
    return Band.of(np.array(centres), np.array(rows, np.float64).reshape(-1, 3).T, IntervalKind.RANGE_OF_RUNS)
