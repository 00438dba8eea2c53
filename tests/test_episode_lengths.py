"""Battle lengths read off the steps at which a run was evaluated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.fidelity.episode_lengths import TEST_INTERVAL, implied_length


def evaluations(play_round: Callable[[], int], total: int) -> list[int]:
    """What a runner would publish that plays rounds of so many env_steps."""
    env_steps = last = 0
    found = []
    while env_steps < total:
        env_steps += play_round()
        if env_steps - last >= TEST_INTERVAL:
            last = env_steps
            found.append(last)
    return found


@pytest.mark.parametrize(("length", "per_round"), [(30, 4), (60, 4), (60, 8)])
def test_the_length_is_found(length: int, per_round: int) -> None:
    """Although a third of the evaluations is left out."""
    rng = np.random.default_rng(length + per_round)
    every = [
        evaluations(lambda: int(rng.integers(length // 2, 3 * length // 2, per_round).sum()), 2_000_000)
        for _ in range(3)
    ]
    runs = [[at for at in run if rng.random() < 2 / 3] for run in every]
    found, error = implied_length(runs, per_round)
    assert 0 < error < 0.05 * length
    assert abs(found - length) < 3 * error
    assert implied_length(runs, 2 * per_round)[0] == pytest.approx(found / 2)


def test_long_battles_are_met_more_often() -> None:
    """Lengths that scatter widely: without their spread the mean comes out too long."""
    rng = np.random.default_rng(0)
    found = evaluations(lambda: int(rng.exponential(40.0, 4).sum()) + 4, 20_000_000)
    raw, _ = implied_length([found], 4)
    length, error = implied_length([found], 4, spread=40.0)
    assert raw > 48
    assert abs(length - 40.5) < 3 * error


def test_one_evaluation_tells_nothing() -> None:
    with pytest.raises(ValueError, match="no run has two evaluations"):
        implied_length([[10_050], []], 4)
