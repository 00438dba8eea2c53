"""Set battles to given game states, without playing.

``load_game_state`` sets one moment, ``follow_game`` the next one after known actions. Both write the views of the
battle; nothing moves and nobody fires. So the observables can be held against those of any other implementation
(``docs/traces.md``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.batch import BatchBase
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
from envs.battle.state import NONE, Views
from envs.battle.step import command, finish_step, score_step, write_outcome, write_views
from envs.battle.unit_types import facts
from envs.battle.units import IN_THE_AIR

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


class ReplicaBase(BatchBase):
    """A batch of the built-in engine whose battles can be set to given game states."""

    options: BattleOptions
    units: NDArray[np.void]
    setup: NDArray[np.void]
    battles: NDArray[np.void]
    views: Views

    def checked_actions(self, given: NDArray[np.integer[Any]], only: int | None = None) -> NDArray[np.int64]:
        """The actions of a step, once form and legality are right, of battle ``only`` if one is given."""
        raise NotImplementedError

    def load_game_state(self, units: GameUnits, memory: Memory | None = None, *, battle: int = 0) -> None:
        """Set one battle to a given moment and write its views; enemies have the order that their map gives at first.

        ``obs``, ``state``, ``action_mask`` and ``unit_type`` show the moment; ``reward`` and the flags of an end follow
        from ``memory.previous_health``, and are 0 without it. The look counts: sightings are noted, so that loading
        what ``game_state`` gives looks a second time, as a second ``get_obs()`` of smacv2 does.

        Args:
            units: what the game reports; places are taken as they are, the game's own lie on a grid of 1/4096 cell.
            memory: what observations remember; None: the start of a battle.
            battle: which of the E battles.

        Raises:
            ValueError: the moment is none of this scenario; the message names the entry and what is allowed.
        """
        memory = memory or Memory()
        self._check_slot(battle)
        n, m = self.spec.n_agents, self.spec.n_enemies
        columns = unit_columns(units, self.units[0], n, m)
        self._check_types(columns["kind"])
        remembered = self._memory_columns(memory)
        record = self.battles[battle]
        for name in ("kind", "x", "y"):
            record[name][: n + m] = columns[name]
        place_units(self.battles, self.units, self.setup, battle, np.uint64(memory.key))
        for name, column in columns.items():
            record[name][: n + m] = column
        for name, column in remembered.items():
            record[name][: len(column)] = column
        record["step"] = memory.step
        if memory.max_reward is not None:
            record["max_reward"] = memory.max_reward
        mark_dead(self.battles, self.setup, battle)
        first_orders(record, self.units[0], self.setup[0])
        present(self.battles, self.units, self.setup, self.views, battle, memory.previous_health is not None)

    def follow_game(self, units: GameUnits, actions: ArrayLike, *, battle: int = 0) -> None:
        """Set one battle to the moment after the one it holds, the fight in between being played elsewhere.

        Everything that smacv2 keeps beside the game goes on as in ``step``: sightings, look directions, last actions,
        places of the dead, reward, end. A battle that has ended is not restarted.

        Args:
            units: what the game reports now, numbered as before; the places of the dead do not matter.
            actions: (N,) integers that led here.
            battle: which of the E battles.

        Raises:
            ValueError: no moment to follow, other units than before, a dead unit alive again, or illegal actions.
        """
        self._check_slot(battle)
        record, table, setup, views = self.battles[battle], self.units[0], self.setup[0], self.views
        if record["battle"] < 0:
            raise ValueError("follow: the battle holds no moment yet; call reset() or load_game_state() first")
        both = self.spec.n_agents + self.spec.n_enemies
        columns = unit_columns(units, table, self.spec.n_agents, self.spec.n_enemies)
        now = living(columns, record, both)
        given = self.checked_actions(self._in_row(actions, battle), only=battle)
        command(record, table, setup, given[battle], views.action_mask[battle])
        for name in REPORTED:
            record[name][:both][now] = columns[name][now]
        record["hp"][:both][~now] = 0.0
        mark_dead(self.battles, self.setup, battle)
        finish_step(record, table, setup)
        write_outcome(record, setup, views, battle)
        write_views(record, table, setup, views, battle)

    def game_state(self, *, battle: int = 0) -> tuple[GameUnits, Memory]:
        """The moment that one battle holds, as ``load_game_state`` takes it.

        Raises:
            ValueError: no battle has started, or there is no such battle.
        """
        self._check_slot(battle)
        record = self.battles[battle]
        if record["battle"] < 0:
            raise ValueError("game_state: no battle has started yet; call reset() first")
        n, m, options = self.spec.n_agents, self.spec.n_enemies, self.options
        names = list(facts())

        def column(name: str, length: int) -> NDArray[Any]:
            return record[name][:length].copy()

        units = GameUnits(
            unit_type=[names[kind] for kind in record["kind"][: n + m]],
            owner=np.repeat([AGENTS, ENEMIES], [n, m]),
            **{name: column(name, n + m) for name in REPORTED},
        )
        memory = Memory(
            step=int(record["step"]),
            last_action=column("last_action", n),
            look=np.stack([column("look_x", n), column("look_y", n)], axis=1),
            tag=column("tag", m),
            sighted=from_bits(column("sighted", m), n),
            previous_health=column("start_health", n + m) * column("start_alive", n + m) if record["step"] else None,
            max_reward=float(record["max_reward"]),
            attack_probability=column("attack_probability", n) if options.stochastic_attack else None,
            health_level=column("health_level", n) if options.stochastic_health else None,
            enemy_mask=from_bits(column("enemy_mask", n), m) if options.mask_enemies else None,
            key=int(record["key"]),
        )
        return units, memory

    def _memory_columns(self, memory: Memory) -> dict[str, NDArray[Any]]:
        """Return the memory by the names of the battle record, without what is None."""
        n, m = self.spec.n_agents, self.spec.n_enemies
        numbers("step", memory.step, (), 0, self.spec.episode_limit)
        if not 0 <= memory.key < 2**64:
            raise ValueError(f"game state: key is {memory.key}, it must lie in 0..2**64-1")
        if memory.max_reward is not None and not memory.max_reward > 0:
            raise ValueError(f"game state: max_reward is {memory.max_reward}, it must be above 0")
        columns: dict[str, NDArray[Any]] = {}
        if memory.last_action is not None:
            columns["last_action"] = whole_numbers("last_action", memory.last_action, (n,), -1, self.spec.n_actions - 1)
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

    def _check_slot(self, e: int) -> None:
        if not 0 <= e < self.num_envs:
            raise ValueError(f"battle {e} does not exist; this environment has battles 0..{self.num_envs - 1}")

    def _check_types(self, kind: NDArray[np.int64]) -> None:
        """Agents must be of the scenario's types, which ``unit_type`` counts; enemies too where types are features."""
        setup, n, names = self.setup[0], self.spec.n_agents, list(facts())
        for i in range(len(kind)):
            bits = setup["type_by_kind" if i < n else "enemy_type_by_kind"]
            if bits[kind[i]] < 0 and (i < n or setup["type_bits"] > 0):
                allowed = [names[k] for k in range(len(names)) if bits[k] >= 0]
                side = f"agent {i}" if i < n else f"enemy {i - n}"
                raise ValueError(f"game state: {side} is a {names[kind[i]]}, {self.spec.id} has {', '.join(allowed)}")

    def _in_row(self, actions: ArrayLike, e: int) -> NDArray[Any]:
        """Actions (N,) of battle e as a batch's."""
        given, n = np.asarray(actions), self.spec.n_agents
        if given.shape != (n,) or given.dtype.kind not in "iu":
            raise ValueError(f"follow: actions have shape {given.shape} and type {given.dtype}, expected {n} integers")
        batch = np.zeros((self.num_envs, n), np.int64)
        batch[e] = given
        return batch


def living(columns: dict[str, NDArray[Any]], record: np.void, both: int) -> NDArray[np.bool_]:
    """(U,) who lives now, once these columns may follow the battle's record.

    Raises:
        ValueError: a column is missing, another unit than before, or a dead one alive again.
    """
    missing = [name for name in REPORTED if name not in columns]
    if missing:
        raise ValueError(f"follow: the units lack {', '.join(missing)}; every moment after the first needs them")
    was, now = record["alive"][:both].astype(bool), columns["hp"] > 0
    names = list(facts())
    for i in range(both):
        if columns["kind"][i] != record["kind"][i]:
            given, before = names[columns["kind"][i]], names[record["kind"][i]]
            raise ValueError(f"follow: unit {i} is a {given}, it was a {before} before; units keep their numbers")
        if now[i] and not was[i]:
            raise ValueError(f"follow: unit {i} has {columns['hp'][i]:g} hp, it was dead before")
    return now
