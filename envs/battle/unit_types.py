"""The table of unit types: facts of each, in order of registration, and ``register_unit`` to add one.

The built-in types are those of the *Liberty* data of game version 4.10 (``envs/data/units.json``, in the order of the
game's catalogue); lengths are in cells, times in ticks (16 a second at Normal speed). A type's place in the table is
its ``kind``, by which units are numbered within a team.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from common.registry import Registry, did_you_mean
from envs.battle.state import MAX_KINDS
from envs.checks import Range, typed

INSTANT, MISSILE, BURST, SWEEP, EXPLOSION = 0, 1, 2, 3, 4
DELIVERIES = {"instant": INSTANT, "missile": MISSILE, "burst": BURST, "sweep": SWEEP, "explosion": EXPLOSION}
RACES = ("terran", "protoss", "zerg")
MAX_WEAPONS = 2
FARTHEST_EDGES = 4
"""Cells that the radii of two units add to a range at most."""
DEFAULT_SHOOT_RANGE, DEFAULT_SIGHT_RANGE, DEFAULT_COOLDOWN_SCALE = 6, 9, 15
"""smacv2's values for types that it does not know."""

Facts = dict[str, Any]


@dataclass(frozen=True)
class Assumed:
    """Values that smacv2's Python side keeps of a type beside the game's own numbers."""

    shoot_range: float = DEFAULT_SHOOT_RANGE
    """Cells, in the action mask."""
    sight_range: float = DEFAULT_SIGHT_RANGE
    """Cells, in observations."""
    cooldown_scale: float = DEFAULT_COOLDOWN_SCALE
    """Ticks by which observed cooldowns (of a healer: energies) are divided."""


ASSUMED = {
    "stalker": Assumed(6, 10, 35),
    "zealot": Assumed(0.1, 9, 22),
    "colossus": Assumed(7, 10, 24),
    "zergling": Assumed(0.1, 8, 11),
    "baneling": Assumed(0.25, 8, 1),
    "hydralisk": Assumed(5, 9, 10),
    "marine": Assumed(5, 9, 15),
    "marauder": Assumed(6, 10, 25),
    "medivac": Assumed(4, 11, 200),
}

COUNT = Range(0, 10_000)
RANGES = {
    "hp": Range(0, 100_000, above=True),
    "radius": Range(0, 2, above=True),
    "inner_radius": Range(0, 2),
    "speed_per_loop": Range(0, 1),
    "turn_deg_per_loop": Range(22.5, 180),
    "shoot_range": Range(0, 64),
    "sight_range": Range(0, 64, above=True),
    "cooldown_scale": Range(0, 10_000, above=True),
}
"""Allowed numbers; those that are not listed are ``COUNT``."""
WORDS: dict[str, tuple[str, ...]] = {
    "race": RACES,
    "delivery": tuple(DELIVERIES),
    "planes": ("ground", "air"),
    "attributes": ("light", "armored", "biological", "mechanical", "massive", "structure"),
}


def read(name: str) -> Any:
    """The content of a file in ``envs/data``."""
    return json.loads((files("envs") / "data" / name).read_text("utf-8"))


unit_types: Registry[Facts] = Registry("unit type", hint="envs.register_unit(...)")
for _name, _row in read("units.json").items():
    unit_types.register(_name, _row)


def facts() -> dict[str, Facts]:
    """The unit data by name; a unit's place in it is its ``kind``."""
    return {name: unit_types.get(name) for name in unit_types.ids()}


def assumed(name: str) -> Assumed:
    """Return smacv2's values of a type."""
    own: Assumed | None = unit_types.get(name).get("assumed")
    return own or ASSUMED.get(name, Assumed())


def kind_of(name: str) -> int:
    """The kind index of a unit type.

    Raises:
        ValueError: no such unit type.
    """
    unit_types.get(name)
    return unit_types.ids().index(name)


def types_of(race: str) -> tuple[str, ...]:
    """The registered types of a race that are not the game's own, in order of registration."""
    return tuple(name for name, row in facts().items() if "assumed" in row and row["race"] == race)


@cache
def catalogs() -> dict[str, dict[str, Any]]:
    """Return what single maps change in the data: ``{map: {unit: {"weapons": {name: fields}, "heal": fields}}}``."""
    changes: dict[str, dict[str, Any]] = read("catalog.json")
    return changes


def facts_of(catalog: str) -> list[Facts]:
    """The unit data in the order of kinds, with the changes of one map's catalogue; "" changes nothing."""
    changes = catalogs()[catalog] if catalog else {}
    rows = []
    for name, row in facts().items():
        change = changes.get(name, {})
        weapons = [weapon | change.get("weapons", {}).get(weapon["name"], {}) for weapon in row["weapons"]]
        heal = row["heal"] and row["heal"] | change.get("heal", {})
        rows.append(row | {"weapons": weapons, "heal": heal})
    return rows


def register_unit(
    name: str,
    *,
    like: str,
    weapons: Sequence[Mapping[str, Any]] | None = None,
    heal: Mapping[str, Any] | None = None,
    shoot_range: float | None = None,
    sight_range: float | None = None,
    cooldown_scale: float | None = None,
    **changes: Any,
) -> None:
    """Add a unit type that scenarios may use; it takes its place after those registered before.

    Args:
        name: of the new type.
        like: a registered type, which supplies what is not given.
        weapons: one mapping a weapon, at most two, with the fields of the data file that differ from the weapon of
            ``like`` in the same place (its last one where it has fewer, a marine's where it has none).
        heal: fields that differ from those of ``like``, a healer.
        shoot_range: cells in the action mask; left out: the greatest range of the weapons, where those are given.
        sight_range: cells in observations.
        cooldown_scale: ticks by which observed cooldowns are divided; of a healer, its greatest energy.
        **changes: fields of ``envs/data/units.json``, for example ``hp=60`` or ``speed_per_loop=0.2``.

    Raises:
        ValueError: the name is taken, ``like`` is unknown, too many types, or a field that is unknown or out of range.
    """
    model, before = unit_types.get(like), assumed(like)
    if len(unit_types) >= MAX_KINDS:
        raise ValueError(f"unit type {name!r}: the engine holds {MAX_KINDS} types, all of them are registered")
    row = model | _changed(f"unit type {name!r}", model, changes)
    if weapons is not None:
        models = model["weapons"] or unit_types.get("marine")["weapons"]
        row["weapons"] = _weapons(f"unit type {name!r}", models, weapons)
    if heal is not None:
        if not model["heal"]:
            raise ValueError(f"unit type {name!r}: heal={dict(heal)!r}, but {like} does not heal; use like='medivac'")
        row["heal"] = model["heal"] | _changed(f"heal of unit type {name!r}", model["heal"], heal)
    if shoot_range is None:
        given = weapons is not None and row["weapons"]
        shoot_range = max(weapon["range"] for weapon in row["weapons"]) if given else before.shoot_range
    values = dict(
        shoot_range=shoot_range,
        sight_range=before.sight_range if sight_range is None else sight_range,
        cooldown_scale=before.cooldown_scale if cooldown_scale is None else cooldown_scale,
    )
    row["assumed"] = Assumed(**{key: _number(f"unit type {name!r}", key, value) for key, value in values.items()})
    _refuse_unplayable(f"unit type {name!r}", row)
    unit_types.register(name, row)


def _refuse_unplayable(label: str, row: Facts) -> None:
    """Refuse fields that the engine cannot play together, though each is within its range.

    Raises:
        ValueError: which they are, and what they need.
    """
    if "ground" not in row["planes"] and row["collides_with_ground"]:
        raise ValueError(f"{label}: planes {row['planes']} go with collides_with_ground=False")
    for place, weapon in enumerate(row["weapons"]):
        needs = _lacks(weapon)
        if needs:
            raise ValueError(f"weapon {place} of {label}: delivery {weapon['delivery']!r} needs {needs}")
    if len(row["weapons"]) == MAX_WEAPONS:
        first, second = row["weapons"]
        near = second["range"] < first["range"] and second["hits_ground"] and not second["hits_air"]
        if not (near and first["hits_ground"]):
            raise ValueError(
                f"{label}: the second weapon is for ground targets that are near: hits_ground=True of both, "
                "hits_air=False and a shorter range of the second"
            )


def _lacks(weapon: Facts) -> str:
    """What a weapon needs for its delivery and has not; empty where nothing is missing."""
    delivery, flight = weapon["delivery"], weapon["range"] + FARTHEST_EDGES
    if delivery == "missile" and not 0 < flight <= weapon["missile_speed_per_loop"] * weapon["period_loops"]:
        return f"a missile_speed_per_loop with which {flight:g} cells are flown within period_loops"
    if delivery == "burst" and weapon["second_hit_loops"] <= 0:
        return "second_hit_loops above 0"
    if delivery == "explosion" and weapon["splash_radius"] <= 0:
        return "a splash_radius above 0"
    if delivery in ("explosion", "sweep") and (weapon["hits_air"] or not weapon["hits_ground"]):
        return "hits_ground=True and hits_air=False"
    return ""


def _weapons(label: str, models: Sequence[Facts], given: Sequence[Mapping[str, Any]]) -> list[Facts]:
    if isinstance(given, Mapping) or len(given) > MAX_WEAPONS:
        raise ValueError(f"{label}: weapons must be a list of at most {MAX_WEAPONS} mappings, given is {given!r}")
    made = []
    for place, changes in enumerate(given):
        model = models[min(place, len(models) - 1)]
        made.append(model | _changed(f"weapon {place} of {label}", model, changes))
    return made


def _changed(label: str, model: Facts, changes: Mapping[str, Any]) -> Facts:
    """The changes, each of the type of the field that it replaces and within its range."""
    known = [field for field in model if field not in ("weapons", "heal", "assumed")]
    for field in changes:
        if field not in known:
            hint = did_you_mean(field, known)
            raise ValueError(f"{label} has no field {field!r}: {hint}allowed: {', '.join(known)}")
    return {field: _value(label, field, value, model[field]) for field, value in changes.items()}


def _value(label: str, field: str, value: Any, before: Any) -> Any:
    if isinstance(before, bool):
        return typed(f"{field} of {label}", value, bool)
    if isinstance(before, int | float):
        return _number(label, field, value)
    several = isinstance(before, list) and isinstance(value, list | tuple)
    words = list(value) if several else [value]
    allowed = WORDS.get(field)
    if not all(isinstance(word, str) and (allowed is None or word in allowed) for word in words) or not words:
        raise ValueError(f"{field} of {label} is {value!r}, allowed: {', '.join(allowed or ('a name',))}")
    return words if isinstance(before, list) else value  # one word stands for a list of it


def _number(label: str, field: str, value: Any) -> float:
    number: float = typed(f"{field} of {label}", value, float)
    allowed = RANGES.get(field, COUNT)
    if number not in allowed:
        raise ValueError(f"{field} of {label} is {number:g}, allowed is {allowed}")
    return number
