"""What the enemies choose for themselves: targets, when to let go of them, patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

LEASH, NEAR_ENOUGH = 21.0, 5.0  # cells from where it acquired: pulled back, and free again
HELP_RADIUS, HELP_PAUSE = 4.0, 32  # cells, ticks


def preferred_target(battle: Battle, unit: Unit) -> Unit | None:
    """Among the agents in scan range a threat before a harmless one, then the nearest, then the lowest number.

    A colossus counts distances from its last target, or from where that fell.
    """
    if not unit.kind.weapons:
        return None
    sweeps = unit.kind.weapons[0].delivery == "sweep"
    last = unit.target if sweeps and unit.target else unit
    centre = last.place if last.alive else last.fell
    seen = [
        agent for agent in battle.agents
        if agent.alive and unit.kind.can_attack(agent.kind) and unit.within(agent, unit.kind.scan)
    ]  # fmt: skip
    return min(seen, key=lambda a: (-a.kind.threat_to(unit.kind), (a.place - centre).square), default=None)


def choose_targets(battle: Battle) -> None:
    """One look of every living enemy."""
    for enemy in battle.enemies:
        if not enemy.alive:
            continue
        if enemy.order == Order.ACQUIRED:
            reconsider(battle, enemy)
        elif enemy.order == Order.MOVE and (enemy.place - enemy.anchor).square <= NEAR_ENOUGH**2:
            enemy.take_order(Order.NONE)
        if enemy.free:
            looks = (battle.tick + enemy.number) % battle.options.acquire_period == 0
            target = preferred_target(battle, enemy) if looks else None
            if target:
                enemy.acquire(target)
            elif enemy.marches:
                enemy.order = Order.MARCH


def reconsider(battle: Battle, unit: Unit) -> None:
    """Whether an acquired target is still the one."""
    target = unit.target
    assert target is not None
    if not target.alive:
        unit.idle()
    elif unit.swing or unit.burst or unit.channel or unit.within(target, unit.kind.weapons[0].range):
        return
    elif unit.kind.speed == 0:
        unit.idle()  # it cannot follow
    elif battle.options.pursuit == "sight" and not unit.within(target, unit.kind.scan):
        unit.idle()
    elif not unit.marches and (unit.place - unit.anchor).square > LEASH**2:
        unit.take_order(Order.MOVE)
        unit.destination = unit.anchor
    elif (battle.tick + unit.number) % battle.options.reconsider_period == 0:
        better = preferred_target(battle, unit)
        if better:
            unit.take_order(Order.ACQUIRED, better)  # on the old leash


def call_for_help(battle: Battle, attacker: Unit, victim: Unit) -> None:
    """An enemy hit by a living agent, and its free comrades around, turn on the attacker; not twice within 2 s."""
    if victim.is_agent or not attacker.is_agent or not attacker.alive or battle.tick - victim.last_call < HELP_PAUSE:
        return
    helpers = battle.options.call_for_help
    if helpers == "none":
        return
    victim.last_call = battle.tick
    for comrade in battle.enemies:
        near = comrade.distance2(victim) <= HELP_RADIUS**2
        hears = comrade is victim or (near and helpers == "comrades")
        able = comrade.kind.can_attack(attacker.kind) and comrade.kind.speed > 0
        if comrade.alive and comrade.free and hears and able:
            comrade.acquire(attacker)


def choose_patients(battle: Battle) -> None:
    """Free enemy medivacs with enough energy heal the unit with the lowest share of life, then the nearest."""
    for medivac in battle.enemies:
        healing = medivac.kind.healing
        if not (medivac.alive and medivac.free and healing and medivac.energy >= healing.least_energy):
            continue
        taken = {other.target for other in battle.enemies if other.alive and other.order == Order.HEAL}
        patients = [
            unit for unit in battle.enemies
            if unit is not medivac and unit.alive and unit.hurt and unit.kind.biological
            and medivac.within(unit, healing.search) and unit not in taken
        ]  # fmt: skip
        if patients:
            medivac.take_order(Order.HEAL, min(patients, key=lambda u: (u.hp / u.kind.hp, medivac.distance2(u))))
