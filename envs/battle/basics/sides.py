"""Who stands on whose side: agents come first, enemies after them."""

from __future__ import annotations

from envs.battle.jit import kernel


@kernel(inline=True)
def agents(c):
    """The first agent, and one past the last."""
    return 0, c.n_agents


@kernel(inline=True)
def enemies(c):
    """The first enemy, and one past the last."""
    return c.n_agents, c.n_agents + c.n_enemies


@kernel(inline=True)
def foes(c, i):
    """The first unit of the side that unit i fights, and one past the last."""
    return enemies(c) if i < c.n_agents else agents(c)


@kernel(inline=True)
def comrades(c, i):
    """The first unit of unit i's side, and one past the last."""
    return agents(c) if i < c.n_agents else enemies(c)
