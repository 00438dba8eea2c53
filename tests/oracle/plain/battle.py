"""One battle, tick by tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from tests.oracle.plain.choices import choose_patients, choose_targets
from tests.oracle.plain.combat import attack, go_on, heal, resolve_deaths
from tests.oracle.plain.draws import Dice, Purpose
from tests.oracle.plain.ground import Ground
from tests.oracle.plain.kinds import Kind
from tests.oracle.plain.scripts import first_orders, keep_busy, march, periodic_orders
from tests.oracle.plain.start import init_units, shuffled
from tests.oracle.plain.unit import Order, Unit
from tests.oracle.plain.walking import head_for, move_everybody


class Battle:
    """Both sides on their ground.

    Args:
        scenario: who fights.
        options: switches.
        kinds: the unit types by name.
        ground: the terrain.
        dice: the battle's random draws.
    """

    def __init__(
        self, scenario: Scenario, options: BattleOptions, kinds: dict[str, Kind], ground: Ground, dice: Dice
    ) -> None:
        self.scenario, self.options, self.ground, self.dice = scenario, options, ground, dice
        self.tick = 0
        self.phase = int(8 * dice.uniform(Purpose.TRIGGER, 0, 0))
        """Of the map script's clock, which also runs between battles."""
        self.units = init_units(scenario, options, kinds, ground, dice)
        self.agents = self.units[: scenario.n_agents]
        self.enemies = self.units[scenario.n_agents :]
        army = scenario.enemy_team or scenario.unit_types
        speeds = [kinds[name].speed for name in army if kinds[name].speed > 0]
        self.army_speed = min(speeds, default=0.0) if options.march_pace == "army" else math.inf
        first_orders(self)

    def opponents_of(self, unit: Unit) -> list[Unit]:
        return self.enemies if unit.is_agent else self.agents

    def bodies_on(self, floor: str) -> list[Unit]:
        """Who takes room on a floor: the living."""
        return [unit for unit in self.units if unit.alive and unit.kind.floor == floor]

    def run_tick(self) -> None:
        """A sixteenth of a game second."""
        choose_targets(self)
        choose_patients(self)
        periodic_orders(self)
        for unit in self.units:
            unit.wish, unit.healed = None, 0.0
        for unit in self.units:
            go_on(self, unit)
        for unit in self.acting():
            if unit.alive:
                self.act(unit)
        for unit in self.units:
            if unit.healed and unit.hp > 0:
                unit.hp = min(unit.hp + unit.healed, unit.kind.hp)
        resolve_deaths(self)
        move_everybody(self)
        for unit in self.units:
            if unit.alive:
                recover(unit)
        self.tick += 1

    def acting(self) -> Iterator[Unit]:
        """Everybody in turn; by option in a random order, and then who is killed is dead before the next acts."""
        if self.options.unit_order == "simultaneous":
            yield from self.units
            return
        draws: list[float] = []
        for i in range(len(self.units) - 1):
            if i % 4 == 0:
                word = self.dice.word(Purpose.UNIT_ORDER, i, self.tick)
            draws.append((word >> 16 * (i % 4)) % 2**16 / 2**16)  # a quarter of the word each
        resolve_deaths(self)
        for unit in shuffled(self.units, draws):
            yield unit
            resolve_deaths(self)

    def act(self, unit: Unit) -> None:
        """Carry out the order for one tick; steps are only wished for."""
        does: dict[Order, Callable[[], bool]] = {
            Order.ATTACK: lambda: attack(self, unit),
            Order.ACQUIRED: lambda: attack(self, unit),
            Order.HEAL: lambda: heal(unit),
        }
        if unit.order in does:
            if does[unit.order]():
                assert unit.target is not None
                head_for(self, unit, unit.target.place, unit.kind.speed)
        elif unit.order == Order.MOVE:
            if head_for(self, unit, unit.destination, unit.kind.speed):
                unit.idle()
        elif unit.order == Order.MARCH:
            march(self, unit)
        elif unit.kind.healing and not unit.is_agent and self.options.enemy_medivacs != "hover":
            keep_busy(self, unit)


def recover(unit: Unit) -> None:
    """What time mends."""
    kind = unit.kind
    unit.cooldown = max(unit.cooldown - 1.0, 0.0)
    unit.turning = max(unit.turning - 1, 0)
    unit.hp = min(unit.hp + kind.hp_regen, kind.hp)
    unit.energy = min(unit.energy + kind.energy_regen, kind.energy_most)
    if unit.calm >= kind.shield_delay:
        unit.shield = min(unit.shield + kind.shield_regen, kind.shield)
    unit.calm += 1
