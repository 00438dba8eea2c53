"""What the maps order the enemies to do, and how an attack-move goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.plain.draws import Purpose
from tests.oracle.plain.geometry import Point
from tests.oracle.plain.unit import Order, Unit
from tests.oracle.plain.walking import head_for

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

PERIOD = 8  # ticks between two orders of ``attack_closest``


def first_orders(battle: Battle) -> None:
    """What the script says at the spawn."""
    if battle.scenario.script == "attack_once":
        attack_closest(battle)
    if battle.scenario.script == "march":
        share = battle.dice.uniform(Purpose.SCRIPT, 0, 0)
        here, there = (Point(*end) for end in battle.scenario.march_to)
        for enemy in battle.enemies:
            enemy.order, enemy.marches = Order.MARCH, True
            enemy.destination = here * (1.0 - share) + there * share


def periodic_orders(battle: Battle) -> None:
    if battle.scenario.script == "attack_closest" and battle.tick % PERIOD == battle.phase:
        attack_closest(battle)


def attack_closest(battle: Battle) -> None:
    """Every enemy without an order attacks the agent whose centre is nearest; refused if it cannot."""
    targets = [agent for agent in battle.agents if agent.alive]
    for enemy in battle.enemies:
        if enemy.alive and enemy.order == Order.NONE and targets:
            closest = min(targets, key=enemy.distance2)
            if enemy.kind.can_attack(closest.kind):
                enemy.take_order(Order.ATTACK, closest)


def march(battle: Battle, unit: Unit) -> None:
    """One tick on the way; medivacs stay with the slowest of the army."""
    speed = min(unit.kind.speed, battle.army_speed) if unit.kind.healing else unit.kind.speed
    if head_for(battle, unit, unit.destination, speed):
        halt(unit)


def halt(unit: Unit) -> None:
    """The attack-move is over."""
    unit.idle()
    unit.marches = False


def keep_busy(battle: Battle, medivac: Unit) -> None:
    """By option an idle enemy medivac keeps within a cell of the closest armed comrade, or of the closest agent."""
    others = [unit for unit in battle.enemies if unit.alive and unit.kind.weapons]
    if battle.options.enemy_medivacs == "approach":
        ordered = battle.scenario.script == "attack_closest"
        others = [unit for unit in battle.agents if unit.alive and ordered]
    if others:
        closest = min(others, key=medivac.distance2)
        if medivac.distance2(closest) > 1:
            head_for(battle, medivac, closest.place, medivac.kind.speed)
