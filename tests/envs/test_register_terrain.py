"""Ground from a file outside the package: units keep to it and find their way, and mistakes in the file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import envs
from envs import registry
from envs.battle import terrain
from envs.battle.options import BattleOptions
from tests.envs.play import begun
from tests.oracle.pair import Pair

WALL = [
    "".join("1" if 4 <= x < 28 and 4 <= y < 28 and (x != 16 or y in (12, 13)) else "0" for x in range(32))
    for y in range(32)
]
"""A field with a wall in the middle, open in two cells."""


def written(folder: Path, content: Any) -> Path:
    path = folder / "gate.json"
    path.write_text(json.dumps(content))
    return path


def register_gate(folder: Path) -> None:
    """All that a user's own file needs."""
    envs.register_terrain("gate", written(folder, {"pathable_ground": WALL}))
    envs.register(
        "gate_3m",
        scenario=envs.Scenario(
            race="terran", n_agents=3, n_enemies=3, unit_types=("marine",), ally_team=("marine",) * 3,
            enemy_team=("marine",) * 3, start="points", ally_point=(8.0, 16.0), enemy_point=(24.0, 24.0), map="gate",
        ),
    )  # fmt: skip


def test_what_a_file_leaves_out(tmp_path: Path) -> None:
    register_gate(tmp_path)
    assert "gate" in terrain.names()
    ground = np.array([[cell == "1" for cell in row] for row in WALL])
    assert np.array_equal(terrain.pathable("gate"), ground)
    assert np.array_equal(terrain.levels("gate"), ground)
    assert (terrain.heights("gate") == terrain.FLAT).all()
    assert np.array_equal(terrain.floors("gate")[2], ground)


def test_enemies_come_through_the_gate(tmp_path: Path) -> None:
    """They start behind the wall and attack: each has to pass the gap, and nobody stands on the wall."""
    register_gate(tmp_path)
    env = begun("gate_3m", 2, seed=0)
    ground, crossed = terrain.pathable("gate"), np.zeros((2, 3), bool)
    for _ in range(60):
        env.step(np.where(env.action_mask[..., 1], 1, 0))
        x, y = (env.battles[axis][:, :6] for axis in "xy")  # type: ignore[attr-defined]
        assert ground[y.astype(int), x.astype(int)].all()
        crossed |= x[:, 3:] < 16
    assert crossed.any(axis=1).all()


ROOMS = ["".join("1" if (min(x, y) >= 10 and max(x, y) < 12) or (min(x, y) >= 12 and max(x, y) < 14) else "0"
                 for x in range(32)) for y in range(32)]  # fmt: skip
"""Two rooms of two by two cells that touch at a corner."""


def rooms(folder: Path, n_units: int, **fields: Any) -> envs.Scenario:
    """Stalkers against medivacs and zealots in the two rooms."""
    envs.register_terrain("rooms", written(folder, {"pathable_ground": ROOMS}))
    enemies = ("medivac",) + ("zealot",) * (n_units - 1)
    return envs.Scenario(
        race="protoss", n_agents=n_units, n_enemies=n_units, unit_types=("stalker",), type_order=("stalker",),
        type_bits=0, ally_team=("stalker",) * n_units, enemy_team=enemies, map="rooms", **fields,
    )  # fmt: skip


def test_nobody_slips_between_two_walls_that_meet_at_a_corner(tmp_path: Path) -> None:
    """The zealot would take the diagonal to its target; only the medivac, which flies, leaves its room."""
    pair = Pair(
        rooms(tmp_path, 2, start="points", ally_point=(13.5, 13.5), enemy_point=(10.5, 10.5)), BattleOptions(), 0
    )
    while pair.env.battles[0]["step"] < 40:
        pair.step(np.ones((1, 2), np.int64)).expect_equal()
        medivac, zealot = (pair.env.battles["x"][0, i] for i in (2, 3))
        assert zealot < 12
    assert zealot > 11.9  # it stands at the corner
    assert medivac > 12


@pytest.mark.parametrize("start", ["surrounded", "reflect", "points"])
def test_a_start_on_little_ground(start: str, tmp_path: Path) -> None:
    """Wishes far from the ground, more units than it has room for, flyers that are wished off the map."""
    places: dict[str, Any] = dict(ally_point=(30.0, 2.0), enemy_point=(1.0, 31.0)) if start == "points" else {}
    scenario = rooms(tmp_path, 12, start=start, **places)
    for seed in range(3):
        pair = Pair(scenario, BattleOptions(spawn_spread=8.0 if places else 0.0), seed)
        pair.expect_equal()
        battle = pair.env.battles[0]
        x, y = battle["x"][:24], battle["y"][:24]
        on_foot = np.arange(24) != 12
        assert terrain.pathable("rooms")[y[on_foot].astype(int), x[on_foot].astype(int)].all()
        assert 0 <= x[12] <= 32
        assert 0 <= y[12] <= 32
        assert len({*zip(x[on_foot], y[on_foot], strict=True)}) >= 8  # spread as far as there is room
        pair.play(10).expect_equal()


def test_another_map_of_that_name_is_another_map(tmp_path: Path) -> None:
    with terrain.terrains.preserved():
        register_gate(tmp_path)
        scenario = registry.entry("gate_3m").scenario
        assert registry.own_data(scenario)["terrain"]["pathable_ground"] == WALL  # type: ignore[arg-type]
        gated = envs.make("gate_3m", seed=0).setup["waypoints"].copy()  # type: ignore[attr-defined]
    envs.register_terrain("gate", written(tmp_path, {"pathable_ground": WALL[::-1]}))
    assert not np.array_equal(gated, envs.make("gate_3m", seed=0).setup["waypoints"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "needed is an object with pathable_ground, 32 strings of 0 and 1"),
        ({"level": WALL}, "needed is an object with pathable_ground"),
        ({"pathable_ground": WALL, "levle": WALL}, "unknown grid 'levle': did you mean level"),
        ({"pathable_ground": WALL[1:]}, "pathable_ground must have 32 rows"),
        ({"pathable_ground": "1"}, "pathable_ground must have 32 rows"),
        ({"pathable_ground": [*WALL[1:], "01"]}, "pathable_ground, row 31 is '01', it must be a string of 32 digits"),
        ({"pathable_ground": [*WALL[1:], "2" * 32]}, "row 31 is '22222222222222222222222222222222', it must be"),
        ({"pathable_ground": [*WALL[1:], 5]}, "row 31 is '5', it must be a string of 32 digits from 0 to 1"),
        ({"pathable_ground": ["0" * 32] * 32}, "pathable_ground has no 1, so nobody could stand anywhere"),
        ({"pathable_ground": WALL, "walkable_colossus": ["0" * 32] * 32}, "walkable_colossus has no 1"),
        ({"pathable_ground": WALL, "height": WALL}, "height, row 0 is '0000"),
        ({"pathable_ground": WALL, "height": [[256] * 32] * 32}, "it must be a list of 32 numbers from 0 to 255"),
    ],
)
def test_mistakes_in_the_file(content: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        envs.register_terrain("gate", written(tmp_path, content))
    assert "gate.json" in str(error.value)
    assert "gate" not in terrain.names()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"terrain .*missing.json cannot be read: .*No such file"):
        envs.register_terrain("gate", tmp_path / "missing.json")
    (tmp_path / "bad.json").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match=r"terrain .*bad.json cannot be read"):
        envs.register_terrain("gate", tmp_path / "bad.json")
    with pytest.raises(ValueError, match="map 'flat' is already registered; choose another id"):
        envs.register_terrain("flat", written(tmp_path, {"pathable_ground": WALL}))
