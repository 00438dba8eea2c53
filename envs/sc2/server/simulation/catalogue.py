"""Unit ids: Blizzard's own, and those of the passive copies that a map brings for the agents.

A client finds a map's copies at the end of the game's data, in alphabetical order: SMACv2 takes the last nine.
"""

from __future__ import annotations

from typing import Any

from s2clientprotocol import common_pb2, data_pb2

from envs.battle.snapshots.game_state import AGENTS
from envs.battle.state import TICKS_PER_SECOND
from envs.battle.unit_types import ASSUMED, facts, facts_of
from envs.sc2.server.simulation.maps import Battlefield

# Blizzard's stableid.json.
STOCK_IDS = {
    "baneling": 9, "colossus": 4, "hydralisk": 107, "marauder": 51, "marine": 48, "medivac": 54, "overlord": 106,
    "reaper": 49, "roach": 110, "spine_crawler": 98, "stalker": 74, "zealot": 73, "zergling": 105,
}  # fmt: skip
STOCK_COUNT = 1970  # entries of game version 4.10 before a map adds its own
SIGHTS: dict[str, float] = {"overlord": 11, "reaper": 9, "roach": 9, "spine_crawler": 11}
SIGHTS |= {name: known.sight_range for name, known in ASSUMED.items()}
# What the extra maps change; of these the agents' copies of overlord and zergling, and all roaches and reapers.
SHORT_SIGHTS = {"overlord": 4, "reaper": 4, "roach": 4, "zergling": 2}
MAPS_OF_SHORT_SIGHT = ("1o_10b_vs_1r", "1o_2r_vs_4r")


def title(kind: str) -> str:
    """``spine_crawler`` as the game writes it: ``SpineCrawler``."""
    return kind.title().replace("_", "")


class Catalogue:
    """The unit types of one map.

    Args:
        battlefield: the map.
    """

    def __init__(self, battlefield: Battlefield) -> None:
        self.battlefield = battlefield
        self._copies = {kind: STOCK_COUNT + i for i, kind in enumerate(battlefield.learners)}
        self._kinds = {number: (kind, False) for kind, number in STOCK_IDS.items()}
        self._kinds |= {number: (kind, True) for kind, number in self._copies.items()}
        self._facts = dict(zip(facts(), facts_of(battlefield.catalog), strict=True))

    def kind_of(self, unit_id: int) -> tuple[str, bool]:
        """The engine's name of a unit type, and whether it is a passive copy.

        Raises:
            ValueError: the engine does not have this unit.
        """
        if unit_id not in self._kinds:
            known = ", ".join(f"{number} ({kind})" for number, (kind, _) in sorted(self._kinds.items()))
            raise ValueError(f"the stand-in game has no unit type {unit_id}; it has {known}")
        return self._kinds[unit_id]

    def id_of(self, kind: str, owner: int) -> int:
        """The unit type that a map's script creates for this player: agents get the copy where there is one."""
        if owner == AGENTS and kind in self._copies:
            return self._copies[kind]
        return STOCK_IDS[kind]

    def sight_of(self, unit_id: int) -> float:
        """Sight range in cells."""
        kind, passive = self.kind_of(unit_id)
        changed = self.battlefield.name in MAPS_OF_SHORT_SIGHT and (passive or kind in ("roach", "reaper"))
        return SHORT_SIGHTS.get(kind, SIGHTS[kind]) if changed else SIGHTS[kind]

    def rows(self) -> list[data_pb2.UnitTypeData]:
        """Every entry of the game's data about units, in the order of ids; all but ours only have a number."""
        count = STOCK_COUNT + len(self._copies)
        return [
            self._row(number) if number in self._kinds else data_pb2.UnitTypeData(unit_id=number)
            for number in range(count)
        ]

    def _row(self, number: int) -> data_pb2.UnitTypeData:
        kind, passive = self._kinds[number]
        fact = self._facts[kind]
        return data_pb2.UnitTypeData(
            unit_id=number,
            name=title(kind) + ("_RL" if passive else ""),
            available=True,
            race=common_pb2.Race.Value(fact["race"].title()),
            sight_range=self.sight_of(number),
            attributes=[data_pb2.Attribute.Value(name.title()) for name in fact["attributes"]],
            movement_speed=fact["speed_per_loop"] * TICKS_PER_SECOND,
            armor=fact["armor"],
            weapons=[_weapon(entry) for entry in fact["weapons"]],
        )


def _weapon(entry: dict[str, Any]) -> data_pb2.Weapon:
    planes = {(True, True): data_pb2.Weapon.Any, (True, False): data_pb2.Weapon.Ground}
    bonus = [
        data_pb2.DamageBonus(attribute=data_pb2.Attribute.Value(name.title()), bonus=entry[f"bonus_{name}"])
        for name in ("light", "armored")
        if entry[f"bonus_{name}"]
    ]
    return data_pb2.Weapon(
        type=planes.get((entry["hits_ground"], entry["hits_air"]), data_pb2.Weapon.Air),
        damage=entry["damage"],
        damage_bonus=bonus,
        attacks=2 if entry["delivery"] in ("burst", "sweep") else 1,
        range=entry["range"],
        speed=entry["period_loops"] / TICKS_PER_SECOND,
    )
