"""Checks of battles after training, from runs that a study holds."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from benchmarks.fidelity.checks import LENGTH_MARK, RETURN_MARK, WIN_MARK, Check
from benchmarks.fidelity.reference import Estimate, curve_at, trained_length
from harness.results.grouping import name_across_studies
from studies.reader import StudyReader

MOMENTS = (200_000, 300_000, 1_000_000, 2_000_000)
"""env_steps at which curves are laid side by side."""
HALF_WINDOW = 50_000
LENGTH_SPAN = (0.67, 1.5)
"""Published episodes from so many times a run's env_steps to so many stand beside its last battles."""


def trained_checks(storage: str, study: str, algorithm: str) -> list[Check]:
    """Win rate and return along the curves, length of the greedy battles at the end, of every scenario of a study.

    Raises:
        SystemExit: the study holds the algorithm, or a scenario, with several settings.
    """
    checks = []
    with StudyReader.open_existing(storage, study) as store:
        rows = [row for row in store.rows() if row.algorithm == algorithm]
        _, differing = name_across_studies(rows)
        if differing:
            raise SystemExit(
                f"study {study} holds several settings: {'; '.join(differing.values())}; name one with one"
            )
        runs = defaultdict(list)
        for row in rows:
            runs[row.scenario].append((row.run_id, row.env_steps))
        for scenario, found in sorted(runs.items()):
            checks += curve_checks(store, scenario, [run for run, _ in found])
            for env_steps in sorted({steps for _, steps in found}):
                checks.append(length_check(store, scenario, [run for run, at in found if at == env_steps], env_steps))
    return checks


def curve_checks(store: StudyReader, scenario: str, runs: list[int]) -> list[Check]:
    """Both columns of the curves at every moment that a run reached."""
    checks = []
    for moment in MOMENTS:
        for column, mark in (("win_rate", WIN_MARK), ("return_mean", RETURN_MARK)):
            means, battles = [], 0
            for run in runs:
                near = [point for point in store.curve_points(run) if abs(point.env_steps - moment) <= HALF_WINDOW]
                if near:
                    means.append(float(np.mean([getattr(point, column) for point in near])))
                    battles += sum(point.episodes for point in near)
            if means:
                engine = (
                    Estimate.of(means)
                    if len(means) > 1
                    else Estimate(means[0], one_run_error(column, means[0], battles))
                )
                group = f"{column.replace('_mean', '').replace('_', ' ')} at {moment:,}"
                game = curve_at(scenario, column, moment, HALF_WINDOW)
                checks.append(Check(group=group, scenario=scenario, engine=engine, game=game, mark=mark))
    return checks


def one_run_error(column: str, mean: float, battles: int) -> float:
    """The scatter of battles alone; returns of single battles scatter by about 5."""
    return Estimate.of_share(mean, battles).error if column == "win_rate" else 5.0 / battles**0.5


def length_check(store: StudyReader, scenario: str, runs: list[int], env_steps: int) -> Check:
    """Length of the greedy battles after training; the error is over runs, or over battles of a single one."""
    lengths = [[battle.length for battle in store.outcomes(run) if not battle.aborted] for run in runs]
    means = [float(np.mean(each)) for each in lengths]
    first, last = (int(share * env_steps) for share in LENGTH_SPAN)
    game = trained_length(scenario, first, last, float(np.std(np.concatenate(lengths))))
    return Check(
        group=f"length after {env_steps:,}",
        scenario=scenario,
        engine=Estimate.of(means if len(means) > 1 else lengths[0]),
        game=game,
        mark=LENGTH_MARK * game.mean if game else 1.0,
    )
