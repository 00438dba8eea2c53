"""Where a walk ends: at a place in the ring of attackers round a prey, or in the crowd at the end of a march.

Who walks round a comrade that attacks the same prey looks for a place beside one of those that stand in the ring. If
there is none it waits, instead of circling; it walks on as soon as one is free.

Who marches walks round comrades that have arrived, instead of halting behind the first of them. It has arrived itself
within the disc about the point that the bodies of the crowd and its own fill, or near it when it gets no closer: it is
stuck, or its way round the others leads away from the point. The game documents nothing of either.
"""

from __future__ import annotations

import math

from envs.battle.basics.geometry import distance2
from envs.battle.basics.sets import WORD, bit
from envs.battle.jit import kernel
from envs.battle.state import ACQUIRED, ATTACK, MARCH, NONE
from envs.battle.terrain import stands

SPARE = 0.02  # cells that a place must have on either side beyond what bodies need
DENSITY = 0.45  # share of its disc that a crowd fills
OUTSKIRTS = 1.5  # radii of the crowd within which it is enough to get no closer


@kernel(inline=True)
def reach(b, u, i, j):
    """Distance of the centres from which unit i attacks unit j."""
    k = b.kind[i]
    return u.range[k, 0] + u.radius[k] + u.radius[b.kind[j]]


@kernel(inline=True)
def attacks(b, i):
    """Whether unit i has an order to attack."""
    return b.order[i] == ATTACK or b.order[i] == ACQUIRED


@kernel(inline=True)
def way_left(b, u, i):
    """Way straight to where unit i can attack; infinite for who attacks nobody."""
    if not attacks(b, i):
        return math.inf
    return math.sqrt(distance2(b, i, b.target[i])) - reach(b, u, i, b.target[i])


@kernel(inline=True)
def is_in_ring(b, i, j):
    """Whether unit j stands so close to unit i's target that unit i does not fit in between."""
    prey = b.target[i]
    least = (b.body[i] + b.body[j]) + (b.body[i] + b.body[prey])
    return distance2(b, j, prey) < least * least


@kernel(inline=True)
def shares_prey(b, c, i, j):
    """Whether units i and j, of one side, attack the same unit."""
    same_side = (i < c.n_agents) == (j < c.n_agents)
    return same_side and attacks(b, i) and attacks(b, j) and b.target[i] == b.target[j]


@kernel
def has_place(b, u, c, i):
    """Whether the ring round unit i's target has a place for it beside somebody who stands there."""
    for j in range(c.n_agents + c.n_enemies):
        if stands_in_ring(b, i, j) and (is_free_beside(b, u, c, i, j, 1) or is_free_beside(b, u, c, i, j, -1)):
            return True
    return False


@kernel(inline=True)
def stands_in_ring(b, i, j):
    """Whether unit j is one of those that stand round unit i's target."""
    stands_there = b.floor[j] == b.floor[i] and b.still[j // WORD] & bit(j) != 0
    return stands_there and j != i and j != b.target[i] and is_in_ring(b, i, j)


@kernel
def is_free_beside(b, u, c, i, j, side):
    """Whether unit i could attack from beside unit j, on the left (1) or the right (-1) as seen from the prey."""
    prey = b.target[i]
    spoke_x = b.x[j] - b.x[prey]
    spoke_y = b.y[j] - b.y[prey]
    away = math.sqrt(spoke_x * spoke_x + spoke_y * spoke_y)
    length = reach(b, u, i, prey)
    least = b.body[i] + b.body[j] + SPARE
    if away == 0.0:
        return False
    cosine = (away * away + length * length - least * least) / (2.0 * away * length)
    if abs(cosine) > 1.0:
        return False
    sine = side * math.sqrt(1.0 - cosine * cosine)
    x = (spoke_x * cosine - spoke_y * sine) / away * length
    y = (spoke_y * cosine + spoke_x * sine) / away * length
    for k in range(c.n_agents + c.n_enemies):
        if k != j and stands_in_ring(b, i, k):
            room = b.body[i] + b.body[k] + SPARE
            gap_x = b.x[k] - b.x[prey] - x  # from the prey, so that a mirrored battle stays mirrored
            gap_y = b.y[k] - b.y[prey] - y
            if gap_x * gap_x + gap_y * gap_y < room * room:
                return False
    return stands(c, b.floor[i], b.x[prey] + x, b.y[prey] + y)


@kernel(inline=True)
def stands_in_crowd(b, c, i, j):
    """Whether unit i marches and unit j is a comrade that has arrived."""
    same_side = (i < c.n_agents) == (j < c.n_agents)
    return b.order[i] == MARCH and b.order[j] == NONE and same_side and not b.marches[j]


@kernel
def has_arrived(b, c, i, look_x, look_y):
    """Whether marcher i, which meets the crowd and would turn to (look_x, look_y), belongs to it."""
    crowd = 0.0
    for j in range(c.n_agents + c.n_enemies):
        if b.floor[j] == b.floor[i] and (j == i or stands_in_crowd(b, c, i, j)):
            crowd += b.body[j] * b.body[j]
    reach2 = crowd / DENSITY
    x = b.dest_x[i] - b.x[i]
    y = b.dest_y[i] - b.y[i]
    stuck = b.still[i // WORD] & bit(i) != 0
    if stuck or look_x * x + look_y * y <= 0.0:
        reach2 = OUTSKIRTS * OUTSKIRTS * reach2
    return x * x + y * y <= reach2
