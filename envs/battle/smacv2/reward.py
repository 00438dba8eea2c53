"""Reward and end of a battle, as smacv2 computes them from the health before and after a step."""

from __future__ import annotations

from envs.battle.basics.sets import enemies
from envs.battle.jit import kernel

LOST, UNDECIDED, WON, DRAWN = -1, 0, 1, 2


@kernel(inline=True)
def remember(b, c):
    """Remember life, health and place of all units before the step (the dead keep their last seen place)."""
    for i in range(c.n_agents + c.n_enemies):
        b.start_alive[i] = b.alive[i]
        b.start_health[i] = b.hp[i] + b.shield[i]
        b.start_x[i] = b.x[i]
        b.start_y[i] = b.y[i]


@kernel(inline=True)
def outcome(b, u, c):
    """WON, LOST, DRAWN (both sides gone) or UNDECIDED; on terran maps a side of medivacs only counts as gone."""
    allies = allies_fight = enemies = enemies_fight = 0
    for i in range(c.n_agents + c.n_enemies):
        if not b.alive[i]:
            continue
        fights = not (c.healers and u.heals[b.kind[i]])
        if i < c.n_agents:
            allies += 1
            allies_fight += fights
        else:
            enemies += 1
            enemies_fight += fights
    if (allies == 0 and enemies > 0) or (c.healers and allies_fight == 0):
        return LOST
    if (allies > 0 and enemies == 0) or (c.healers and enemies_fight == 0):
        return WON
    if allies == 0 and enemies == 0:
        return DRAWN
    return UNDECIDED


@kernel
def flawless_reward(b, u, c):
    """Return of a flawless battle against these enemies before scaling (smacv2's ``max_reward``)."""
    reward = c.n_enemies * c.reward_death_value + c.reward_win
    for i in range(*enemies(c)):
        reward += u.hp[b.kind[i]] + u.shield[b.kind[i]]
    return reward


@kernel(inline=True)
def battle_reward(b, c):
    """Damage dealt plus a bonus per kill, minus the own side's unless only positive."""
    dealt = 0.0
    deaths = 0.0
    taken = 0.0
    for i in range(c.n_agents):
        if b.start_alive[i]:
            if b.alive[i]:
                taken += c.reward_negative_scale * (b.start_health[i] - b.hp[i] - b.shield[i])
            else:
                taken += c.reward_negative_scale * b.start_health[i]
                if not c.reward_only_positive:
                    deaths -= c.reward_death_value * c.reward_negative_scale
    for i in range(*enemies(c)):
        if b.start_alive[i]:
            if b.alive[i]:
                dealt += b.start_health[i] - b.hp[i] - b.shield[i]
            else:
                dealt += b.start_health[i]
                deaths += c.reward_death_value
    if c.reward_only_positive:
        return max(dealt + deaths, 0.0)
    return dealt + deaths - taken


@kernel(inline=True)
def step_reward(b, c, result):
    """The reward of this step, bonus of the end included, scaled."""
    if c.reward_sparse:
        reward = 1.0 if result == WON else (-1.0 if result == LOST else 0.0)
    else:
        reward = battle_reward(b, c)
        if result == WON:
            reward += c.reward_win
        elif result == LOST:
            reward += c.reward_defeat
    if c.reward_scale:
        reward /= b.max_reward / c.reward_scale_rate
    return reward
