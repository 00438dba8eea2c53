"""Set battles to given game states, without playing.

``load`` sets one moment, ``follow`` the next one after known actions. Both write the views of the battle; nothing moves
and nobody fires. So the observables can be held against those of any other implementation (``docs/traces.md``).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.battle.jit import kernel
from envs.battle.options import BattleOptions
from envs.battle.rules.opponent import first_orders
from envs.battle.smacv2.capabilities import draw_capabilities
from envs.battle.smacv2.reward import UNDECIDED, flawless_reward
from envs.battle.snapshots.game_state import (
    AGENTS,
    ENEMIES,
    GameUnits,
    Memory,
    from_bits,
    numbers,
    to_bits,
    unit_columns,
    whole_numbers,
)
from envs.battle.spawn import forget, reset_unit, set_clocks
from envs.battle.state import NONE
from envs.battle.step import command, finish_step, score_step, write_outcome, write_views
from envs.battle.unit_types import facts
from envs.battle.units import IN_THE_AIR
from envs.battle.views import Views
from envs.spec import EnvSpec


class Batch(Protocol):
    """The part of ``engine.BattleEnv``, which imports this file, that is needed here."""

    spec: EnvSpec
    options: BattleOptions
    num_envs: int
    units: NDArray[np.void]
    setup: NDArray[np.void]
    battles: NDArray[np.void]
    views: Views

    def checked_actions(self, given: NDArray[np.integer[Any]], only: int | None = None) -> NDArray[np.int64]:
        """Actions (E, N) whose form and legality are checked."""


REPORTED = ("x", "y", "hp", "shield", "energy", "cooldown")


@kernel
def place_units(battles, units, setup, e, key):
    """Reset the units and the memory of battle e, keeping the kinds and places that are written already."""
    b, u, c = battles[e], units[0], setup[0]
    b.battle = max(b.battle, 0)
    set_clocks(b, key)
    b.max_reward = flawless_reward(b, u, c)
    for i in range(c.n_agents + c.n_enemies):
        reset_unit(b, u, i)
    forget(b, c)
    draw_capabilities(b, c)


@kernel
def mark_dead(battles, setup, e):
    """Mark units without life as dead; none explodes."""
    b, c = battles[e], setup[0]
    for i in range(c.n_agents + c.n_enemies):
        if b.hp[i] <= 0.0:
            b.hp[i] = 0.0
            b.alive[i] = False
            b.fell_x[i], b.fell_y[i] = b.x[i], b.y[i]
            b.floor[i] = IN_THE_AIR
            b.order[i] = NONE


@kernel
def present(battles, units, setup, v, e, judged):
    """Views of battle e; with something to reward, reward and end as well."""
    b, u, c = battles[e], units[0], setup[0]
    score_step(b, u, c)
    if not judged:
        b.result = UNDECIDED
        b.reward = 0.0
    write_outcome(b, c, v, e)
    v.truncated[e] = v.truncated[e] and judged
    write_views(b, u, c, v, e)


def load(env: Batch, units: GameUnits, memory: Memory, e: int) -> None:
    """Set battle e to a moment and write its views; the enemies have the order that their map gives at the spawn.

    Raises:
        ValueError: the moment is none of this scenario.
    """
    _check_slot(env, e)
    n, m = env.spec.n_agents, env.spec.n_enemies
    columns = unit_columns(units, env.units[0], n, m)
    _check_types(env, columns["kind"])
    remembered = _memory_columns(env, memory)
    battle = env.battles[e]
    for name in ("kind", "x", "y"):
        battle[name][: n + m] = columns[name]
    place_units(env.battles, env.units, env.setup, e, np.uint64(memory.key))
    for name, column in columns.items():
        battle[name][: n + m] = column
    for name, column in remembered.items():
        battle[name][: len(column)] = column
    battle["step"] = memory.step
    if memory.max_reward is not None:
        battle["max_reward"] = memory.max_reward
    mark_dead(env.battles, env.setup, e)
    first_orders(battle, env.units[0], env.setup[0])
    present(env.battles, env.units, env.setup, env.views, e, memory.previous_health is not None)


def follow(env: Batch, units: GameUnits, actions: ArrayLike, e: int) -> None:
    """Set battle e to the moment one env_step after the one that it holds, and write views, reward and end.

    Raises:
        ValueError: no moment to follow, other units than before, a dead unit alive again, or illegal actions.
    """
    _check_slot(env, e)
    n, m = env.spec.n_agents, env.spec.n_enemies
    battle = env.battles[e]
    if battle["battle"] < 0:
        raise ValueError("follow: the battle holds no moment yet; call reset() or load_game_state() first")
    columns = unit_columns(units, env.units[0], n, m)
    missing = [name for name in REPORTED if name not in columns]
    if missing:
        raise ValueError(f"follow: the units lack {', '.join(missing)}; every moment after the first needs them")
    was, now = battle["alive"][: n + m].astype(bool), columns["hp"] > 0
    names = list(facts())
    for i in range(n + m):
        if columns["kind"][i] != battle["kind"][i]:
            given, before = names[columns["kind"][i]], names[battle["kind"][i]]
            raise ValueError(f"follow: unit {i} is a {given}, it was a {before} before; units keep their numbers")
        if now[i] and not was[i]:
            raise ValueError(f"follow: unit {i} has {columns['hp'][i]:g} hp, it was dead before")
    table, setup, views = env.units[0], env.setup[0], env.views
    given = env.checked_actions(_in_row(env, actions, e), only=e)
    command(battle, table, setup, given[e], views.action_mask[e])
    for name in REPORTED:
        battle[name][: n + m][now] = columns[name][now]
    battle["hp"][: n + m][~now] = 0.0
    mark_dead(env.battles, env.setup, e)
    finish_step(battle, table, setup)
    write_outcome(battle, setup, views, e)
    write_views(battle, table, setup, views, e)


def read(env: Batch, e: int) -> tuple[GameUnits, Memory]:
    """The moment that battle e holds.

    Raises:
        ValueError: no battle has started, or there is no such battle.
    """
    _check_slot(env, e)
    battle = env.battles[e]
    if battle["battle"] < 0:
        raise ValueError("game_state: no battle has started yet; call reset() first")
    n, m, options = env.spec.n_agents, env.spec.n_enemies, env.options
    names = list(facts())

    def column(name: str, length: int) -> NDArray[Any]:
        return battle[name][:length].copy()

    units = GameUnits(
        unit_type=[names[kind] for kind in battle["kind"][: n + m]],
        owner=np.repeat([AGENTS, ENEMIES], [n, m]),
        **{name: column(name, n + m) for name in REPORTED},
    )
    memory = Memory(
        step=int(battle["step"]),
        last_action=column("last_action", n),
        look=np.stack([column("look_x", n), column("look_y", n)], axis=1),
        tag=column("tag", m),
        sighted=from_bits(column("sighted", m), n),
        previous_health=column("start_health", n + m) * column("start_alive", n + m) if battle["step"] else None,
        max_reward=float(battle["max_reward"]),
        attack_probability=column("attack_probability", n) if options.stochastic_attack else None,
        health_level=column("health_level", n) if options.stochastic_health else None,
        enemy_mask=from_bits(column("enemy_mask", n), m) if options.mask_enemies else None,
        key=int(battle["key"]),
    )
    return units, memory


def _memory_columns(env: Batch, memory: Memory) -> dict[str, NDArray[Any]]:
    """Return the memory by the names of the battle record, without what is None."""
    n, m = env.spec.n_agents, env.spec.n_enemies
    numbers("step", memory.step, (), 0, env.spec.episode_limit)
    if not 0 <= memory.key < 2**64:
        raise ValueError(f"game state: key is {memory.key}, it must lie in 0..2**64-1")
    if memory.max_reward is not None and not memory.max_reward > 0:
        raise ValueError(f"game state: max_reward is {memory.max_reward}, it must be above 0")
    columns: dict[str, NDArray[Any]] = {}
    if memory.last_action is not None:
        columns["last_action"] = whole_numbers("last_action", memory.last_action, (n,), -1, env.spec.n_actions - 1)
    if memory.look is not None:
        look = numbers("look", memory.look, (n, 2), -1, 1)
        columns |= dict(look_x=look[:, 0], look_y=look[:, 1])
    if memory.tag is not None:
        tag = whole_numbers("tag", memory.tag, (m,), -1, n - 1)
        columns |= dict(tag=tag, sighted=to_bits(tag[:, None] == np.arange(n)))
    if memory.sighted is not None:
        columns["sighted"] = to_bits(whole_numbers("sighted", memory.sighted, (m, n), 0, 1))
    if memory.previous_health is not None:
        health = numbers("previous_health", memory.previous_health, (n + m,), 0)
        columns |= dict(start_health=health, start_alive=health > 0)
    if memory.attack_probability is not None:
        columns["attack_probability"] = numbers("attack_probability", memory.attack_probability, (n,), 0, 1)
    if memory.health_level is not None:
        columns["health_level"] = numbers("health_level", memory.health_level, (n,), 0, np.nextafter(1, 0))
    if memory.enemy_mask is not None:
        columns["enemy_mask"] = to_bits(whole_numbers("enemy_mask", memory.enemy_mask, (n, m), 0, 1))
    return columns


def _check_slot(env: Batch, e: int) -> None:
    if not 0 <= e < env.num_envs:
        raise ValueError(f"battle {e} does not exist; this environment has battles 0..{env.num_envs - 1}")


def _check_types(env: Batch, kind: NDArray[np.int64]) -> None:
    """Agents must be of the scenario's types, which ``unit_type`` counts; enemies too where they have type features."""
    setup, n, names = env.setup[0], env.spec.n_agents, list(facts())
    for i in range(len(kind)):
        bits = setup["type_by_kind" if i < n else "enemy_type_by_kind"]
        if bits[kind[i]] < 0 and (i < n or setup["type_bits"] > 0):
            allowed = [names[k] for k in range(len(names)) if bits[k] >= 0]
            side = f"agent {i}" if i < n else f"enemy {i - n}"
            raise ValueError(f"game state: {side} is a {names[kind[i]]}, {env.spec.id} has {', '.join(allowed)}")


def _in_row(env: Batch, actions: ArrayLike, e: int) -> NDArray[Any]:
    """Actions (N,) of battle e as a batch's."""
    given = np.asarray(actions)
    if given.shape != (env.spec.n_agents,) or given.dtype.kind not in "iu":
        raise ValueError(
            f"follow: actions have shape {given.shape} and type {given.dtype}, expected {env.spec.n_agents} integers"
        )
    batch = np.zeros((env.num_envs, env.spec.n_agents), np.int64)
    batch[e] = given
    return batch
