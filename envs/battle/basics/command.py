"""Giving a unit an order, and what that interrupts."""

from __future__ import annotations

from envs.battle.jit import kernel
from envs.battle.state import ACQUIRED, MARCH, NOBODY, NONE


@kernel(inline=True)
def break_off(b, i):
    """Interrupt what the unit does: a swing costs no cooldown, a burst its second hit, a sweep its main damage."""
    if b.swing[i] > 0.0:
        b.swing[i] = 0.0
        b.cooldown[i] = 0.0
    b.burst[i] = 0.0
    b.channel[i] = False


@kernel
def give_order(b, i, order, target):
    """Replace the order; the same order on the same target again interrupts nothing."""
    if b.order[i] == order and b.target[i] == target:
        return
    break_off(b, i)
    b.order[i] = order
    b.target[i] = target


@kernel
def halt(b, i):
    """The order is carried out; its target is remembered."""
    b.order[i] = NONE
    b.marches[i] = False


@kernel
def stop(b, i):
    """Drop the order, and what the unit is at."""
    break_off(b, i)
    halt(b, i)


@kernel
def go_to(b, i, order, x, y):
    """A MOVE or a MARCH, which is an attack-move, to a point."""
    break_off(b, i)
    b.order[i] = order
    b.target[i] = NOBODY
    b.marches[i] = order == MARCH
    b.dest_x[i], b.dest_y[i] = x, y


@kernel
def acquire(b, i, target):
    """An attack that the unit chose for itself; the leash starts where it stands."""
    give_order(b, i, ACQUIRED, target)
    b.anchor_x[i] = b.x[i]
    b.anchor_y[i] = b.y[i]
