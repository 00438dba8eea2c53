"""Numbers of the package ``rliable`` on made-up win rates, kept so that they are checked where it is not installed.

    pip install -e '.[rliable]'
    python -m tests.golden.make_rliable

writes ``rliable.json``: scores and learning curves, point estimates, and intervals over ``REPS`` resamples.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PATH = Path(__file__).with_name("rliable.json")
REPS = 10_000
THRESHOLDS = np.linspace(0.0, 1.0, 21)
CASES = {"3 runs, 1 task": (3, 1), "5 runs, 4 tasks": (5, 4), "10 runs, 15 tasks": (10, 15)}

Matrix = NDArray[np.float64]


def scores_of(runs: int, tasks: int, *, better: float, seed: int) -> Matrix:
    """Win rates (runs, tasks) of 32 battles each, so that there are ties."""
    rng = np.random.default_rng(seed)
    chances = np.clip(rng.uniform(0.1, 0.8, tasks) + better + rng.normal(0.0, 0.1, (runs, tasks)), 0.0, 1.0)
    return rng.binomial(32, chances) / 32


def rliable_numbers(ours: Matrix, theirs: Matrix, reps: int) -> dict[str, Any]:
    """Estimate, lower and upper end of everything, by the package itself."""
    from rliable import library, metrics

    def four(scores: Matrix) -> Matrix:
        named = (metrics.aggregate_iqm, metrics.aggregate_median, metrics.aggregate_mean)
        return np.array([*(each(scores) for each in named), metrics.aggregate_optimality_gap(scores)])

    np.random.seed(0)  # noqa: NPY002  (the package draws from the global generator)
    points, intervals = library.get_interval_estimates({"ours": ours}, four, reps=reps)
    chance, reach = library.get_interval_estimates(
        {"both": (ours, theirs)}, metrics.probability_of_improvement, reps=reps
    )
    profile, band = library.create_performance_profile({"ours": ours}, THRESHOLDS, reps=reps)
    names = ("iqm", "median", "mean", "optimality_gap")
    found = {name: [float(points["ours"][n]), *map(float, intervals["ours"][:, n])] for n, name in enumerate(names)}
    found["improvement"] = [float(chance["both"]), *map(float, np.ravel(reach["both"]))]
    return found | {"profile": np.array([profile["ours"], *band["ours"]]).T.tolist()}


def curves_of(runs: int, tasks: int, *, points: int, seed: int) -> Matrix:
    """Win rates (runs, tasks, points) that rise over training."""
    return np.stack([scores_of(runs, tasks, better=0.05 * point, seed=seed) for point in range(points)], axis=-1)


def rliable_curve(curves: Matrix, reps: int) -> list[list[float]]:
    """Estimate, lower and upper end of the sample-efficiency curve at each point, by the package itself."""
    from rliable import library, metrics

    def each_point(scores: Matrix) -> Matrix:
        return np.array([metrics.aggregate_iqm(scores[..., point]) for point in range(scores.shape[-1])])

    np.random.seed(0)  # noqa: NPY002  (the package draws from the global generator)
    points, intervals = library.get_interval_estimates({"curve": curves}, each_point, reps=reps)
    return np.array([points["curve"], *intervals["curve"]]).T.tolist()


def main() -> None:
    """Write the file."""
    content = {"reps": REPS, "thresholds": THRESHOLDS.tolist(), "cases": {}, "curves": {}}
    for number, (name, (runs, tasks)) in enumerate(CASES.items()):
        ours = scores_of(runs, tasks, better=0.1, seed=2 * number)
        theirs = scores_of(runs + 1, tasks, better=0.0, seed=2 * number + 1)
        content["cases"][name] = {
            "ours": ours.tolist(),
            "theirs": theirs.tolist(),
            "rliable": rliable_numbers(ours, theirs, REPS),
        }
    for number, (name, (runs, tasks)) in enumerate(CASES.items()):
        curves = curves_of(runs, tasks, points=4, seed=100 + number)
        content["curves"][name] = {"scores": curves.tolist(), "rliable": rliable_curve(curves, REPS)}
    PATH.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
