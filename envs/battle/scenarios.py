"""A scenario: who fights whom, where they start, for how long."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.resources import files

from envs.battle.state import MAX_SIDE, MAX_UNITS
from envs.battle.units import facts

# The order in which smacv2 gives type bits to the units of a race; ``unit_type`` arrays use the same index.
TYPE_ORDER = {
    "terran": ("marine", "marauder", "medivac"),
    "protoss": ("stalker", "zealot", "colossus"),
    "zerg": ("zergling", "hydralisk", "baneling"),
}
STARTS = ("surrounded_and_reflect", "surrounded", "reflect", "points")
MAPS = ("flat",)


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
    """M enemy units. Enemy i has the type of ally i; enemies beyond N are drawn anew (smacv2's ``weighted_teams``)."""
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
    """Agents' types in the order of their type bits; empty: the order in which smacv2 gives them to the race."""
    enemy_type_order: tuple[str, ...] = ()
    """The same of enemies; empty: the agents'. On SMAC's stalker and zealot maps the two differ."""
    type_bits: int | None = None
    """Type features per unit; None: one per type, none for a single type."""
    healers: bool | None = None
    """Whether smacv2's medivac rules hold; None: on terran scenarios."""
    start: str = "surrounded_and_reflect"
    """Start positions: one of smacv2's distributions, or ``points``: each side at its own point."""
    start_p: float = 0.5
    """Probability of the reflected start in ``surrounded_and_reflect``."""
    ally_point: tuple[float, float] = (8.0, 16.0)
    """Where allies stand with ``start="points"``, in cells from the bottom left."""
    enemy_point: tuple[float, float] = (24.0, 16.0)
    """Where enemies stand with ``start="points"``."""
    map: str = "flat"
    """Terrain, a file in ``envs/data/maps``."""
    episode_limit: int = 200
    """env_steps until truncation."""

    def __post_init__(self) -> None:
        one_of("race", self.race, tuple(TYPE_ORDER))
        one_of("enemy_race", self.enemy_race or self.race, tuple(TYPE_ORDER))
        one_of("start", self.start, STARTS)
        one_of("map", self.map, MAPS)
        for name in ("n_agents", "n_enemies"):
            if not 1 <= getattr(self, name) <= MAX_SIDE:
                raise ValueError(f"scenario: {name} is {getattr(self, name)}, allowed is 1 to {MAX_SIDE}")
        if self.n_agents + self.n_enemies > MAX_UNITS:
            raise ValueError(
                f"scenario: {self.n_agents} agents and {self.n_enemies} enemies are more than the {MAX_UNITS} units "
                "that the engine holds"
            )
        if self.episode_limit < 1:
            raise ValueError(f"scenario: episode_limit is {self.episode_limit}, it must be at least 1")
        self._check_types()
        self._check_teams()
        for name in ("ally_point", "enemy_point"):
            if not all(0 <= coordinate <= 32 for coordinate in getattr(self, name)):
                raise ValueError(f"scenario: {name} is {getattr(self, name)}, both coordinates must lie in 0..32")

    def _check_types(self) -> None:
        if not self.unit_types:
            raise ValueError(f"scenario: unit_types is empty; {self.race} has {', '.join(TYPE_ORDER[self.race])}")
        # Random teams are of one race, as smacv2's; a map with fixed teams may mix.
        known = tuple(facts()) if self.ally_team else TYPE_ORDER[self.race]
        for name in (*self.unit_types, *self.exceptions, *self.ally_team, *self.enemy_team):
            one_of("unit type" if self.ally_team else f"{self.race} unit type", name, known)
        if self.weights and len(self.weights) != len(self.unit_types):
            raise ValueError(f"scenario: {len(self.weights)} weights for {len(self.unit_types)} unit_types")
        if self.weights and (min(self.weights) < 0 or not math.isclose(sum(self.weights), 1.0)):
            raise ValueError(f"scenario: weights {self.weights} must be at least 0 and sum to 1")
        if not 0 <= self.start_p <= 1:
            raise ValueError(f"scenario: start_p is {self.start_p}, a probability lies in 0..1")
        if {name for name, weight in zip(self.unit_types, self.type_weights, strict=True) if weight} <= set(
            self.exceptions
        ):
            raise ValueError("scenario: every unit type is an exception, so no team could ever be drawn")

    def _check_teams(self) -> None:
        if bool(self.ally_team) != bool(self.enemy_team):
            raise ValueError("scenario: give both ally_team and enemy_team, or neither")
        for team, count in ((self.ally_team, self.n_agents), (self.enemy_team, self.n_enemies)):
            if team and len(team) != count:
                raise ValueError(f"scenario: a fixed team has {len(team)} units, the scenario says {count}")
        if set(self.ally_team) - set(self.unit_types):
            raise ValueError(f"scenario: ally_team has types outside unit_types {self.unit_types}")

    @property
    def type_weights(self) -> tuple[float, ...]:
        """One probability per entry of ``unit_types``."""
        return self.weights or (1 / len(self.unit_types),) * len(self.unit_types)

    @property
    def ordered_types(self) -> tuple[str, ...]:
        """The agents' ``unit_types`` in the order of their type bits."""
        order = self.type_order or TYPE_ORDER[self.race]
        return tuple(name for name in order if name in self.unit_types)

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


def builtin_scenarios() -> dict[str, Scenario]:
    """The fifteen SMACv2 scenarios, read from the data file."""
    entries = json.loads((files("envs") / "data" / "scenarios.json").read_text())
    return {
        name: Scenario(
            race=entry["race"],
            n_agents=entry["n_agents"],
            n_enemies=entry["n_enemies"],
            unit_types=tuple(entry["team"]["unit_types"]),
            weights=tuple(entry["team"]["weights"]),
            exceptions=tuple(entry["team"]["exceptions"]),
            start=entry["start"]["kind"],
            start_p=entry["start"]["p"],
            map=entry["map"],
            episode_limit=entry["episode_limit"],
        )
        for name, entry in entries.items()
    }


assert set().union(*TYPE_ORDER.values()) == set(facts())
