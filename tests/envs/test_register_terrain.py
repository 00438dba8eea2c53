"""Ground from a file outside the package: units keep to it and find their way, and mistakes in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import envs
from envs import registry
from envs.battle import terrain

WALL = [
    "".join("1" if 4 <= x < 28 and 4 <= y < 28 and (x != 16 or y in (12, 13)) else "0" for x in range(32))
    for y in range(32)
]
"""A field with a wall in the middle, open in two cells."""


@pytest.fixture(autouse=True)
def _forget_what_a_test_registers() -> Iterator[None]:
    with registry.scenarios.preserved(), terrain.terrains.preserved():
        yield


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
            race="terran",
            n_agents=3,
            n_enemies=3,
            unit_types=("marine",),
            ally_team=("marine",) * 3,
            enemy_team=("marine",) * 3,
            start="points",
            ally_point=(8.0, 16.0),
            enemy_point=(24.0, 24.0),
            map="gate",
        ),
    )


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
    env = envs.make("gate_3m", 2, seed=0)
    env.reset()
    ground, crossed = terrain.pathable("gate"), np.zeros((2, 3), bool)
    for _ in range(60):
        env.step(np.where(env.action_mask[..., 1], 1, 0))
        x, y = (env.battles[axis][:, :6] for axis in "xy")  # type: ignore[attr-defined]
        assert ground[y.astype(int), x.astype(int)].all()
        crossed |= x[:, 3:] < 16
    assert crossed.any(axis=1).all()


def test_another_map_of_that_name_is_another_map(tmp_path: Path) -> None:
    register_gate(tmp_path)
    scenario = registry.entry("gate_3m").scenario
    assert registry.own_data(scenario)["terrain"]["pathable_ground"] == WALL  # type: ignore[arg-type]
    gated = envs.make("gate_3m", seed=0).setup["waypoints"].copy()  # type: ignore[attr-defined]
    terrain.terrains.unregister("gate")
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
