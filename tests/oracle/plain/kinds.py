"""What a unit type is: the facts of the data files as objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from envs.battle.readings import Readings
from envs.battle.unit_types import facts, facts_of
from tests.oracle.plain.geometry import on_grid


@dataclass(frozen=True)
class Weapon:
    """One weapon; lengths in cells, times in ticks."""

    delivery: str
    damage: float
    bonus: dict[str, float]
    planes: frozenset[str]
    range: float
    slop: float
    scan: float
    period: float
    damage_point: float
    second_hit: float
    missile_speed: float
    splash: float
    turns: tuple[float, ...]
    """Cosines of the angles from which it bears within one, two … ticks of turning, as far as they are below 180°."""

    def hit_on(self, target: Kind) -> float:
        """Damage of one hit before armour."""
        return self.damage + sum(extra for attribute, extra in self.bonus.items() if attribute in target.attributes)


@dataclass(frozen=True)
class Healing:
    """What a medivac can do."""

    range: float
    slop: float
    rate: float
    cost: float
    search: float
    least_energy: float


@dataclass(frozen=True, eq=False)
class Kind:
    """One unit type; ``number`` is its place in the game's catalogue."""

    number: int
    name: str
    hp: float
    shield: float
    armor: float
    hp_regen: float
    shield_regen: float
    shield_delay: float
    energy: float
    energy_most: float
    energy_regen: float
    speed: float
    acceleration: float
    radius: float
    body: float
    """Radius that it keeps from others on its floor."""
    floor: str
    """``air``; ``foot``; or ``stride``, over cliffs and over everybody but its like."""
    planes: frozenset[str]
    attributes: frozenset[str]
    always_threatens: bool
    has_turret: bool
    """It turns on its own: what it aims at need not lie ahead."""
    rank: int | None
    """As a target of another's own choice, where a reading fixes it: 0 harmless, 1 a threat, 2 above all."""
    weapons: tuple[Weapon, ...]
    healing: Healing | None

    def can_attack(self, other: Kind) -> bool:
        """Whether a weapon reaches the other's plane."""
        return any(weapon.planes & other.planes for weapon in self.weapons)

    def threat_to(self, other: Kind) -> int:
        """Idle units of the other kind turn first to what ranks highest."""
        return int(self.always_threatens or self.can_attack(other)) if self.rank is None else self.rank

    @property
    def scan(self) -> float:
        return self.weapons[0].scan

    @property
    def on_ground(self) -> bool:
        return "ground" in self.planes

    @property
    def biological(self) -> bool:
        return "biological" in self.attributes

    @property
    def blast(self) -> Weapon | None:
        """The weapon that is its own death."""
        return next((weapon for weapon in self.weapons if weapon.delivery == "explosion"), None)


def read_kinds(catalog: str, readings: Readings) -> dict[str, Kind]:
    """All kinds by name, as one map's catalogue has them."""
    rows = zip(facts(), facts_of(catalog), strict=True)
    return {name: read_kind(number, name, row, readings) for number, (name, row) in enumerate(rows)}


def read_kind(number: int, name: str, row: dict[str, Any], readings: Readings) -> Kind:
    behind = row["radius"] if readings.acquire_range == "target_edge" else 0.0
    above = "stride" if "ground" in row["planes"] else "air"
    return Kind(
        number=number,
        name=name,
        hp=row["hp"],
        shield=row["shield"],
        armor=row["armor"],
        hp_regen=row["hp_regen_per_loop"],
        shield_regen=row["shield_regen_per_loop"],
        shield_delay=row["shield_regen_delay_loops"],
        energy=row["energy_start"],
        energy_most=row["energy_max"],
        energy_regen=row["energy_regen_per_loop"],
        speed=on_grid(row["speed_per_loop"]),
        acceleration=row["acceleration_per_loop2"],
        radius=row["radius"],
        body=row["radius" if readings.bodies == "full" else "inner_radius"],
        floor="foot" if row["collides_with_ground"] else above,
        planes=frozenset(row["planes"]),
        attributes=frozenset(row["attributes"]),
        always_threatens=row["always_threatens"],
        has_turret=row["has_turret"],
        rank={"equal": None, "first": 2, "last": 0}[readings.medivac_priority] if row["heal"] else None,
        weapons=tuple(read_weapon(entry, row["turn_deg_per_loop"], behind) for entry in row["weapons"]),
        healing=read_healing(row["heal"]) if row["heal"] else None,
    )


def read_weapon(entry: dict[str, Any], turn: float, behind: float) -> Weapon:
    hits = {"ground": entry["hits_ground"], "air": entry["hits_air"]}
    angles = takewhile(lambda angle: angle < 180.0, (ticks * turn + entry["arc_deg"] / 2 for ticks in count(1)))
    return Weapon(
        delivery=entry["delivery"],
        damage=entry["damage"],
        bonus={"light": entry["bonus_light"], "armored": entry["bonus_armored"]},
        planes=frozenset(plane for plane, hit in hits.items() if hit),
        range=on_grid(entry["range"]),
        slop=entry["range_slop"],
        scan=on_grid(entry["scan_range"] - behind),
        period=entry["period_loops"],
        damage_point=entry["damage_point_loops"],
        second_hit=entry["second_hit_loops"],
        missile_speed=entry["missile_speed_per_loop"],
        splash=on_grid(entry["splash_radius"]),
        turns=tuple(math.cos(math.radians(angle)) for angle in angles),
    )


def read_healing(entry: dict[str, Any]) -> Healing:
    return Healing(
        range=entry["range"],
        slop=entry["range_slop"],
        rate=entry["hp_per_loop"],
        cost=entry["energy_per_hp"],
        search=entry["autocast_range"],
        least_energy=entry["autocast_min_energy"],
    )
