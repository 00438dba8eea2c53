"""Known facts of battles on the real game, each number with its standard error and its source."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.fidelity.episode_lengths import implied_length, published_steps
from harness.results.published import published_runs

RACES = ("terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5")
"""The scenarios with published curves. Readings are chosen on these; all others are for judging."""
ROUND = 4
"""Episodes of a round of the published QMIX runs."""

FIRST_ROUNDS: dict[str, tuple[int, int]] = {
    "terran_5_vs_5": (4060 + 4096 + 287, 104 + 104 + 8),
    "protoss_5_vs_5": (6259 + 471, 112 + 8),
    "zerg_5_vs_5": (4129 + 227, 128 + 8),
}
"""env_steps and battles of the first rounds of published runs, played before anything was learned.

Those of QMIX are in the runs' own logs (benellis3/pymarl2, ``results_smac2_unit_ranges``, lines "t_env … Episode …"):
the last line up to episode 128, where learning begins, of terran's runs 5/0 and 5/1, protoss's 5/0 and zerg's 5/0;
actions are random, but for 2 to 4%. Beside them one round of MAPPO, open-loop on terran and zerg, 8 battles with a
fresh network's nearly even policy: PyMARL evaluates for the first time after its first round, so the first published
step is the length of that round (smacv2/examples/results). That MAPPO's rounds have 8 battles follows from its
evaluations: they come later than QMIX's by twice the excess.
"""

RANDOM_KILLS: dict[str, tuple[int, int]] = {
    "terran_5_vs_5": (6 + 9, 4 + 52 + 4 + 52),
    "protoss_5_vs_5": (13 + 9 + 10 + 12 + 14, 40 + 36 + 40 + 40 + 36),
    "zerg_5_vs_5": (1 + 87, 4 + 64),
}
"""Enemies killed, and battles, before learning: ``dead_enemies_mean`` in the same logs and in protoss's 5/1."""

SCRIPTED: dict[str, float] = {"2s3z": 0.90, "3s5z": 0.42, "1c3s5z": 0.81}
"""Win rates of ``heuristic_ai`` on game version 4.6.2 (Samvelyan et al., "The StarCraft Multi-Agent Challenge", 2019),
quoted at second hand."""
SCRIPTED_BATTLES = 32
"""Battles behind each, as in the paper's evaluations; not stated for the script."""


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: ArrayLike) -> Estimate:
        """Of independent values, at least two."""
        array = np.asarray(values, dtype=np.float64)
        return cls(float(array.mean()), float(array.std(ddof=1) / math.sqrt(array.size)))

    @classmethod
    def of_share(cls, share: float, count: int) -> Estimate:
        """Of a share of ``count`` trials."""
        return cls(share, math.sqrt(share * (1 - share) / count))


def first_rounds(scenario: str, spread: float) -> Estimate | None:
    """Mean length of a battle before learning, given the standard deviation of one battle's length."""
    if scenario not in FIRST_ROUNDS:
        return None
    steps, battles = FIRST_ROUNDS[scenario]
    return Estimate(steps / battles, spread / math.sqrt(battles))


def random_kills(scenario: str) -> Estimate | None:
    """Mean number of enemies killed in a battle before learning; kills are taken as rare and independent."""
    if scenario not in RANDOM_KILLS:
        return None
    killed, battles = RANDOM_KILLS[scenario]
    return Estimate(killed / battles, math.sqrt(killed) / battles)


def trained_length(scenario: str, first: int, last: int, spread: float) -> Estimate | None:
    """Length of a training episode between two env_steps, given the standard deviation of one battle's length.

    None where nothing is published.
    """
    inside = published_steps(scenario, first, last)
    if not any(len(run) > 1 for run in inside):
        return None
    return Estimate(*implied_length(inside, ROUND, spread))


def curve_at(scenario: str, column: str, env_steps: int, half_window: int) -> Estimate | None:
    """Mean over the published runs of ``win_rate`` or ``return_mean`` around some env_steps; the error is over runs.

    None where fewer than two runs have a point there.
    """
    means = []
    for points in published_runs(scenario).values():
        near = [getattr(point, column) for point in points if abs(point.env_steps - env_steps) <= half_window]
        if near:
            means.append(float(np.mean(near)))
    return Estimate.of(means) if len(means) > 1 else None
