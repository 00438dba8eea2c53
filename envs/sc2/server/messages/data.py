"""``ResponseData``: every unit type, and the commands that units here take."""

from __future__ import annotations

from typing import Any

from s2clientprotocol import data_pb2, sc2api_pb2

from envs.sc2.server.simulation.catalogue import Catalogue

TARGETS = data_pb2.AbilityData.Target
NOTHING: Any = TARGETS.Value("None")  # a name that Python keeps for itself
UNIT, ANY = TARGETS.Value("Unit"), TARGETS.Value("PointOrUnit")


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
    _ability(1, "Smart", ANY),
    _ability(4, "Stop Stop", NOTHING, link="stop", button="Stop", general=3665),
    _ability(16, "Move Move", ANY, link="move", button="Move", general=3794),
    _ability(17, "Patrol Patrol", ANY, link="move", button="Patrol", general=3795),
    _ability(18, "HoldPosition Hold", NOTHING, link="move", button="HoldPos", general=3793),
    _ability(19, "Scan Move", ANY, link="move", button="AcquireMove", general=3674),
    _ability(23, "Attack Attack", ANY, link="attack", button="Attack", general=3674),
    _ability(386, "Effect Heal", UNIT, link="MedivacHeal", button="Heal"),
    _ability(3665, "Stop", NOTHING),
    _ability(3674, "Attack", ANY),
    _ability(3793, "HoldPosition", NOTHING),
    _ability(3794, "Move", ANY),
    _ability(3795, "Patrol", ANY),
)
"""Commands of the units that the engine knows, then the general ones that stand for several of them.

Source: ids and names of Blizzard's stableid.json for game version 4.10.
"""


def answer(request: sc2api_pb2.RequestData, catalogue: Catalogue) -> sc2api_pb2.ResponseData:
    """The tables asked for; nothing on these maps has upgrades, buffs or effects, so those are empty."""
    return sc2api_pb2.ResponseData(
        abilities=ABILITIES if request.ability_id else (),
        units=catalogue.rows() if request.unit_type_id else (),
    )
