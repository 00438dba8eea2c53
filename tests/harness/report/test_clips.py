"""Clips show the part of the map where the battles are, the same part for all."""

from __future__ import annotations

import numpy as np
import pytest

import envs
from envs.battle.engine import BattleEnv
from envs.battle.snapshots.recording import TickRecorder
from envs.render import Renderer, outcome
from harness.policies import scripted
from harness.report.clips import MARGIN, Area, area_of


def battle(scenario: str, policy: str) -> tuple[BattleEnv, scripted.Policy]:
    return envs.make(scenario, num_envs=1, seed=3), scripted.make(policy)


def closest(env: BattleEnv, policy: scripted.Policy, area: Area) -> float:
    """How near the units of a battle come to the rim of the area, in cells; below 0: they leave it."""
    x0, y0, x1, y1 = area
    recorder, found = TickRecorder(env), np.inf
    env.reset()
    while not outcome(env, 0):
        ticks = recorder.step(policy(env))
        n = env.spec.n_agents + env.spec.n_enemies
        x, y = ticks["x"][:, :n], ticks["y"][:, :n]
        found = min(found, (x - x0).min(), (x1 - x).min(), (y - y0).min(), (y1 - y).min())
    return float(found)


@pytest.mark.parametrize("scenario", ["terran_5_vs_5", "3m"])
def test_all_units_stay_within_the_area(scenario: str) -> None:
    env, policy = battle(scenario, "nearest")
    x0, y0, x1, y1 = area_of([(env, policy)])
    assert x1 - x0 == pytest.approx(y1 - y0)
    rows, columns = env.setup[0]["pathable"].shape
    assert x1 - x0 <= max(rows, columns)
    assert (x1 - x0 < max(rows, columns)) == (scenario == "3m"), "units of SMACv2 start all over the map"
    assert 0.0 <= closest(*battle(scenario, "nearest"), (x0, y0, x1, y1)) <= MARGIN + 1e-6


def test_the_area_of_two_battles_holds_both() -> None:
    """Clips lie side by side; wherever each battle goes, they show the same part of the map."""
    names = ("nearest", "random")
    alone = [area_of([battle("3m", name)]) for name in names]
    assert alone[0] != alone[1]
    both = area_of([battle("3m", name) for name in names])
    for name in names:
        assert closest(*battle("3m", name), both) >= 0.0
    assert min(closest(*battle("3m", names[i]), alone[1 - i]) for i in (0, 1)) < 0.0, "neither area would do for both"


def test_a_smaller_area_shows_units_larger() -> None:
    env = envs.make("3m", num_envs=1, seed=0)
    env.reset()
    frame = TickRecorder(env).now()
    x, y = float(frame["x"][0, 0]), float(frame["y"][0, 0])
    near = (x - 5, y - 5, x + 5, y + 5)

    def inked(area: Area | None) -> int:
        """Pixels of the agents' colour."""
        picture = Renderer(env, size=320, area=area).draw(frame).astype(int)
        return int((picture[..., 2] - picture[..., 0] > 80).sum())

    assert inked(near) > 2 * inked(None)
