"""``ResponseGameInfo``: the map's grids in the game's encoding.

Rows of a grid start at the bottom of the map. Grids of bits hold eight cells a byte, the westernmost in the highest
bit; heights are bytes, 255 / 32 a cell above -16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import common_pb2, raw_pb2, sc2api_pb2

from envs.battle import terrain
from envs.battle.state import MAP_CELLS
from envs.sc2.server.simulation.catalogue import AGENTS, ENEMIES
from envs.sc2.server.simulation.maps import Battlefield

WHOLE_MAP = common_pb2.Size2DI(x=MAP_CELLS, y=MAP_CELLS)


def start_raw(battlefield: Battlefield) -> raw_pb2.StartRaw:
    """The ground: where one can walk and build, how high it is, where the enemies start.

    Nothing is built on these maps, so every cell on foot counts as ground to build on; the playable area is the map.
    """
    walkable = terrain.pathable(battlefield.terrain)
    return raw_pb2.StartRaw(
        map_size=WHOLE_MAP,
        pathing_grid=bits(walkable),
        placement_grid=bits(walkable),
        terrain_height=octets(terrain.heights(battlefield.terrain)),
        playable_area=common_pb2.RectangleI(
            p0=common_pb2.PointI(x=0, y=0), p1=common_pb2.PointI(x=MAP_CELLS, y=MAP_CELLS)
        ),
        start_locations=[enemy_start(battlefield)],
    )


def enemy_start(battlefield: Battlefield) -> common_pb2.Point2D:
    """Return the enemies' place: the middle of their first spot; on a map without spawns, where SMACv2 puts them."""
    opening = battlefield.opening
    if opening is None or not opening.enemy_spots:
        x, y = opening.enemy_point if opening else (24.0, 16.0)
    else:
        left, bottom, right, top = opening.spots[opening.enemy_spots[0]][0]
        x, y = (left + right) / 2, (bottom + top) / 2
    return common_pb2.Point2D(x=x, y=y)


def bits(grid: NDArray[np.bool_]) -> common_pb2.ImageData:
    """One bit a cell."""
    return common_pb2.ImageData(bits_per_pixel=1, size=_size(grid), data=np.packbits(grid, axis=1).tobytes())


def octets(grid: NDArray[np.int64]) -> common_pb2.ImageData:
    """One byte a cell."""
    return common_pb2.ImageData(bits_per_pixel=8, size=_size(grid), data=grid.astype(np.uint8).tobytes())


def _size(grid: NDArray[np.generic]) -> common_pb2.Size2DI:
    rows, columns = grid.shape
    return common_pb2.Size2DI(x=columns, y=rows)


def players(create: sc2api_pb2.RequestCreateGame, join: sc2api_pb2.RequestJoinGame) -> Iterator[sc2api_pb2.PlayerInfo]:
    """Player 1, who joined, and player 2, whom the map's script commands whatever difficulty was asked for."""
    agents = sc2api_pb2.PlayerInfo(
        player_id=AGENTS,
        type=sc2api_pb2.Participant,
        race_requested=join.race,
        race_actual=actual_race(join.race),
        player_name=join.player_name,
    )
    yield agents
    for computer in create.player_setup:
        if computer.type == sc2api_pb2.Computer:
            yield sc2api_pb2.PlayerInfo(
                player_id=ENEMIES,
                type=sc2api_pb2.Computer,
                race_requested=computer.race,
                race_actual=actual_race(computer.race),
                difficulty=computer.difficulty,
                ai_build=computer.ai_build,
                player_name=computer.player_name,
            )


def actual_race(requested: Any) -> Any:
    """Return the race; terran where it is left open, since it decides nothing on maps that bring their units."""
    return common_pb2.Terran if requested in (common_pb2.NoRace, common_pb2.Random) else requested
