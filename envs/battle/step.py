"""One env_step of a batch, all of it compiled: orders, ticks, reward, end, views, restart."""

from __future__ import annotations

import numba

from envs.battle.basics.sets import enemies
from envs.battle.jit import kernel
from envs.battle.rules.tick import tick
from envs.battle.smacv2.capabilities import draw_capabilities, kill_low_health, mark_low_health
from envs.battle.smacv2.heuristic import act_by_heuristic
from envs.battle.smacv2.observe import observe
from envs.battle.smacv2.orders import NO_OP, take_action
from envs.battle.smacv2.reward import LOST, UNDECIDED, WON, outcome, remember, step_reward
from envs.battle.smacv2.sight import forget_the_dead
from envs.battle.spawn import start_battle


@kernel
def new_battle(b, u, c, v, e):
    """Start the slot's next battle and write its first views."""
    start_battle(b, u, c, e)
    draw_capabilities(b, c)
    tick(b, u, c)
    write_views(b, u, c, v, e)


@kernel
def write_views(b, u, c, v, e):
    """Write the views of battle e."""
    observe(b, u, c, v.obs[e], v.state[e], v.action_mask[e])
    for i in range(c.n_agents):
        v.unit_type[e, i] = c.type_by_kind[b.kind[i]]
    v.battle_id[e] = b.battle


@kernel
def step_battle(b, u, c, v, e, actions):
    """Advance battle e by one env_step; restart it if it ended."""
    command(b, u, c, actions[e], v.action_mask[e])
    play(b, u, c, c.step_mul)
    finish_step(b, u, c)
    write_outcome(b, c, v, e)
    if v.terminated[e] or v.truncated[e]:
        observe(b, u, c, v.final_obs[e], v.final_state[e], v.final_action_mask[e])
        new_battle(b, u, c, v, e)
    else:
        observe(b, u, c, v.obs[e], v.state[e], v.action_mask[e])


@kernel(inline=True)
def command(b, u, c, actions, mask):
    """Begin a step: remember the moment, turn the actions (N,) into orders."""
    remember(b, c)
    give_orders(b, u, c, mask, actions)


@kernel(inline=True)
def play(b, u, c, ticks):
    """Play the first ticks of a step, or all."""
    if c.stochastic_health:
        mark_low_health(b, u, c)
    for t in range(ticks):
        if t == c.kill_tick:
            kill_low_health(b, u, c)
        tick(b, u, c)


@kernel(inline=True)
def finish_step(b, u, c):
    """Finish a step after its ticks: bookkeeping, then reward and end."""
    b.step += 1
    keep_last_seen_places(b, c)
    forget_the_dead(b, c)
    score_step(b, u, c)


@kernel(inline=True)
def score_step(b, u, c):
    """Compute reward and end of the step from the health that was remembered at its beginning."""
    b.result = outcome(b, u, c)
    b.reward = step_reward(b, c, b.result)
    count_the_dead(b, c)


@kernel(inline=True)
def write_outcome(b, c, v, e):
    """Write reward and end into the caller's arrays."""
    v.reward[e] = b.reward
    v.terminated[e] = b.result != UNDECIDED
    v.truncated[e] = b.result == UNDECIDED and b.step >= c.episode_limit
    v.battle_won[e] = b.result == WON
    v.battle_lost[e] = b.result == LOST
    v.dead_allies[e] = b.dead_allies
    v.dead_enemies[e] = b.dead_enemies


@kernel(inline=True)
def give_orders(b, u, c, mask, actions):
    """Carry out the agents' actions (N,); with ``heuristic_ai`` scripted ones replace them, also in the array."""
    for i in range(c.n_agents):
        if c.heuristic_ai:
            # What observations show as the last action is the caller's all the same.
            b.last_action[i] = actions[i] if 0 <= actions[i] < c.n_actions else NO_OP
            actions[i] = act_by_heuristic(b, u, c, i, mask[i])
        else:
            action = actions[i]
            take_action(b, u, c, i, action, 0 <= action < c.n_actions and mask[i, action])


@kernel(inline=True)
def keep_last_seen_places(b, c):
    """smacv2 remembers a dead unit where it last saw it alive: at the start of the step in which it died."""
    for i in range(c.n_agents + c.n_enemies):
        if b.start_alive[i] and not b.alive[i]:
            b.x[i] = b.start_x[i]
            b.y[i] = b.start_y[i]


@kernel(inline=True)
def count_the_dead(b, c):
    b.dead_allies = 0
    b.dead_enemies = 0
    for i in range(c.n_agents):
        b.dead_allies += not b.alive[i]
    for i in range(*enemies(c)):
        b.dead_enemies += not b.alive[i]


@kernel
def step_one_by_one(battles, units, setup, v, actions):
    """The batch on this thread."""
    for e in range(len(battles)):
        step_battle(battles[e], units[0], setup[0], v, e, actions)


@kernel(parallel=True)
def step_in_parallel(battles, units, setup, v, actions):
    """The batch on all threads: battles share nothing, so the result is the same."""
    for e in numba.prange(len(battles)):
        step_battle(battles[e], units[0], setup[0], v, e, actions)


@kernel
def start_all(battles, units, setup, v):
    """Start the next battle in every slot."""
    for e in range(len(battles)):
        new_battle(battles[e], units[0], setup[0], v, e)
