"""Properties of all unit types, as one record of tables that compiled code indexes by kind.

Lengths and speeds are rounded to the game's grid of 1/4096.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from envs.battle.readings import Readings
from envs.battle.state import FLAG, MAX_KINDS, Field, record
from envs.battle.unit_types import DELIVERIES, facts_of

GRID = 4096.0
# What a body takes room on. Colossi stride over cliffs and over everybody but each other.
IN_THE_AIR, ON_FOOT, STRIDING = 0, 1, 2
MAX_TURNS = 8  # ticks in which the slowest, the spine crawler, turns round
BEARS_ANYWAY = -2.0  # less than any cosine


def by_kind(dtype: DTypeLike, names: str) -> list[Field]:
    return [(name, dtype, (MAX_KINDS,)) for name in names.split()]


def by_weapon(dtype: DTypeLike, names: str) -> list[Field]:
    return [(name, dtype, (MAX_KINDS, 2)) for name in names.split()]


def by_pair(dtype: DTypeLike, names: str) -> list[Field]:
    return [(name, dtype, (MAX_KINDS, MAX_KINDS)) for name in names.split()]


UNITS = np.dtype(
    [
        *by_kind(np.float64, "hp shield armor hp_regen shield_regen shield_delay"),
        *by_kind(np.float64, "energy_start energy_max energy_regen speed acceleration radius"),
        *by_kind(np.int64, "floor"),  # IN_THE_AIR, ON_FOOT or STRIDING
        *by_kind(np.float64, "body"),  # centres of two kinds on one floor keep at least both bodies apart; 0 in the air
        *by_kind(FLAG, "is_ground"),  # hit by ground weapons
        *by_kind(FLAG, "is_biological explodes has_turret"),
        *by_kind(np.float64, "explosion_radius"),
        *by_pair(FLAG, "can_attack"),  # the row's weapons reach the column's plane
        *by_pair(np.int64, "threatens"),  # rank of the column as the row's target: 0 harmless, 1 a threat, 2 first
        *by_kind(np.int64, "weapons"),  # number of weapons, 0..2; the second is a melee copy with the same cooldown
        *by_weapon(np.int64, "delivery"),
        ("damage", np.float64, (MAX_KINDS, 2, MAX_KINDS)),  # of one hit on the last axis' kind, before armour
        *by_weapon(np.float64, "range range_slop scan_range period damage_point second_hit missile_speed"),
        ("cos_turns", np.float64, (MAX_KINDS, 2, MAX_TURNS)),  # of angles from which it bears within 1, 2, … ticks
        *by_kind(FLAG, "heals"),
        *by_kind(np.float64, "heal_range heal_slop heal_rate"),
        *by_kind(np.float64, "heal_cost"),  # energy per hp
        *by_kind(np.float64, "autocast_range autocast_energy"),
    ],
    align=True,
)


def on_grid(length: float) -> float:
    """The nearest multiple of 1/4096."""
    return round(length * GRID) / GRID


def table_for(catalog: str, readings: Readings) -> NDArray[np.void]:
    """``unit_table`` as some readings have it."""
    return unit_table(catalog, readings.medivac_priority, readings.acquire_range, readings.bodies)


def unit_table(
    catalog: str = "",
    medivac_priority: str = Readings.medivac_priority,
    acquire_range: str = Readings.acquire_range,
    bodies: str = Readings.bodies,
) -> NDArray[np.void]:
    """One record with every table, built from the data file.

    Args:
        catalog: the map whose changes hold.
        medivac_priority, acquire_range, bodies: as in ``Readings``.
    """
    rows = facts_of(catalog)
    room = "inner_radius" if bodies == "inner" else "radius"
    count = len(rows)

    def column(get: Any, dtype: Any = np.float64) -> NDArray[Any]:
        return np.array([get(row) for row in rows], dtype=dtype)

    def weapon(get: Any, dtype: Any = np.float64) -> NDArray[Any]:
        table = np.zeros((count, 2), dtype=dtype)
        for kind, row in enumerate(rows):
            for slot, entry in enumerate(row["weapons"]):
                table[kind, slot] = get(entry, row)
        return table

    def heal(name: str) -> NDArray[np.float64]:
        return column(lambda row: row["heal"][name] if row["heal"] else 0.0)

    tables = dict(
        hp=column(lambda row: row["hp"]),
        shield=column(lambda row: row["shield"]),
        armor=column(lambda row: row["armor"]),
        hp_regen=column(lambda row: row["hp_regen_per_loop"]),
        shield_regen=column(lambda row: row["shield_regen_per_loop"]),
        shield_delay=column(lambda row: row["shield_regen_delay_loops"]),
        energy_start=column(lambda row: row["energy_start"]),
        energy_max=column(lambda row: row["energy_max"]),
        energy_regen=column(lambda row: row["energy_regen_per_loop"]),
        speed=column(lambda row: on_grid(row["speed_per_loop"])),
        acceleration=column(lambda row: row["acceleration_per_loop2"]),
        radius=column(lambda row: row["radius"]),
        floor=column(floor, np.int64),
        body=column(lambda row: row[room] if floor(row) != IN_THE_AIR else 0.0),
        is_ground=column(lambda row: "ground" in row["planes"], bool),
        is_biological=column(lambda row: "biological" in row["attributes"], bool),
        has_turret=column(lambda row: row["has_turret"], bool),
        explodes=column(lambda row: any(w["delivery"] == "explosion" for w in row["weapons"]), bool),
        explosion_radius=column(lambda row: on_grid(max([w["splash_radius"] for w in row["weapons"]], default=0))),
        can_attack=pairs(rows, can_attack, bool),
        threatens=pairs(rows, lambda a, b: threat(a, b, medivac_priority), np.int64),
        weapons=column(lambda row: len(row["weapons"]), np.int64),
        delivery=weapon(lambda w, _: DELIVERIES[w["delivery"]], np.int64),
        damage=damage_table(rows),
        range=weapon(lambda w, _: on_grid(w["range"])),
        range_slop=weapon(lambda w, _: w["range_slop"]),
        scan_range=weapon(lambda w, row: on_grid(w["scan_range"] - row["radius"] * (acquire_range == "target_edge"))),
        period=weapon(lambda w, _: w["period_loops"]),
        damage_point=weapon(lambda w, _: w["damage_point_loops"]),
        second_hit=weapon(lambda w, _: w["second_hit_loops"]),
        missile_speed=weapon(lambda w, _: w["missile_speed_per_loop"]),
        cos_turns=turn_table(rows),
        heals=column(lambda row: row["heal"] is not None, bool),
        heal_range=heal("range"),
        heal_slop=heal("range_slop"),
        heal_rate=heal("hp_per_loop"),
        heal_cost=heal("energy_per_hp"),
        autocast_range=heal("autocast_range"),
        autocast_energy=heal("autocast_min_energy"),
    )
    return record(UNITS, tables)


def turn_table(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Cosines of the largest angles to a target that so many ticks of turning bring into a weapon's arc."""
    table = np.full((len(rows), 2, MAX_TURNS), BEARS_ANYWAY)
    for kind, row in enumerate(rows):
        for slot, weapon in enumerate(row["weapons"]):
            for index in range(MAX_TURNS):
                angle = (index + 1) * row["turn_deg_per_loop"] + weapon["arc_deg"] / 2
                if angle < 180.0:
                    table[kind, slot, index] = math.cos(math.radians(angle))
    return table


def pairs(rows: list[dict[str, Any]], get: Any, dtype: Any) -> NDArray[Any]:
    return np.array([[get(a, b) for b in rows] for a in rows], dtype=dtype)


def floor(row: dict[str, Any]) -> int:
    if row["collides_with_ground"]:
        return ON_FOOT
    return STRIDING if "ground" in row["planes"] else IN_THE_AIR


def can_attack(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return any(
        (w["hits_ground"] and "ground" in b["planes"]) or (w["hits_air"] and "air" in b["planes"]) for w in a["weapons"]
    )


def threat(a: dict[str, Any], b: dict[str, Any], medivac_priority: str) -> int:
    """Rank of unit b as a target of unit a's own choice."""
    if b["heal"] and medivac_priority != "equal":
        return 2 if medivac_priority == "first" else 0
    return int(can_attack(b, a) or b["always_threatens"])


def damage_table(rows: list[dict[str, Any]]) -> NDArray[np.float64]:
    table = np.zeros((len(rows), 2, len(rows)))
    for i, attacker in enumerate(rows):
        for slot, weapon in enumerate(attacker["weapons"]):
            for j, target in enumerate(rows):
                bonus = sum(weapon[f"bonus_{name}"] for name in ("light", "armored") if name in target["attributes"])
                table[i, slot, j] = weapon["damage"] + bonus
    return table
