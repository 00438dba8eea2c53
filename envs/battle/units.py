"""Properties of all unit types, as one record of tables that compiled code indexes by kind.

Lengths and speeds are rounded to the game's grid of 1/4096.
"""

from __future__ import annotations

import math
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.readings import Readings
from envs.battle.state import FLAG, MAX_KINDS, fields, record
from envs.battle.unit_types import DELIVERIES, facts_of

GRID = 4096.0
# What a body takes room on. Colossi stride over cliffs and over everybody but each other.
IN_THE_AIR, ON_FOOT, STRIDING = 0, 1, 2
MAX_TURNS = 8  # ticks in which the slowest, the spine crawler, turns round
BEARS_ANYWAY = -2.0  # less than any cosine


Rows = list[dict[str, Any]]
"""Facts of the unit types, in the order of kinds."""


by_kind, by_weapon = partial(fields, (MAX_KINDS,)), partial(fields, (MAX_KINDS, 2))
by_pair = partial(fields, (MAX_KINDS, MAX_KINDS))
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


def unit_table(catalog: str = "", readings: Readings | None = None) -> NDArray[np.void]:
    """One record with every table, built from the data file.

    Args:
        catalog: the map whose changes hold.
        readings: of the undocumented rules; None: the defaults.
    """
    read = readings or Readings()
    rows = facts_of(catalog)
    relations = dict(
        can_attack=pairs(rows, can_attack, bool),
        threatens=pairs(rows, lambda a, b: threat(a, b, read.medivac_priority), np.int64),
        damage=damage_table(rows),
        cos_turns=turn_table(rows),
    )
    return record(
        UNITS, body_values(rows, read.bodies) | weapon_values(rows, read.acquire_range) | heal_values(rows) | relations
    )


def body_values(rows: Rows, bodies: str) -> dict[str, NDArray[Any]]:
    """What a unit is, without its weapons: (kinds,) each; cells, ticks, and cells a tick."""
    room = "inner_radius" if bodies == "inner" else "radius"
    as_they_are = dict(
        hp="hp",
        shield="shield",
        armor="armor",
        hp_regen="hp_regen_per_loop",
        shield_regen="shield_regen_per_loop",
        shield_delay="shield_regen_delay_loops",
        energy_start="energy_start",
        energy_max="energy_max",
        energy_regen="energy_regen_per_loop",
        acceleration="acceleration_per_loop2",
        radius="radius",
        has_turret="has_turret",
    )
    return {name: column(rows, itemgetter(field), UNITS[name].base) for name, field in as_they_are.items()} | dict(
        speed=column(rows, lambda row: on_grid(row["speed_per_loop"])),
        floor=column(rows, floor, np.int64),
        body=column(rows, lambda row: row[room] if floor(row) != IN_THE_AIR else 0.0),
        is_ground=column(rows, lambda row: "ground" in row["planes"], bool),
        is_biological=column(rows, lambda row: "biological" in row["attributes"], bool),
    )


def weapon_values(rows: Rows, acquire_range: str) -> dict[str, NDArray[Any]]:
    """Its weapons, at most two: (kinds, 2) each; (kinds,) what concerns all of them."""

    def each(get: Any, dtype: Any = np.float64) -> NDArray[Any]:
        table = np.zeros((len(rows), 2), dtype=dtype)
        for kind, row in enumerate(rows):
            for slot, entry in enumerate(row["weapons"]):
                table[kind, slot] = get(entry, row)
        return table

    return dict(
        weapons=column(rows, lambda row: len(row["weapons"]), np.int64),
        explodes=column(rows, lambda row: any(w["delivery"] == "explosion" for w in row["weapons"]), bool),
        explosion_radius=column(rows, explosion_radius),
        delivery=each(lambda w, _: DELIVERIES[w["delivery"]], np.int64),
        range=each(lambda w, _: on_grid(w["range"])),
        range_slop=each(lambda w, _: w["range_slop"]),
        scan_range=each(lambda w, row: on_grid(w["scan_range"] - row["radius"] * (acquire_range == "target_edge"))),
        period=each(lambda w, _: w["period_loops"]),
        damage_point=each(lambda w, _: w["damage_point_loops"]),
        second_hit=each(lambda w, _: w["second_hit_loops"]),
        missile_speed=each(lambda w, _: w["missile_speed_per_loop"]),
    )


def explosion_radius(row: dict[str, Any]) -> float:
    """The greatest splash radius of its weapons, cells."""
    return on_grid(max((weapon["splash_radius"] for weapon in row["weapons"]), default=0))


def heal_values(rows: Rows) -> dict[str, NDArray[Any]]:
    """How it heals others, (kinds,) each; zeros where it does not."""
    fields = dict(
        heal_range="range",
        heal_slop="range_slop",
        heal_rate="hp_per_loop",
        heal_cost="energy_per_hp",
        autocast_range="autocast_range",
        autocast_energy="autocast_min_energy",
    )
    healers = [row["heal"] or dict.fromkeys(fields.values(), 0.0) for row in rows]
    values = {name: column(healers, itemgetter(field)) for name, field in fields.items()}
    return values | dict(heals=column(rows, lambda row: row["heal"] is not None, bool))


def column(rows: Rows, get: Any, dtype: Any = np.float64) -> NDArray[Any]:
    """(kinds,) values, one of each row."""
    return np.array([get(row) for row in rows], dtype=dtype)


def turn_table(rows: Rows) -> NDArray[np.float64]:
    """Cosines of the largest angles to a target that so many ticks of turning bring into a weapon's arc."""
    table = np.full((len(rows), 2, MAX_TURNS), BEARS_ANYWAY)
    for kind, row in enumerate(rows):
        for slot, weapon in enumerate(row["weapons"]):
            for index in range(MAX_TURNS):
                angle = (index + 1) * row["turn_deg_per_loop"] + weapon["arc_deg"] / 2
                if angle < 180.0:
                    table[kind, slot, index] = math.cos(math.radians(angle))
    return table


def pairs(rows: Rows, get: Any, dtype: Any) -> NDArray[Any]:
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


def damage_table(rows: Rows) -> NDArray[np.float64]:
    table = np.zeros((len(rows), 2, len(rows)))
    for i, attacker in enumerate(rows):
        for slot, weapon in enumerate(attacker["weapons"]):
            for j, target in enumerate(rows):
                bonus = sum(weapon[f"bonus_{name}"] for name in ("light", "armored") if name in target["attributes"])
                table[i, slot, j] = weapon["damage"] + bonus
    return table
