"""What stays the same in a game: the map, its players, and the rules (``ResponseGameInfo``, ``ResponseData``).

Rows of a grid start at the bottom of the map. Grids of bits hold eight cells a byte, the westernmost in the highest
bit; heights are bytes, 255 / 32 a cell above -16.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import common_pb2, data_pb2, raw_pb2, sc2api_pb2

from envs.battle import terrain
from envs.battle.snapshots.game_state import AGENTS, ENEMIES
from envs.battle.state import MAP_CELLS
from envs.sc2.server.messages import orders
from envs.sc2.server.simulation.catalogue import Catalogue
from envs.sc2.server.simulation.maps import Battlefield

WHOLE_MAP = common_pb2.Size2DI(x=MAP_CELLS, y=MAP_CELLS)


NOTHING, UNIT, ANY = (data_pb2.AbilityData.Target.Value(name) for name in ("None", "Unit", "PointOrUnit"))


def _ability(
    number: int, friendly_name: str, target: Any, *, link: str = "", button: str = "", general: int | None = None
) -> data_pb2.AbilityData:
    return data_pb2.AbilityData(
        ability_id=number,
        link_name=link,
        button_name=button,
        friendly_name=friendly_name,
        target=target,
        remaps_to_ability_id=general,
        available=True,
        allow_minimap=target == ANY,
        allow_autocast=target == UNIT,
    )


ABILITIES = (
    _ability(orders.SMART, "Smart", ANY),
    _ability(orders.STOP, "Stop Stop", NOTHING, link="stop", button="Stop", general=3665),
    _ability(orders.MOVE, "Move Move", ANY, link="move", button="Move", general=3794),
    _ability(orders.PATROL, "Patrol Patrol", ANY, link="move", button="Patrol", general=3795),
    _ability(orders.HOLD, "HoldPosition Hold", NOTHING, link="move", button="HoldPos", general=3793),
    _ability(orders.SCAN_MOVE, "Scan Move", ANY, link="move", button="AcquireMove", general=3674),
    _ability(orders.ATTACK, "Attack Attack", ANY, link="attack", button="Attack", general=3674),
    _ability(orders.HEAL, "Effect Heal", UNIT, link="MedivacHeal", button="Heal"),
    _ability(3665, "Stop", NOTHING),
    _ability(3674, "Attack", ANY),
    _ability(3793, "HoldPosition", NOTHING),
    _ability(3794, "Move", ANY),
    _ability(3795, "Patrol", ANY),
)
"""Commands of the units that the engine knows, then the general ones that stand for several of them.

Source: ids and names of Blizzard's stableid.json for game version 4.10.
"""


def data(request: sc2api_pb2.RequestData, catalogue: Catalogue) -> sc2api_pb2.ResponseData:
    """The tables asked for; nothing on these maps has upgrades, buffs or effects, so those are empty."""
    return sc2api_pb2.ResponseData(
        abilities=ABILITIES if request.ability_id else (),
        units=catalogue.rows() if request.unit_type_id else (),
    )


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
