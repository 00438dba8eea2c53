"""Battle lengths read off the steps at which a run was evaluated."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fidelity.episode_lengths import TEST_INTERVAL, implied_length


def evaluations(mean_length: float, per_round: int, total: int, rng: np.random.Generator) -> list[int]:
    """What a runner would publish that plays rounds of episodes, a third of the evaluations left out."""
    env_steps = last = 0
    found = []
    while env_steps < total:
        env_steps += int(rng.integers(mean_length * 0.5, mean_length * 1.5, per_round).sum())
        if env_steps - last >= TEST_INTERVAL:
            last = env_steps
            if rng.random() < 2 / 3:
                found.append(last)
    return found


@pytest.mark.parametrize(("length", "per_round"), [(30, 4), (60, 4), (60, 8)])
def test_the_length_is_found(length: int, per_round: int) -> None:
    rng = np.random.default_rng(length + per_round)
    runs = [evaluations(length, per_round, 2_000_000, rng) for _ in range(3)]
    found, error = implied_length(runs, per_round)
    assert 0 < error < 0.05 * length
    assert abs(found - length) < 3 * error
    assert implied_length(runs, 2 * per_round)[0] == pytest.approx(found / 2)


def test_one_evaluation_tells_nothing() -> None:
    with pytest.raises(ValueError, match="no run has two evaluations"):
        implied_length([[10_050], []], 4)
