"""Attacks from the first aim to the last hit, explosions, healing, death."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.plain.choices import call_for_help
from tests.oracle.plain.draws import Purpose
from tests.oracle.plain.geometry import Point
from tests.oracle.plain.unit import Missile, Order, Sweep, Unit
from tests.oracle.plain.walking import face

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

LEAST_DAMAGE = 0.5
SAMPLES, SAMPLE_TIME = 11, 0.4992  # of a lance on its way; ticks between two
HALF_WAY, BETWEEN, LANCE_RADIUS = 1.25, 0.25, 0.15  # cells
MARK_TO_HIT, SWEEP_LENGTH = 4, 12  # ticks


def attack(battle: Battle, unit: Unit) -> bool:
    """One tick of an attack order; true when the unit has to walk to its target."""
    target, primary = unit.target, unit.kind.weapons[0]
    assert target is not None
    if not target.alive:
        unit.idle()
        return False
    if unit.channel or unit.burst:
        return False
    if unit.swing:
        return go_on_swinging(battle, unit, target)
    if not unit.within(target, primary.range):
        if unit.kind.has_turret:
            face(unit, target.place - unit.place)
        return True
    bears = face(unit, target.place - unit.place)
    if primary.delivery == "explosion":
        unit.hp = unit.hp if battle.tick == 0 else 0.0  # everybody is seen once
    elif bears and unit.cooldown == 0:
        start_swing(battle, unit, target)
    return False


def start_swing(battle: Battle, unit: Unit, target: Unit) -> None:
    """The cycle counts from here. A melee copy is used on what it reaches on the ground."""
    primary, *copies = unit.kind.weapons
    near = (copy for copy in copies if target.kind.on_ground and unit.within(target, copy.range))
    unit.weapon = next(near, primary)
    jitter = 0.0
    if battle.options.weapon_delay == "random":
        jitter = 3.0 * battle.dice.uniform(Purpose.COOLDOWN, unit.number, battle.tick) - 1.0
    unit.cooldown = unit.weapon.period + jitter
    unit.swing = float(unit.weapon.damage_point)
    if unit.swing == 0:
        let_loose(battle, unit, target)


def go_on_swinging(battle: Battle, unit: Unit, target: Unit) -> bool:
    """Towards the damage point, unless the target has gone beyond the slop."""
    weapon = unit.weapon
    assert weapon is not None
    if not unit.within(target, weapon.range + weapon.slop):
        unit.break_off()
        return True
    unit.swing = max(unit.swing - 1.0, 0.0)
    if unit.swing == 0:
        let_loose(battle, unit, target)
    return False


def let_loose(battle: Battle, unit: Unit, target: Unit) -> None:
    """The damage point."""
    weapon = unit.weapon
    assert weapon is not None
    if weapon.delivery == "missile":
        unit.missile = Missile(target, weapon, unit.place)
    elif weapon.delivery == "sweep":
        line = target.place - unit.place
        along = (line / line.length).left if line.length > 0 else Point(1.0, 0.0)
        unit.sweep, unit.channel = Sweep(target, weapon, along), True
        go_on_sweeping(battle, unit, unit.sweep)
    else:
        hit(battle, unit, target, weapon.hit_on(target.kind))
        unit.burst = float(weapon.second_hit)


def hit(battle: Battle, attacker: Unit, victim: Unit, damage: float) -> None:
    """Shields absorb first; what is left pays armour."""
    absorbed = min(victim.shield, damage)
    victim.shield -= absorbed
    if damage > absorbed:
        victim.hp -= max(damage - absorbed - victim.kind.armor, LEAST_DAMAGE)
    victim.calm = 0
    call_for_help(battle, attacker, victim)


def go_on(battle: Battle, unit: Unit) -> None:
    """One tick of what the unit, alive or dead, let loose earlier."""
    if unit.missile:
        fly(battle, unit, unit.missile)
    if unit.burst:
        unit.burst = max(unit.burst - 1.0, 0.0)
        target, weapon = unit.target, unit.weapon
        assert target is not None
        assert weapon is not None
        if unit.burst == 0 and unit.alive and target.alive:
            hit(battle, unit, target, weapon.hit_on(target.kind))
    if unit.sweep:
        go_on_sweeping(battle, unit, unit.sweep)


def fly(battle: Battle, shooter: Unit, missile: Missile) -> None:
    """Straight at the target, wherever it is; wasted if it is dead."""
    way = missile.target.place - missile.place
    if not missile.target.alive:
        shooter.missile = None
    elif way.length <= missile.weapon.missile_speed:
        shooter.missile = None
        hit(battle, shooter, missile.target, missile.weapon.hit_on(missile.target.kind))
    else:
        missile.place += way / way.length * missile.weapon.missile_speed


def go_on_sweeping(battle: Battle, unit: Unit, sweep: Sweep) -> None:
    """Hits that are due, then new marks while the colossus stands, at the end the main target's two hits."""
    unit.channel = unit.channel and unit.alive and sweep.main.alive
    for due in sweep.due:
        for _, victim in sorted((mark for mark in due if mark[0] == sweep.age), key=lambda mark: mark[1].number):
            if victim.alive:
                hit(battle, unit, victim, sweep.weapon.hit_on(victim.kind))
    if unit.channel:
        for sample in range(SAMPLES):
            if sweep.age - 1 < sample * SAMPLE_TIME <= sweep.age:
                mark_touched(battle, unit, sweep, HALF_WAY - BETWEEN * sample)
        if sweep.age == SWEEP_LENGTH:
            unit.channel = False
            for _ in sweep.due:
                hit(battle, unit, sweep.main, sweep.weapon.hit_on(sweep.main.kind))
    sweep.age += 1
    if sweep.age > SWEEP_LENGTH + MARK_TO_HIT:
        unit.sweep = None


def mark_touched(battle: Battle, unit: Unit, sweep: Sweep, offset: float) -> None:
    """Ground units on the main target's cliff level, at two points to either side of it; each once a lance."""
    main = sweep.main
    for lance, side in enumerate((-offset, offset)):
        point = main.place + sweep.along * side
        for victim in battle.opponents_of(unit):
            if victim is main or not victim.alive or not victim.kind.on_ground or victim in sweep.touched[lance]:
                continue
            reach = LANCE_RADIUS + victim.kind.radius
            level = battle.ground.level(victim.place)
            if (victim.place - point).square <= reach * reach and level == battle.ground.level(main.place):
                sweep.touched[lance].add(victim)
                sweep.due[lance].append((sweep.age + MARK_TO_HIT, victim))


def resolve_deaths(battle: Battle) -> None:
    """Declare deaths in order of numbers, again and again while explosions kill more."""
    while True:
        blasts = 0
        for unit in battle.units:
            if unit.alive and unit.hp <= 0:
                unit.alive, unit.hp, unit.fell = False, 0.0, unit.place
                unit.break_off()
                unit.order = Order.NONE
                if unit.kind.blast:
                    blasts += 1
                    explode(battle, unit)
        if not blasts:
            return


def explode(battle: Battle, unit: Unit) -> None:
    """Everybody of the other side on the ground whose edge is inside the circle."""
    blast = unit.kind.blast
    assert blast is not None
    for victim in battle.opponents_of(unit):
        reach = blast.splash + victim.kind.radius
        if victim.alive and victim.kind.on_ground and unit.distance2(victim) <= reach * reach:
            hit(battle, unit, victim, blast.hit_on(victim.kind))


def heal(unit: Unit) -> bool:
    """One tick of a heal order; true when the medivac has to follow. Only one heals a patient."""
    patient, healing = unit.target, unit.kind.healing
    assert patient is not None
    assert healing is not None
    if not patient.alive or not patient.hurt:
        unit.idle()
        unit.channel = False
        return False
    near = unit.within(patient, healing.range)
    reaches = near or (unit.channel and unit.within(patient, healing.range + healing.slop))
    life = min(healing.rate, unit.energy / healing.cost, patient.kind.hp - patient.hp)
    if not reaches:
        unit.channel = False
    elif patient.healed == 0 and life > 0:
        patient.healed = life
        unit.energy = max(unit.energy - life * healing.cost, 0.0)
        unit.channel = True
    return not near
