"""What the game tells about map and rules, read as clients read it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol import common_pb2, sc2api_pb2

from envs.battle import terrain
from envs.sc2.server.messages import info
from envs.sc2.server.simulation.catalogue import Catalogue
from envs.sc2.server.simulation.maps import map_file, names, read_map


@pytest.mark.parametrize("name", names())
def test_grids_are_packed_as_the_game_packs_them(name: str) -> None:
    battlefield = read_map(map_file(name))
    raw = info.start_raw(battlefield)
    assert (raw.map_size.x, raw.map_size.y) == (32, 32)
    # Cell by cell, as pysc2 and smacv2 unpack them: rows from the bottom, the westernmost cell in the highest bit.
    for image in (raw.pathing_grid, raw.placement_grid):
        assert (image.bits_per_pixel, len(image.data)) == (1, 128)
        cells = [[image.data[y * 4 + x // 8] >> 7 - x % 8 & 1 for x in range(32)] for y in range(32)]
        assert np.array_equal(np.array(cells, bool), terrain.pathable(battlefield.terrain))
    assert (raw.terrain_height.bits_per_pixel, len(raw.terrain_height.data)) == (8, 1024)
    heights = np.frombuffer(raw.terrain_height.data, np.uint8).reshape(32, 32)
    assert np.array_equal(heights, terrain.heights(battlefield.terrain))
    assert (raw.playable_area.p0, raw.playable_area.p1) == (common_pb2.PointI(x=0, y=0), common_pb2.PointI(x=32, y=32))
    (start,) = raw.start_locations
    assert 0 < start.x < 32
    assert 0 < start.y < 32


def test_the_first_bit_is_the_westernmost() -> None:
    grid = np.zeros((2, 16), bool)
    grid[0, 0] = grid[1, 9] = True
    assert info.bits(grid).data == bytes([128, 0, 0, 64])
    assert info.bits(grid).size == common_pb2.Size2DI(x=16, y=2)


def test_enemies_start_where_the_script_puts_them() -> None:
    (start,) = info.start_raw(read_map(map_file("MMM"))).start_locations
    assert (start.x, start.y) == (23.0, 16.0)


def test_only_the_tables_asked_for_are_sent() -> None:
    catalogue = Catalogue(read_map(map_file("MMM")))
    assert info.data(sc2api_pb2.RequestData(), catalogue).ByteSize() == 0
    tables = info.data(sc2api_pb2.RequestData(ability_id=True), catalogue)
    assert (len(tables.units), len(tables.abilities)) == (0, len(info.ABILITIES))
    tables = info.data(sc2api_pb2.RequestData(unit_type_id=True, upgrade_id=True), catalogue)
    assert [unit.unit_id for unit in tables.units] == list(range(len(tables.units)))
    assert (len(tables.abilities), len(tables.upgrades)) == (0, 0)


def test_special_commands_point_to_general_ones() -> None:
    numbers = {ability.ability_id for ability in info.ABILITIES}
    assert len(numbers) == len(info.ABILITIES)
    general = {ability.remaps_to_ability_id for ability in info.ABILITIES} - {0}
    assert general == {3665, 3674, 3793, 3794, 3795} < numbers


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        (common_pb2.Random, common_pb2.Terran),
        (common_pb2.NoRace, common_pb2.Terran),
        (common_pb2.Zerg, common_pb2.Zerg),
    ],
)
def test_races_that_are_left_open(asked: int, got: int) -> None:
    assert info.actual_race(asked) == got
