"""The end of a march: a crowd about the point.

Who marches walks round comrades that have arrived, instead of halting behind the first of them. It has arrived itself
within the disc about the point that the bodies of the crowd and its own fill, or near it when it gets no closer: it is
stuck, or its way round the others leads away from the point.
"""

from __future__ import annotations

from envs.battle.basics.bits import WORD, bit
from envs.battle.jit import kernel
from envs.battle.state import MARCH, NONE

DENSITY = 0.45  # share of its disc that a crowd fills
OUTSKIRTS = 1.5  # radii of the crowd within which it is enough to get no closer


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
