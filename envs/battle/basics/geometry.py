"""Distances between units, exact in float64 because positions lie on a grid."""

from __future__ import annotations

import numpy as np

from envs.battle.jit import kernel
from envs.battle.units import GRID


@kernel(inline=True)
def on_grid(length):
    """The nearest multiple of the game's smallest length (``np.rint`` compiles to one instruction)."""
    return np.rint(length * GRID) / GRID


@kernel(inline=True)
def distance2(b, i, j):
    """Squared distance of two centres; exact in float64 because positions lie on a grid."""
    dx = b.x[j] - b.x[i]
    dy = b.y[j] - b.y[i]
    return dx * dx + dy * dy


@kernel(inline=True)
def within(b, u, i, j, length):
    """Whether the edges of two units are at most ``length`` apart."""
    reach = length + u.radius[b.kind[i]] + u.radius[b.kind[j]]
    return distance2(b, i, j) <= reach * reach
