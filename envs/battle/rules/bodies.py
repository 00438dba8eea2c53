"""Bodies on the ground and the room between them."""

from __future__ import annotations

from envs.battle.jit import kernel

LOOK = 1.0  # cells of free ground ahead of which a unit thinks about who stands there


@kernel
def find_near(b, c, i):
    """Write the units on unit i's floor within a look of it into ``b.near``; return their number."""
    floor = b.floor[i]
    x, y = b.x[i], b.y[i]
    body = b.body[i] + LOOK
    n_units = c.n_agents + c.n_enemies
    for j in range(n_units):  # no branch: the processor takes several units at a time
        dx = b.x[j] - x
        dy = b.y[j] - y
        reach = body + b.body[j]
        b.is_near[j] = (b.floor[j] == floor) & (dx * dx + dy * dy < reach * reach)
    b.is_near[i] = 0
    count = 0
    for j in range(n_units):
        b.near[count] = j
        count += b.is_near[j]
    return count


@kernel
def in_way(b, i, j, dx, dy):
    """Whether a step of unit i by (dx, dy) would bring it too close to unit j, and closer than it is."""
    now_x = b.x[j] - b.x[i]
    now_y = b.y[j] - b.y[i]
    then_x = now_x - dx
    then_y = now_y - dy
    least = b.body[i] + b.body[j]
    then2 = then_x * then_x + then_y * then_y
    return then2 < least * least and then2 < now_x * now_x + now_y * now_y


@kernel
def first_in_way(b, i, count, dx, dy):
    """The first of the near bodies that is in the way of a step, -1 for none."""
    for k in range(count):
        if in_way(b, i, b.near[k], dx, dy):
            return b.near[k]
    return -1


@kernel
def clear(b, i, count, dx, dy):
    """Whether nobody near is in the way of a step."""
    return first_in_way(b, i, count, dx, dy) < 0
