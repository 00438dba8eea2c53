"""What an observation says of the ground, worked out by hand on a grid in which every cell is another."""

from __future__ import annotations

import numpy as np
import pytest

from envs import GameUnits
from envs.battle.scenarios import Scenario
from tests.envs.play import unregistered


def views(x: float, y: float, move_amount: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """(8,) pathing and (9,) heights of a marine here; height is 7x + y, ground where 3 divides x + y."""
    scenario = Scenario(race="terran", n_agents=1, n_enemies=1, unit_types=("marine",))
    env = unregistered(scenario, obs_pathing_grid=True, obs_terrain_height=True, move_amount=move_amount)
    rows, columns = np.mgrid[0:32, 0:32]
    env.setup[0]["pathable"][:] = (columns + rows) % 3 == 0
    env.setup[0]["height"][:] = columns * 7 + rows
    env.load_game_state(GameUnits(unit_type=["marine", "marine"], owner=[1, 2], x=[x, 31.0], y=[y, 31.0]))
    return env.obs[0, 0, 4:12], env.obs[0, 0, 12:21]


def test_points_and_their_order() -> None:
    pathing, heights = views(10.9, 20.2)
    cells = [(10, 24), (10, 16), (14, 20), (6, 20), (12, 22), (8, 18), (12, 18), (8, 22), (10, 20)]
    np.testing.assert_array_equal(pathing, [(x + y) % 3 == 0 for x, y in cells[:8]])
    # smacv2 reads the height grid upside down.
    np.testing.assert_allclose(heights, [(7 * x + 31 - y) / 255 for x, y in cells], rtol=1e-6)


def test_a_longer_move_looks_farther() -> None:
    _, heights = views(10.0, 20.0, move_amount=3.0)
    np.testing.assert_allclose(heights[[0, 4]], [(70 + 31 - 26) / 255, (7 * 13 + 31 - 23) / 255], rtol=1e-6)


@pytest.mark.parametrize(("x", "y", "outside"), [(1.0, 16.0, [3, 5, 7]), (16.0, 30.0, [0, 4, 7])])
def test_off_the_map_counts_as_open_and_high(x: float, y: float, outside: list[int]) -> None:
    pathing, heights = views(x, y)
    assert (pathing[outside] == 1).all()
    assert (heights[outside] == 1).all()
    assert (np.delete(heights, outside) < 1).all()
