"""A battle laid out by hand: the units, places and orders that a rule test needs, and ticks run one by one.

Nobody stands where the benchmark would put him, so nothing is drawn but the cooldown jitter, which ``jitter`` tells.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.basics import rng
from envs.battle.jit import kernel
from envs.battle.rules.tick import tick
from envs.battle.scenarios import TYPE_ORDER, Scenario
from envs.battle.smacv2.orders import take_action
from envs.battle.snapshots.game_state import GameUnits, Memory
from envs.battle.state import MOVE
from envs.battle.unit_types import kind_of
from envs.battle.units import unit_table
from tests.envs.play import unregistered

KEY = 12345
SIMPLE: dict[str, Any] = dict(
    rules="2023",  # which sends orders whatever the distance
    unit_order="simultaneous",
    enemy_medivacs="hover",
    acquire_range="edges",
)
"""Readings under which a test's numbers are easily worked out by hand; a test of another one names it."""
NEVER = 8  # a phase that the map script's clock, 0..7, does not reach


@dataclass
class Unit:
    """One unit of the lay-out; what is not given is what a fresh unit has."""

    type: str
    x: float
    y: float
    hp: float | None = None
    shield: float | None = None
    energy: float | None = None
    facing: tuple[float, float] | None = None
    """Direction it looks at the start; None: allies east, enemies west."""


@kernel
def run_ticks(battles, units, setup, ticks):
    """Advance the battle."""
    for _ in range(ticks):
        tick(battles[0], units[0], setup[0])


@kernel
def send_action(battles, units, setup, i, action):
    """Agent i takes an action as in a step, legal or not."""
    take_action(battles[0], units[0], setup[0], i, action, True)


class Arena:
    """A hand-made battle; allies are numbered from 0 in the order given, enemies follow.

    Args:
        allies: units of the agents.
        enemies: scripted units.
        script: tick modulo 8 at which the map script gives its orders; None: never.
        help: whether damaged enemies call for help.
        scenario: fields of ``Scenario``: another map, catalogue or script, whose first orders are given.
        options: fields of ``BattleOptions``.
    """

    def __init__(
        self,
        allies: list[Unit],
        enemies: list[Unit],
        *,
        script: int | None = None,
        help: bool = False,
        scenario: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        race = "terran"  # whose medivac rules and shapes of observations hold; the units may be anybody's
        fields: dict[str, Any] = dict(type_bits=0) | (scenario or {})
        fight = Scenario(race=race, n_agents=len(allies), n_enemies=len(enemies), unit_types=TYPE_ORDER[race], **fields)
        self.env = unregistered(fight, **(SIMPLE | options))
        self.n = len(allies)
        self.units = allies + enemies
        self.b = self.env.battles[0]
        self.env.setup[0]["type_by_kind"][:] = 0  # no rule test asks for the agents' types
        self.script, self.help = script, help
        self.lay_out()

    def lay_out(self) -> Arena:
        """Put everybody where they start."""
        self.env.load_game_state(self.game_units(), Memory(key=KEY))
        self.b["trigger"] = NEVER if self.script is None else self.script
        if not self.help:
            self.b["called"][:] = 10**9
        for i, unit in enumerate(self.units):
            self.b["facing_x"][i], self.b["facing_y"][i] = unit.facing or ((1, 0) if i < self.n else (-1, 0))
        return self

    def game_units(self) -> GameUnits:
        """The lay-out as a game would report it."""
        fresh = unit_table()[0]
        kinds = [kind_of(unit.type) for unit in self.units]
        columns = {}
        for name, full in (("hp", "hp"), ("shield", "shield"), ("energy", "energy_start")):
            given = [getattr(unit, name) for unit in self.units]
            columns[name] = [fresh[full][k] if value is None else value for k, value in zip(kinds, given, strict=True)]
        return GameUnits(
            unit_type=[unit.type for unit in self.units],
            owner=[1] * self.n + [2] * (len(self.units) - self.n),
            x=[unit.x for unit in self.units],
            y=[unit.y for unit in self.units],
            **columns,
        )

    @property
    def _state(self) -> tuple[NDArray[np.void], ...]:
        return self.env.battles, self.env.units, self.env.setup

    def run(self, ticks: int = 1) -> Arena:
        """Advance some ticks."""
        run_ticks(*self._state, ticks)
        return self

    def hits(self, i: int, ticks: int) -> dict[int, float]:
        """What unit i loses, life and shield together, during the next ticks: ``{tick: loss to one decimal}``.

        Regeneration of life (0.017 a tick) vanishes in the rounding; a unit loses no more than it has.
        """
        losses = {}
        for _ in range(ticks):
            tick_now, before = int(self.b["tick"]), self.health(i)
            loss = round(before - self.run().health(i), 1)
            if loss > 0:
                losses[tick_now] = loss
        return losses

    def when(self, field: str, i: int, ticks: int, least: float = 0.0) -> int:
        """The first of the next ticks after which a field of unit i is at least so much."""
        for _ in range(ticks):
            tick_now = int(self.b["tick"])
            if self.run().b[field][i] >= least:
                return tick_now
        raise AssertionError(f"{field} of unit {i} stayed below {least} for {ticks} ticks")

    def health(self, i: int) -> float:
        """Life and shield of unit i."""
        return float(self.b["hp"][i] + self.b["shield"][i])

    def attack(self, i: int, j: int) -> Arena:
        """Agent i's attack action on unit j."""
        return self.act(i, self.env.setup[0]["n_no_target"] + j - self.n)

    def heal(self, i: int, j: int) -> Arena:
        """Agent i's heal action on ally j."""
        return self.act(i, self.env.setup[0]["n_no_target"] + j)

    def act(self, i: int, action: int) -> Arena:
        """Any action of agent i, legal or not: rule tests decide for themselves."""
        send_action(*self._state, i, int(action))
        return self

    def order_of(self, i: int) -> tuple[int, int]:
        """(order, target) of unit i."""
        return int(self.b["order"][i]), int(self.b["target"][i])

    def walk(self, i: int, x: float, y: float) -> Arena:
        """A move order to any point."""
        self.b["order"][i], self.b["target"][i] = MOVE, -1
        self.b["dest_x"][i], self.b["dest_y"][i] = x, y
        return self

    def carry(self, i: int, x: float, y: float) -> Arena:
        """Put unit i elsewhere at once."""
        self.b["x"][i], self.b["y"][i] = x, y
        return self

    def place(self, i: int) -> tuple[float, float]:
        """Where unit i is."""
        return float(self.b["x"][i]), float(self.b["y"][i])

    def distance(self, i: int, j: int) -> float:
        """Between two centres."""
        return float(np.hypot(self.b["x"][i] - self.b["x"][j], self.b["y"][i] - self.b["y"][j]))


def check_room(arena: Arena, units: Iterable[int], least: float = 0.75) -> None:
    """Hold the centres of these units apart."""
    assert all(arena.distance(i, j) >= least for i, j in itertools.combinations(units, 2))


def jitter(i: int, tick: int) -> float:
    """What the cooldown of unit i's attack begun at this tick is longer than the period: in [-1, 2)."""
    return -1.0 + 3.0 * rng.uniform(np.uint64(KEY), rng.COOLDOWN, i, tick)
