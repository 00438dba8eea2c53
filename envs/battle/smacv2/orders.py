"""From actions to orders: which are legal, and what each makes a unit do."""

from __future__ import annotations

import numpy as np

from envs.battle.basics.command import break_off, give_order, go_to, stop
from envs.battle.basics.geometry import distance2
from envs.battle.jit import kernel
from envs.battle.smacv2.capabilities import attack_fails
from envs.battle.state import ATTACK, HEAL, MOVE

NO_OP, STOP, NORTH, SOUTH, EAST, WEST, FIRST_LOOK = 0, 1, 2, 3, 4, 5, 6
GOES_ON, RESTARTS, BREAKS_OFF = 0, 1, 2  # what the same attack order again does, in the order of readings.CHOICES
EPS = 1e-7  # smacv2's guard against vertical directions


@kernel(inline=True)
def can_move(b, c, i, direction):
    """Whether the cell half a move ahead is ground; smacv2 asks this of flyers as well, and truncates towards zero."""
    half = c.move_amount / 2.0
    x = b.x[i]
    y = b.y[i]
    if direction == NORTH:
        y += half
    elif direction == SOUTH:
        y -= half
    elif direction == EAST:
        x += half
    else:
        x -= half
    height, width = c.pathable.shape
    column = int(x)
    row = int(y)
    return 0 <= column < width and 0 <= row < height and c.pathable[row, column]


@kernel
def look_angle(b, i, east):
    """Angle of agent i's look direction, as smacv2 computes it for units to the east of it, or to the west."""
    return np.arctan(b.look_y[i] / (max(b.look_x[i], EPS) if east else min(b.look_x[i], -EPS)))


@kernel
def bearing(dx, dy):
    """Angle of an offset, as smacv2 computes it: the arc tangent alone, which does not tell ahead from behind."""
    return np.arctan(dy / (max(dx, EPS) if dx > 0 else min(dx, -EPS)))


@kernel
def can_shoot(b, c, i, j):
    """Whether smacv2 holds unit j to be in shooting range of agent i (centre to centre), and in its cone."""
    reach = c.shoot_range[b.kind[i]]
    return distance2(b, i, j) <= reach * reach and (not c.conic_fov or in_cone(b, c, i, j))


@kernel
def in_cone(b, c, i, j):
    """Whether unit j is within half a look direction of agent i's line of sight, by smacv2's arc tangents."""
    dx = b.x[j] - b.x[i]
    return abs(bearing(dx, b.y[j] - b.y[i]) - look_angle(b, i, dx > 0)) < np.pi / c.n_fov_actions


@kernel(inline=True)
def targets_allies(c, u, kind):
    """Whether this agent's target actions name allies: a medivac on a terran map."""
    return c.healers and u.heals[kind]


@kernel(inline=True)
def target_range(b, u, c, i):
    """First unit number and count of what agent i's target actions name."""
    if targets_allies(c, u, b.kind[i]):
        return 0, c.n_agents
    return c.n_agents, c.n_enemies


@kernel(inline=True)
def is_target(b, u, c, i, j):
    """Whether a target action on unit j can exist: alive, and for a medivac not another medivac."""
    heals = targets_allies(c, u, b.kind[i])
    return b.alive[j] and not (heals and u.heals[b.kind[j]])


@kernel(inline=True)
def write_masks(b, u, c, mask):
    """Fill the legal actions (N, A) of every agent; ``look_around`` has noted who can be targeted."""
    mask[:, :] = False
    first_target = c.n_no_target
    for i in range(c.n_agents):
        if not b.alive[i]:
            mask[i, NO_OP] = True
            continue
        mask[i, STOP] = True
        for direction in range(NORTH, WEST + 1):
            mask[i, direction] = can_move(b, c, i, direction)
        for look in range(c.n_fov_actions):
            mask[i, FIRST_LOOK + look] = True
        targets = b.in_reach[i] if c.mask_by_range else b.targets[i]
        for t in range(target_range(b, u, c, i)[1]):
            mask[i, first_target + t] = (targets >> t) & 1


@kernel
def find_illegal(actions, mask):
    """Row-major index of the first illegal action of the batch, -1 if all are legal."""
    num_envs, n_agents = actions.shape
    n_actions = mask.shape[2]
    for e in range(num_envs):
        for i in range(n_agents):
            action = actions[e, i]
            if action < 0 or action >= n_actions or not mask[e, i, action]:
                return e * n_agents + i
    return -1


@kernel(inline=True)
def take_action(b, u, c, i, action, legal):
    """Turn one legal action into the unit's order; an illegal one, like no-op, leaves the order as it is."""
    if not legal or action == NO_OP:
        b.last_action[i] = action if 0 <= action < c.n_actions else NO_OP
        return
    b.last_action[i] = action
    if action == STOP:
        stop(b, i)
    elif action <= WEST:
        order_move(b, c, i, action)
    elif action < c.n_no_target:
        # Rounded as smacv2 rounds it: a unit on a diagonal lies exactly on the edge of some of twelve cones.
        angle = 2.0 * np.pi * ((action - FIRST_LOOK) / c.n_fov_actions)
        b.look_x[i] = np.cos(angle)
        b.look_y[i] = np.sin(angle)
    else:
        order_target(b, u, c, i, action - c.n_no_target)


@kernel
def order_move(b, c, i, direction):
    """A move to the point ``move_amount`` cells ahead."""
    x = b.x[i] + c.move_amount * ((direction == EAST) - np.float64(direction == WEST))
    y = b.y[i] + c.move_amount * ((direction == NORTH) - np.float64(direction == SOUTH))
    go_to(b, i, MOVE, x, y)


@kernel
def order_target(b, u, c, i, t):
    """Attack or heal target t of agent i, if the rules send the command."""
    first, _ = target_range(b, u, c, i)
    if not attack_fails(b, c, i) and (not c.rules_2024 or can_shoot(b, c, i, first + t)):
        command_target(b, u, c, i, first + t)


@kernel
def command_target(b, u, c, i, j):
    """Attack or heal unit j; what the game refuses (a target out of reach of the weapon's plane) changes nothing."""
    k = b.kind[i]
    if targets_allies(c, u, k):
        if u.is_biological[b.kind[j]] and b.hp[j] < u.hp[b.kind[j]]:
            give_order(b, i, HEAL, j)
    elif u.can_attack[k, b.kind[j]]:
        if c.same_attack != GOES_ON and b.order[i] == ATTACK and b.target[i] == j:
            if c.same_attack == BREAKS_OFF or b.swing[i] > 0.0:
                break_off(b, i)
        give_order(b, i, ATTACK, j)
