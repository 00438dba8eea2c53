"""Clips show the part of the map where the battle is."""

from __future__ import annotations

import numpy as np
import pytest

import envs
from envs.battle.snapshots.recording import TickRecorder
from envs.render import Renderer, outcome
from harness.policies import scripted
from harness.report.clips import MARGIN, area_of


@pytest.mark.parametrize("scenario", ["terran_5_vs_5", "3m"])
def test_all_units_stay_within_the_area(scenario: str) -> None:
    env = envs.make(scenario, num_envs=1, seed=3)
    x0, y0, x1, y1 = area_of(env, scripted.make("nearest"))
    assert x1 - x0 == pytest.approx(y1 - y0)
    rows, columns = env.setup[0]["pathable"].shape
    assert x1 - x0 <= max(rows, columns)
    assert (x1 - x0 < max(rows, columns)) == (scenario == "3m"), "units of SMACv2 start all over the map"
    env = envs.make(scenario, num_envs=1, seed=3)
    recorder, policy = TickRecorder(env), scripted.make("nearest")
    env.reset()
    closest = np.inf
    while not outcome(env, 0):
        ticks = recorder.step(policy(env))
        n = env.spec.n_agents + env.spec.n_enemies
        x, y = ticks["x"][:, :n], ticks["y"][:, :n]
        closest = min(closest, (x - x0).min(), (x1 - x).min(), (y - y0).min(), (y1 - y).min())
    assert 0.0 <= closest <= MARGIN + 1e-6


def test_a_smaller_area_shows_units_larger() -> None:
    env = envs.make("3m", num_envs=1, seed=0)
    env.reset()
    frame = TickRecorder(env).now()
    x, y = float(frame["x"][0, 0]), float(frame["y"][0, 0])
    near = (x - 5, y - 5, x + 5, y + 5)

    def inked(area: tuple[float, float, float, float] | None) -> int:
        """Pixels of the agents' colour."""
        picture = Renderer(env, size=320, area=area).draw(frame).astype(int)
        return int((picture[..., 2] - picture[..., 0] > 80).sum())

    assert inked(near) > 2 * inked(None)
