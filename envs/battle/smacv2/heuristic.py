"""Attack the nearest: smacv2's own scripted agents (``heuristic_ai``), and the same fighter bound to legal actions.

An agent takes the nearest living enemy and keeps to it until it is dead; a medivac takes the nearest hurt ally that is
no medivac, until it is dead or whole. Both forms below choose so; they differ in what they may do about it.
"""

from __future__ import annotations

import numpy as np

from envs.battle.basics.geometry import distance2
from envs.battle.jit import kernel
from envs.battle.smacv2.orders import (
    EAST,
    FIRST_LOOK,
    NO_OP,
    NORTH,
    SOUTH,
    STOP,
    WEST,
    can_shoot,
    command_target,
    is_target,
    order_move,
    target_range,
    targets_allies,
)
from envs.battle.state import NOBODY


@kernel
def act_by_heuristic(b, u, c, i, mask):
    """Give agent i the order that smacv2's heuristic gives it.

    Quirks kept: an attack is sent whatever the distance; with ``heuristic_rest`` an attack that the mask forbids
    becomes a step along the longer axis, whether or not there is ground; a marauder goes for an enemy medivac like for
    anybody, is refused by the game, and sticks to it (smacv2's exception compares the medivac's id with that of the
    agents' own type, which no enemy has); nobody ever looks elsewhere; the dead go on choosing, without effect.

    Returns:
        The number of the action that was chosen in place of the caller's; 0 where there is nobody to go for.
    """
    j = keep_or_choose(b, u, c, i, b.heuristic_target[i])
    b.heuristic_target[i] = j
    if j == NOBODY:
        return NO_OP
    first, _ = target_range(b, u, c, i)
    action = c.n_no_target + j - first
    if c.heuristic_rest and not mask[action]:
        action = along_axis(b, i, j, True)
        if b.alive[i]:
            order_move(b, c, i, action)
    elif b.alive[i]:
        command_target(b, u, c, i, j)
    return action


@kernel
def keep_or_choose(b, u, c, i, held):
    """The unit that agent i goes for, given the one it went for so far; NOBODY where there is none."""
    first, count = target_range(b, u, c, i)
    if held != NOBODY and is_wanted(b, u, c, i, held):
        return held
    best = NOBODY
    best_distance = 0.0
    for j in range(first, first + count):
        if is_target(b, u, c, i, j) and is_wanted(b, u, c, i, j):
            distance = distance2(b, i, j)
            if best == NOBODY or distance < best_distance:
                best, best_distance = j, distance
    return best


@kernel
def is_wanted(b, u, c, i, j):
    """Whether there is something left to do about unit j: alive, and for a medivac hurt."""
    return b.alive[j] and not (targets_allies(c, u, b.kind[i]) and b.hp[j] == u.hp[b.kind[j]])


@kernel
def along_axis(b, i, j, longer):
    """The direction that brings unit i nearer to j along the axis on which they are farther apart, or the other."""
    dx = b.x[j] - b.x[i]
    dy = b.y[j] - b.y[i]
    if (abs(dx) > abs(dy)) == longer:
        return EAST if dx > 0.0 else WEST
    return NORTH if dy > 0.0 else SOUTH


@kernel
def choose_legally(b, u, c, i, held, mask):
    """The legal action of an agent that goes for the nearest, and whom it goes for.

    It attacks what it can shoot, turns to what only its field of view hides, else walks: along the longer axis, where
    that is barred along the shorter one, where both are it stops.
    """
    if not b.alive[i]:
        return NO_OP, NOBODY
    j = keep_or_choose(b, u, c, i, held)
    if j == NOBODY:
        return STOP, NOBODY
    first, _ = target_range(b, u, c, i)
    action = c.n_no_target + j - first
    # Where the mask is not bound to the range, a legal attack may still be one that has no effect.
    if mask[action] and can_shoot(b, c, i, j):
        return action, j
    reach = c.shoot_range[b.kind[i]]
    if c.conic_fov and distance2(b, i, j) <= reach * reach:
        look = look_towards(b, c, i, j)
        if look != b.last_action[i]:  # a target on the very edge of two cones is in neither
            return look, j
    for action in (along_axis(b, i, j, True), along_axis(b, i, j, False)):
        if mask[action]:
            return action, j
    return STOP, j


@kernel
def look_towards(b, c, i, j):
    """The look action whose direction is nearest to that of unit j."""
    turns = np.arctan2(b.y[j] - b.y[i], b.x[j] - b.x[i]) / (2.0 * np.pi)
    return FIRST_LOOK + int(np.floor(turns * c.n_fov_actions + 0.5)) % c.n_fov_actions


@kernel
def choose_all_legally(battles, units, setup, action_mask, held, actions):
    """``choose_legally`` for every agent of a batch.

    Args:
        battles, units, setup: the records of the engine.
        action_mask: (E, N, A) bool.
        held: (E, N) whom each agent went for so far, rewritten.
        actions: (E, N) receives the choices.
    """
    for e in range(len(battles)):
        for i in range(setup[0].n_agents):
            actions[e, i], held[e, i] = choose_legally(battles[e], units[0], setup[0], i, held[e, i], action_mask[e, i])
