"""Where SMAC's maps put units: spots, drawn per battle where the map draws them, and free ground around them."""

from __future__ import annotations

import numpy as np
import pytest

from envs.battle.engine import BattleEnv
from envs.battle.options import BattleOptions
from envs.battle.unit_types import kind_of
from envs.battle.units import IN_THE_AIR
from envs.registry import entry
from tests.envs.play import hard_distances, make
from tests.envs.test_spawn import drawn, started

FIXED = ["3m", "MMM2", "3s5z", "1c3s5z", "2m_vs_1z", "corridor", "6h_vs_8z", "so_many_baneling", "bane_vs_bane",
         "2c_vs_64zg", "27m_vs_30m", "1o_10b_vs_1r", "1o_2r_vs_4r", "bane_vs_hM"]  # fmt: skip


def places(env: BattleEnv, units: slice) -> np.ndarray:
    """(E, units, 2)."""
    return np.stack([env.battles["x"][:, units], env.battles["y"][:, units]], axis=-1)


def test_units_of_one_point_stand_side_by_side() -> None:
    """The first on the point; then 0.75 away, the direction with the least angle from due west on: south, east."""
    env = started(make("3m", 2, seed=1, equal_places="first"))
    for e in range(2):
        assert places(env, slice(3, 6))[e].tolist() == [[23, 16], [23, 15.25], [23.75, 16]]
        assert places(env, slice(0, 3))[e].tolist() == [[9, 15.25], [9, 16], [9.75, 16]]  # numbered by x, then y


def test_places_are_mirrored_in_half_of_the_battles() -> None:
    """Those of both sides together: nothing else changes."""
    first, half = (started(make("3m", 400, seed=1, equal_places=reading)) for reading in ("first", "mirrored"))
    assert BattleOptions().equal_places == "mirrored"
    as_before = places(first, slice(0, 6))
    mirrored = as_before * [1, -1] + [0, 32]
    mirrored[:, :2] = mirrored[:, 1::-1]  # agents are numbered by x, then y
    at = places(half, slice(0, 6))
    is_mirrored = (at == mirrored).all(axis=(1, 2))
    assert ((at == as_before).all(axis=(1, 2)) != is_mirrored).all()
    assert is_mirrored.mean() == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("id", ["terran_5_vs_5", "zerg_10_vs_10"])
def test_drawn_starts_are_not_mirrored(id: str) -> None:
    first, half = (started(make(id, 50, seed=1, equal_places=reading)) for reading in ("first", "mirrored"))
    assert (places(first, slice(0, 20)) == places(half, slice(0, 20))).all()


def test_equal_places_may_be_drawn() -> None:
    """The first on the point, the others 0.75 away, each in a drawn one of the free directions."""
    env = started(make("3m", 400, seed=1, equal_places="drawn"))
    first, second, third = places(env, slice(3, 6)).transpose(1, 0, 2) - [23, 16]
    assert (first == 0).all()
    ways = [(0.75, 0), (-0.75, 0), (0, 0.75), (0, -0.75)]
    for others in (second, third):
        shares = [(others == way).all(axis=1).mean() for way in ways]
        assert shares == pytest.approx([0.25] * 4, abs=0.08)
    agents = [sorted(map(tuple, at)) for at in places(env, slice(0, 3)).tolist()]
    assert agents == [list(map(tuple, at)) for at in places(env, slice(0, 3)).tolist()]  # numbered by x, then y


def test_every_spot_of_a_map() -> None:
    """2m_vs_1z: one marine at each of two points; the zealot's march is to a point drawn between them."""
    env = started(make("2m_vs_1z", 300, seed=1))
    assert (places(env, slice(0, 3)) == [[13, 12], [19, 12], [16, 19]]).all()
    goal_x, goal_y = env.battles["dest_x"][:, 2], env.battles["dest_y"][:, 2]
    assert (goal_y == 12).all()
    assert np.histogram(goal_x, bins=3, range=(13, 19))[0] / 300 == pytest.approx([1 / 3] * 3, abs=0.1)


def test_colossi_share_ground_with_others() -> None:
    env = started(make("1c3s5z", seed=1))
    assert places(env, slice(9, 10)).tolist() == [[[23, 16]]]
    assert [23, 16] in places(env, slice(10, 18))[0].tolist()


def test_a_corner_is_drawn_for_each_battle() -> None:
    """1o_2r_vs_4r: the overlord hovers over the enemies' corner, of four alike; the two roaches share a point."""
    env = drawn("1o_2r_vs_4r", 400)
    corners = [(3.5, 2.0), (3.5, 28.8598), (28.5, 28.0), (28.5, 2.0)]
    overlord = (env.battles["kind"][:, :3] == kind_of("overlord")).argmax(axis=1)
    at = places(env, slice(0, 7))
    counts = dict.fromkeys(corners, 0)
    for e in range(400):
        place = tuple(at[e, overlord[e]])
        counts[place] += 1
        assert all(tuple(at[e, i]) == place for i in range(3, 7))
        roaches = [tuple(at[e, i]) for i in range(3) if i != overlord[e]]
        assert roaches[0] == roaches[1]
    for count in counts.values():
        assert count / 400 == pytest.approx(0.25, abs=0.07)


def test_rectangles_are_drawn_alike_and_filled_evenly() -> None:
    """1o_10b_vs_1r: everybody's own spot; its rectangle is drawn first, whatever its size."""
    env = drawn("1o_10b_vs_1r", 400)
    scenario = entry("1o_10b_vs_1r").scenario
    assert scenario is not None
    at = places(env, slice(0, 12))
    spots = scenario.ally_spots + scenario.enemy_spots
    for i in range(12):
        rectangles = np.array(scenario.spots[spots[i]])
        x, y = at[:, i, :1], at[:, i, 1:]
        left, bottom, right, top = rectangles.T
        inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        assert inside.any(axis=1).all()
        if len(rectangles) == 5 and not inside.sum(axis=1).max() > 1:
            assert inside.mean(axis=0) == pytest.approx([0.2] * 5, abs=0.08)
    assert len({tuple(place) for place in at[:, 0]}) == 400


@pytest.mark.parametrize("id", FIXED)
def test_everybody_finds_free_ground(id: str) -> None:
    env = started(make(id, 40, seed=3))
    apart, least = hard_distances(env)
    assert (apart >= least).all()
    count = env.spec.n_agents + env.spec.n_enemies
    at = places(env, slice(0, count))
    floor = env.units[0]["floor"][env.battles["kind"][:, :count]]
    column, row = at.astype(int).clip(0, 31).transpose(2, 0, 1)
    assert (env.setup[0]["floors"][floor, row, column] | (floor == IN_THE_AIR)).all()


@pytest.mark.parametrize("id", ["27m_vs_30m", "2c_vs_64zg", "so_many_baneling"])
def test_a_crowd_takes_little_room(id: str) -> None:
    """Discs of 0.375 packed as densely as can be would fill a radius of 0.394 √n."""
    env = started(make(id, seed=3))
    n, m = env.spec.n_agents, env.spec.n_enemies
    at = places(env, slice(n, n + m))[0]
    assert np.hypot(*(at - at[0]).T).max() < 0.394 * m**0.5 * 1.35 + 0.375
