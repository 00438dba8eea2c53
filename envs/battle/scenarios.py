"""A scenario: who fights whom, where they start, for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from envs.battle import terrain
from envs.battle.state import MAP_CELLS, MAX_CHOICES, MAX_SIDE, MAX_SPOTS, MAX_TYPES, MAX_UNITS
from envs.battle.unit_types import catalogs, facts, read, types_of
from envs.checks import typed_options, whole_number

# The order in which smacv2 gives type bits to the units of a race; ``unit_type`` arrays use the same index.
TYPE_ORDER = {
    "terran": ("marine", "marauder", "medivac"),
    "protoss": ("stalker", "zealot", "colossus"),
    "zerg": ("zergling", "hydralisk", "baneling"),
}
STARTS = ("surrounded_and_reflect", "surrounded", "reflect", "points", "spots")
SCRIPTS = ("attack_closest", "march", "attack_once", "none")

MAX_TYPE_BITS = 64
MAX_EPISODE = 1_000_000
"""env_steps; the game's longest map has 400."""

Rectangle = tuple[float, float, float, float]  # left, bottom, right, top; a point has no extent


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One registered fight; everything else about it is an option of the battle.

    Raises:
        ValueError: a field is not one the engine can play; the message lists what it can.
    """

    race: str
    """``terran``, ``protoss`` or ``zerg``: decides shield features and, for random teams, types and medivac rules."""
    enemy_race: str = ""
    """The enemies' race; empty: the agents'."""
    n_agents: int
    """N allied units."""
    n_enemies: int
    """M enemy units. Enemy i has the type of ally i; those beyond N are drawn as well (smacv2's ``weighted_teams``)."""
    unit_types: tuple[str, ...]
    """The types that can appear."""
    weights: tuple[float, ...] = ()
    """Probability of each type, in the same order, summing to 1; empty: all alike."""
    exceptions: tuple[str, ...] = ()
    """Types that must not make up a whole team: such a team is drawn again."""
    ally_team: tuple[str, ...] = ()
    """A fixed team of N instead of a random one; needs ``enemy_team`` as well."""
    enemy_team: tuple[str, ...] = ()
    """A fixed team of M."""
    type_order: tuple[str, ...] = ()
    """Agents' types in the order of their type bits; empty: smacv2's order for the race, then others in the order
    of registration."""
    enemy_type_order: tuple[str, ...] = ()
    """The same of enemies; empty: the agents'. On SMAC's stalker and zealot maps the two differ."""
    type_bits: int | None = None
    """Type features per unit; None: one per type, none for a single type."""
    healers: bool | None = None
    """Whether smacv2's medivac rules hold; None: on terran scenarios."""
    catalog: str = ""
    """The map whose changes of unit data hold, a key of ``envs/data/catalog.json``; empty: none."""
    start: str = "surrounded_and_reflect"
    """Start positions: one of smacv2's distributions; ``points``: each side at its own; ``spots``: see there."""
    start_p: float = 0.5
    """Probability of the reflected start in ``surrounded_and_reflect``."""
    ally_point: tuple[float, float] = (8.0, 16.0)
    """Place of the allies with ``start="points"``, in cells from the bottom left."""
    enemy_point: tuple[float, float] = (24.0, 16.0)
    """Place of the enemies with ``start="points"``."""
    spots: tuple[tuple[Rectangle, ...], ...] = ()
    """With ``start="spots"``: places where units appear. For each, one of its rectangles is drawn and a point in it."""
    ally_spots: tuple[int, ...] = ()
    """The spot of each unit of ``ally_team``."""
    enemy_spots: tuple[int, ...] = ()
    """The spot of each unit of ``enemy_team``."""
    script: str = "attack_closest"
    """The map's orders: ``attack_closest``: each idle enemy, twice a second; ``march``: all, once, an attack-move;
    ``attack_once``: each its closest agent, once; ``none``."""
    march_to: tuple[tuple[float, float], tuple[float, float]] = ((8.0, 16.0), (8.0, 16.0))
    """Goal with ``script="march"``: a point drawn on the segment between two."""
    map: str = "flat"
    """Terrain, a file in ``envs/data/maps``."""
    episode_limit: int = 200
    """env_steps until truncation."""

    def __post_init__(self) -> None:
        for name, value in typed_options(vars(self), type(self), "scenario: ", objects=True).items():
            object.__setattr__(self, name, value)
        one_of("race", self.race, tuple(TYPE_ORDER))
        one_of("enemy_race", self.enemy_race or self.race, tuple(TYPE_ORDER))
        one_of("start", self.start, STARTS)
        one_of("script", self.script, SCRIPTS)
        one_of("map", self.map, terrain.names())
        one_of("catalog", self.catalog, ("", *catalogs()))
        for name in ("n_agents", "n_enemies"):
            if not 1 <= getattr(self, name) <= MAX_SIDE:
                raise ValueError(f"scenario: {name} is {getattr(self, name)}, allowed is 1 to {MAX_SIDE}")
        if self.n_agents + self.n_enemies > MAX_UNITS:
            raise ValueError(
                f"scenario: {self.n_agents} agents and {self.n_enemies} enemies are more than the {MAX_UNITS} units "
                "that the engine holds"
            )
        whole_number("scenario: episode_limit", self.episode_limit, 1, MAX_EPISODE)
        self._check_types()
        self._check_teams()
        self._check_type_bits()
        self._check_spots()
        for name, points in (
            ("ally_point", [self.ally_point]), ("enemy_point", [self.enemy_point]), ("march_to", self.march_to)
        ):  # fmt: skip
            if not all(0 <= coordinate <= MAP_CELLS for point in points for coordinate in point):
                raise ValueError(f"scenario: {name} is {getattr(self, name)}, coordinates must lie in 0..{MAP_CELLS}")

    def _check_types(self) -> None:
        if not self.unit_types:
            raise ValueError(f"scenario: unit_types is empty; {self.race} has {', '.join(TYPE_ORDER[self.race])}")
        # Random teams are of one race, as smacv2's; a map with fixed teams may mix.
        known = tuple(facts()) if self.ally_team else (*TYPE_ORDER[self.race], *types_of(self.race))
        orders = (*self.type_order, *self.enemy_type_order)
        for name in (*self.unit_types, *self.exceptions, *self.ally_team, *self.enemy_team, *orders):
            one_of("unit type" if self.ally_team else f"{self.race} unit type", name, known)
        for field in ("unit_types", "type_order", "enemy_type_order"):
            names = getattr(self, field)
            if twice := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"scenario: {field} names {', '.join(sorted(twice))} more than once")
        if len(self.ordered_types) > MAX_TYPES:
            raise ValueError(f"scenario: {len(self.ordered_types)} unit types, the engine holds {MAX_TYPES}")
        if self.weights and len(self.weights) != len(self.unit_types):
            raise ValueError(f"scenario: {len(self.weights)} weights for {len(self.unit_types)} unit_types")
        if self.weights and (min(self.weights) < 0 or not math.isclose(sum(self.weights), 1.0)):
            raise ValueError(f"scenario: weights {self.weights} must be at least 0 and sum to 1")
        if not 0 <= self.start_p <= 1:
            raise ValueError(f"scenario: start_p is {self.start_p}, a probability lies in 0..1")
        drawn = {name for name, weight in zip(self.unit_types, self.type_weights, strict=True) if weight}
        if not self.ally_team and drawn <= set(self.exceptions):
            raise ValueError("scenario: every unit type is an exception, so no team could ever be drawn")

    def _check_type_bits(self) -> None:
        """Every agent's type has a number; where there are type features, every unit's type has one of them."""
        bits = whole_number("scenario: type_bits", self.n_type_bits, 0, MAX_TYPE_BITS)
        for name, order, team in (
            ("type_order", self.ordered_types, self.ally_team),
            ("enemy_type_order", self.ordered_enemy_types, self.enemy_team),
        ):
            missing = set(team or self.unit_types) - set(order)
            if missing and (bits or name == "type_order"):
                raise ValueError(f"scenario: {name} lacks {', '.join(sorted(missing))}; it is {', '.join(order)}")
            if 0 < bits < len(order):
                raise ValueError(
                    f"scenario: type_bits is {bits}, {name} has {len(order)} types: {', '.join(order)}; "
                    f"allowed is 0 or {len(order)} and more"
                )

    def _check_teams(self) -> None:
        if bool(self.ally_team) != bool(self.enemy_team):
            raise ValueError("scenario: give both ally_team and enemy_team, or neither")
        for team, count in ((self.ally_team, self.n_agents), (self.enemy_team, self.n_enemies)):
            if team and len(team) != count:
                raise ValueError(f"scenario: a fixed team has {len(team)} units, the scenario says {count}")
        if set(self.ally_team) - set(self.unit_types):
            raise ValueError(f"scenario: ally_team has types outside unit_types {self.unit_types}")

    def _check_spots(self) -> None:
        if self.start != "spots":
            return
        if not 1 <= len(self.spots) <= MAX_SPOTS or not all(1 <= len(spot) <= MAX_CHOICES for spot in self.spots):
            raise ValueError(
                f'scenario: start="spots" needs 1 to {MAX_SPOTS} spots of 1 to {MAX_CHOICES} rectangles each, '
                f"given are {[len(spot) for spot in self.spots]}"
            )
        for left, bottom, right, top in (rectangle for spot in self.spots for rectangle in spot):
            if not (0 <= left <= right <= MAP_CELLS and 0 <= bottom <= top <= MAP_CELLS):
                raise ValueError(
                    f"scenario: spot {(left, bottom, right, top)} is no (left, bottom, right, top) in 0..{MAP_CELLS}"
                )
        for name, count in (("ally_spots", self.n_agents), ("enemy_spots", self.n_enemies)):
            given = getattr(self, name)
            if len(given) != count or not all(0 <= spot < len(self.spots) for spot in given):
                raise ValueError(
                    f"scenario: {name} is {given}; it must name, for each of {count} units, "
                    f"one of the spots 0..{len(self.spots) - 1}"
                )

    @property
    def type_weights(self) -> tuple[float, ...]:
        """One probability per entry of ``unit_types``."""
        return self.weights or (1 / len(self.unit_types),) * len(self.unit_types)

    @property
    def ordered_types(self) -> tuple[str, ...]:
        """The agents' ``unit_types`` in the order of their type bits."""
        order = self.type_order or (*TYPE_ORDER[self.race], *facts())
        return tuple(name for name in dict.fromkeys(order) if name in self.unit_types)

    @property
    def ordered_enemy_types(self) -> tuple[str, ...]:
        """The enemies' types in the order of their type bits."""
        return self.enemy_type_order or self.ordered_types

    @property
    def n_type_bits(self) -> int:
        """Type features per unit."""
        if self.type_bits is not None:
            return self.type_bits
        return len(self.ordered_types) if len(self.ordered_types) > 1 else 0

    @property
    def ally_shields(self) -> bool:
        """Whether agents have shield features (the race decides, as in smacv2)."""
        return self.race == "protoss"

    @property
    def enemy_shields(self) -> bool:
        """Whether enemies have shield features."""
        return (self.enemy_race or self.race) == "protoss"

    @property
    def has_healers(self) -> bool:
        """Whether medivac rules hold (smacv2's ``terran_gen`` and ``MMM`` maps)."""
        return self.race == "terran" if self.healers is None else self.healers


def one_of(what: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise ValueError(f"scenario: unknown {what} {given!r}, allowed: {', '.join(allowed)}")


# Sides and random teams of smacv2/examples/configs/sc2_gen_*.yaml.
SIZES = ((5, 5), (10, 10), (20, 20), (10, 11), (20, 23))
RANDOM_TEAMS: dict[str, dict[str, Any]] = {
    "terran": dict(unit_types=TYPE_ORDER["terran"], weights=(0.45, 0.45, 0.1), exceptions=("medivac",)),
    "protoss": dict(unit_types=TYPE_ORDER["protoss"], weights=(0.45, 0.45, 0.1)),
    "zerg": dict(unit_types=("zergling", "baneling", "hydralisk"), weights=(0.45, 0.1, 0.45), exceptions=("baneling",)),
}


def smacv2_scenarios() -> dict[str, Scenario]:
    """The fifteen scenarios of random teams."""
    return {
        f"{race}_{n}_vs_{m}": Scenario(race=race, n_agents=n, n_enemies=m, **team)
        for race, team in RANDOM_TEAMS.items()
        for n, m in SIZES
    }


# SMAC numbers agents' types by the learning units' ids, in alphabetical order, but the enemy zealot (73) and stalker
# (74) by the game's own.
ENEMY_ORDER = {("stalker", "zealot"): ("zealot", "stalker")}
# Entries of a fixed scenario that are fields of the same name.
ENTRIES = (
    *("race", "enemy_race", "map", "type_bits", "healers", "episode_limit", "script"),
    *("ally_team", "enemy_team", "spots", "ally_spots", "enemy_spots"),
)


def fixed_scenarios(file: str) -> dict[str, Scenario]:
    """Scenarios whose maps make the teams: ``smac.json`` holds SMAC's 23, ``extra.json`` three more."""
    return {name: fixed_scenario(name, entry) for name, entry in read(file).items()}


def fixed_scenario(name: str, entry: dict[str, Any]) -> Scenario:
    order, enemy_order = (tuple(sorted(set(entry[team]))) for team in ("ally_team", "enemy_team"))
    return Scenario(
        n_agents=len(entry["ally_team"]),
        n_enemies=len(entry["enemy_team"]),
        unit_types=order,
        type_order=order,
        enemy_type_order=ENEMY_ORDER.get(enemy_order, enemy_order),
        catalog=name if name in catalogs() else "",
        start="spots",
        march_to=entry.get("march_to", Scenario.march_to),
        **{field: entry[field] for field in ENTRIES},
    )


assert set().union(*TYPE_ORDER.values()) <= set(facts())
