"""The same numbers as the package ``rliable``: stored ones everywhere, its own where it is installed."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats import bootstrap as bootstrap_module
from harness.stats.aggregates import aggregates, performance_profile, sample_efficiency
from harness.stats.improvement import probability_of_improvement
from harness.stats.interval import TAIL, Band
from tests.golden.make_rliable import PATH, THRESHOLDS, curves_of, rliable_curve, rliable_numbers, scores_of

STORED = json.loads(PATH.read_text())
RESAMPLES = 20_000
REPS = 3_000
"""Of the package itself, which takes its time."""

Numbers = dict[str, Any]
"""Name -> estimate, lower and upper end; of a profile, a row of them for each threshold."""
Matrix = NDArray[np.float64]
Ours = Callable[[Matrix, Matrix], Numbers]


def our_numbers(ours: Matrix, theirs: Matrix) -> Numbers:
    """The same dictionary that ``rliable_numbers`` gives, from matrices (runs, tasks)."""
    rng = np.random.default_rng(0)
    four = aggregates(ours.T.tolist(), rng, RESAMPLES)
    named = {name: getattr(four, name) for name in ("iqm", "median", "mean", "optimality_gap")}
    named["improvement"] = probability_of_improvement(ours.T.tolist(), theirs.T.tolist(), rng, RESAMPLES)
    found: Numbers = {name: [each.estimate, each.low, each.high] for name, each in named.items()}
    return found | {"profile": rows(performance_profile(ours.T.tolist(), rng, THRESHOLDS, RESAMPLES))}


def rows(band: Band) -> list[list[float]]:
    return np.array([band.estimate, band.low, band.high]).T.tolist()  # type: ignore[no-any-return]


def our_curve(curves: Matrix) -> Numbers:
    """The sample-efficiency curve of an array (runs, tasks, points)."""
    steps, by_task = np.arange(curves.shape[-1]), list(curves.transpose(1, 0, 2))
    return {"curve": rows(sample_efficiency(steps, by_task, np.random.default_rng(0), resamples=RESAMPLES))}


def faults(numbers: Callable[[], Numbers], reference: Numbers, reps: int) -> list[str]:
    """Where numbers differ from the reference by more than rounding (estimates) or chance (ends).

    An end is the 2.5% quantile of so many draws. Chance moves it to quantiles nearby, so it has to lie between those
    of our own draws that are five standard errors of its rank away; a 5% quantile does not.
    """
    error = 5 * math.sqrt(TAIL * (1 - TAIL) * (1 / reps + 1 / RESAMPLES))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bootstrap_module, "TAIL", TAIL - error)
        wide = numbers()
        patched.setattr(bootstrap_module, "TAIL", TAIL + error)
        narrow = numbers()
    found = []
    for name, given in reference.items():
        for outer, inner, row in zip(*map(np.atleast_2d, (wide[name], narrow[name], given)), strict=True):
            if abs(outer[0] - row[0]) > 1e-12:
                found.append(f"{name}: {outer[0]} instead of {row[0]}")
            low, high = (row[1] - outer[1], inner[1] - row[1]), (row[2] - inner[2], outer[2] - row[2])
            if min(*low, *high) < -1e-12:
                found.append(f"{name}: [{row[1]}, {row[2]}] is not between {outer[1:]} and {inner[1:]}")
    return found


@pytest.mark.parametrize("case", STORED["cases"])
def test_stored_numbers(case: str) -> None:
    stored = STORED["cases"][case]
    ours, theirs = (np.array(stored[side]) for side in ("ours", "theirs"))
    assert faults(lambda: our_numbers(ours, theirs), stored["rliable"], STORED["reps"]) == []


@pytest.mark.parametrize("case", STORED["curves"])
def test_stored_curves(case: str) -> None:
    stored = STORED["curves"][case]
    curves = np.array(stored["scores"])
    assert faults(lambda: our_curve(curves), {"curve": stored["rliable"]}, STORED["reps"]) == []


def test_a_curve_whose_tasks_are_in_one_pot_is_found() -> None:
    """The broken twin: no strata."""
    stored = STORED["curves"]["10 runs, 15 tasks"]
    pooled = np.concatenate(list(np.array(stored["scores"]).transpose(1, 0, 2)))[:, None]
    assert faults(lambda: our_curve(pooled), {"curve": stored["rliable"]}, STORED["reps"])


@pytest.mark.filterwarnings("ignore")  # the package's own, and its dependencies'
@pytest.mark.skipif(
    importlib.util.find_spec("rliable") is None, reason="needs the package rliable: pip install -e '.[rliable]'"
)
def test_the_package_itself() -> None:
    ours, theirs = scores_of(4, 3, better=0.1, seed=7), scores_of(6, 3, better=0.0, seed=8)
    assert faults(lambda: our_numbers(ours, theirs), rliable_numbers(ours, theirs, REPS), REPS) == []
    curves = curves_of(5, 2, points=4, seed=9)
    assert faults(lambda: our_curve(curves), {"curve": rliable_curve(curves, REPS)}, REPS) == []


def without_strata(ours: Matrix, theirs: Matrix) -> Numbers:
    """Seeds of all tasks in one pot."""
    pooled = aggregates([ours.ravel().tolist()], np.random.default_rng(0), RESAMPLES).iqm
    return our_numbers(ours, theirs) | {"iqm": [pooled.estimate, pooled.low, pooled.high]}


def ties_lost(ours: Matrix, theirs: Matrix) -> Numbers:
    """A tie counts as nothing instead of half."""
    numbers = our_numbers(ours, theirs)
    share = (ours[:, None] > theirs[None]).mean()
    return numbers | {"improvement": [float(share), *numbers["improvement"][1:]]}


def too_narrow(ours: Matrix, theirs: Matrix) -> Numbers:
    """90% instead of 95%."""
    numbers = our_numbers(ours, theirs)
    estimate, low, high = numbers["mean"]
    return numbers | {"mean": [estimate, *(estimate + (end - estimate) * 1.645 / 1.96 for end in (low, high))]}


@pytest.mark.parametrize(("twin", "name"), [(without_strata, "iqm"), (ties_lost, "improvement"), (too_narrow, "mean")])
def test_broken_twins_are_found(twin: Ours, name: str) -> None:
    stored = STORED["cases"]["10 runs, 15 tasks"]
    ours, theirs = (np.array(stored[side]) for side in ("ours", "theirs"))
    found = faults(lambda: twin(ours, theirs), stored["rliable"], STORED["reps"])
    assert found
    assert all(fault.startswith(f"{name}: ") for fault in found)
