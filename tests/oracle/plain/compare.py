"""Hold a plain game against the compiled engine's record of the same slot, field by field.

Left out of the record: what observations alone remember (``sighted``, ``tag``, ``distance2``), the scratch of one tick
or step (``move_x``, ``move_y``, ``moving``, ``healed``, ``near``, ``start_*``), and ``floor`` and ``body``, which only
repeat kind and alive. A field that means nothing at the moment (the destination of who is not sent anywhere, the
cooldown's weapon between two attacks) is compared when it means something.
"""

from __future__ import annotations

from typing import Any

from tests.oracle.plain.game import Game
from tests.oracle.plain.unit import Order, Sweep, Unit

LANCES, DELAY = 2, 4
SIDE = 64  # units of one side that the record's bits hold
# What has the same name on both sides.
NUMBERS = ("hp", "shield", "energy", "turning", "velocity", "calm", "cooldown", "swing", "burst")
BITS = ("alive", "marches", "channel", "stuck")

Fields = dict[str, Any]


def differences(game: Game, record: Any) -> list[str]:
    """What is not equal, one line each; both sides' values, the plain game's first."""
    lines = [
        f"{name}: {mine!r} != {record[name]!r}" for name, mine in battle_fields(game).items() if mine != record[name]
    ]
    for unit in game.battle.units:
        for name, mine in unit_fields(unit, game.scenario.n_agents).items():
            theirs = record[name][unit.number].tolist()
            if mine != theirs:
                lines.append(f"{name} of unit {unit.number}, a {unit.kind.name}: {mine!r} != {theirs!r}")
    for i, commander in enumerate(game.commanders):
        mine = (commander.last_action, *commander.look)
        theirs = tuple(record[name][i] for name in ("last_action", "look_x", "look_y"))
        if mine != theirs:
            lines.append(f"last action and look of agent {i}: {mine} != {theirs}")
    return lines


def battle_fields(game: Game) -> Fields:
    return dict(
        key=game.battle.dice.key,
        tick=game.battle.tick,
        step=game.step_number,
        battle=game.battle_number,
        trigger=game.battle.phase,
        max_reward=game.max_reward,
    )


def unit_fields(unit: Unit, n_agents: int) -> Fields:
    """The record's values of one unit, as the plain one has them."""
    fields: Fields = {name: getattr(unit, name) for name in NUMBERS} | {name: int(getattr(unit, name)) for name in BITS}
    fields |= dict(
        kind=unit.kind.number,
        x=unit.place.x,
        y=unit.place.y,
        facing_x=unit.facing.x,
        facing_y=unit.facing.y,
        order=int(unit.order),
        target=number(unit.target),
        called=unit.last_call,
        missile=number(unit.missile and unit.missile.target),
        sweep=unit.sweep.age if unit.sweep else -1,
        side=unit.turns_to,
    )
    if unit.order == Order.MOVE or unit.marches:
        fields |= dict(dest_x=unit.destination.x, dest_y=unit.destination.y)
    if unit.order == Order.ACQUIRED or (unit.order == Order.MOVE and not unit.is_agent):
        fields |= dict(anchor_x=unit.anchor.x, anchor_y=unit.anchor.y)
    if unit.swing or unit.burst:
        fields |= dict(weapon=unit.kind.weapons.index(unit.weapon))
    if unit.missile:
        fields |= dict(
            missile_weapon=unit.kind.weapons.index(unit.missile.weapon),
            missile_x=unit.missile.place.x,
            missile_y=unit.missile.place.y,
        )
    if unit.sweep:
        fields |= sweep_fields(unit.sweep, n_agents if unit.is_agent else 0)
    return fields


def sweep_fields(sweep: Sweep, first: int) -> Fields:
    """Marks as bits of the other side's units, whose numbers start at ``first``."""
    due = [[0] * DELAY for _ in range(LANCES)]
    for lance in range(LANCES):
        for age in range(DELAY):
            marked = [unit for when, unit in sweep.due[lance] if when >= sweep.age and when % DELAY == age]
            due[lance][age] = bits(marked, first)
    return dict(
        sweep_target=sweep.main.number,
        sweep_x=sweep.along.x,
        sweep_y=sweep.along.y,
        swept=[bits(touched, first) for touched in sweep.touched],
        sweep_due=due,
    )


def bits(units: Any, first: int) -> int:
    """A signed 64-bit word with one bit for each unit."""
    word = sum(1 << unit.number - first for unit in units)
    return word - (1 << SIDE if word >> SIDE - 1 else 0)


def number(unit: Unit | None) -> int:
    return unit.number if unit else -1
