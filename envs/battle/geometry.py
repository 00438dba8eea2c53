"""Distances between units, exact in float64 because positions lie on a grid."""

from __future__ import annotations

from envs.battle.jit import kernel


@kernel
def distance2(b, i, j):
    """Squared distance of two centres; exact in float64 because positions lie on a grid."""
    dx = b.x[j] - b.x[i]
    dy = b.y[j] - b.y[i]
    return dx * dx + dy * dy


@kernel
def within(b, u, i, j, length):
    """Whether the edges of two units are at most ``length`` apart."""
    reach = length + u.radius[b.kind[i]] + u.radius[b.kind[j]]
    return distance2(b, i, j) <= reach * reach
