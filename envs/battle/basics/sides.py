"""Who stands on whose side: agents come first, enemies after them."""

from __future__ import annotations

from envs.battle.jit import kernel


@kernel(inline=True)
def agents(c):
    """The first agent, and the number behind the last."""
    return 0, c.n_agents


@kernel(inline=True)
def enemies(c):
    """The first enemy, and the number behind the last."""
    return c.n_agents, c.n_agents + c.n_enemies


@kernel(inline=True)
def foes(c, i):
    """The first unit of the other side than unit i's, and the number behind its last."""
    return enemies(c) if i < c.n_agents else agents(c)


@kernel(inline=True)
def comrades(c, i):
    """The first unit of unit i's side, and the number behind its last."""
    return agents(c) if i < c.n_agents else enemies(c)
