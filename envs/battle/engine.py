"""E battles of the built-in engine, as an ``envs.protocol.BatchedEnv``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle import jit
from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from envs.battle.setup import make_setup
from envs.battle.smacv2.orders import find_illegal
from envs.battle.smacv2.sizes import env_spec
from envs.battle.snapshots.replica import ReplicaBase
from envs.battle.snapshots.version import version_of
from envs.battle.state import BATTLE, Views, allocate
from envs.battle.step import start_all, step_in_parallel, step_one_by_one
from envs.battle.units import unit_table

PARALLEL_FROM = 4  # below this many battles, waking the threads costs more than they save
ACTION_NAMES = ("no-op", "stop", "north", "south", "east", "west")


class BattleEnv(ReplicaBase):
    """E battles of one scenario; see ``envs.protocol.BatchedEnv`` for every array.

    Args:
        id: name of the scenario, for messages and the spec.
        scenario: who fights whom.
        num_envs: E.
        seed: reproduces every battle bit for bit, whatever else is in the batch; None draws one.
        first_slot: number of the first slot (battle e of a batch alone: ``num_envs=1, first_slot=e``).
        options: switches of the battle.
    """

    def __init__(
        self,
        *,
        id: str,
        scenario: Scenario,
        num_envs: int,
        seed: int | None,
        first_slot: int,
        options: BattleOptions,
    ) -> None:
        super().__init__(env_spec(id, scenario, options), num_envs, seed, first_slot)
        self.scenario = scenario
        self.options = options
        self.units = unit_table(scenario.catalog, options)
        self._setup_with(self.seed)
        self.battles = allocate(num_envs)
        self.views = Views(**{name: self._arrays[name] for name in Views._fields})

    @property
    def title(self) -> str:
        """Name of the scenario, for pictures."""
        return self.spec.id

    @property
    def shown_types(self) -> tuple[str, ...]:
        """Unit types that can appear on either side, each once, for pictures."""
        scenario = self.scenario
        return tuple(dict.fromkeys(scenario.ordered_types + scenario.ally_team + scenario.enemy_team))

    def _setup_with(self, seed: int) -> None:
        self.seed = seed
        self.setup = make_setup(self.scenario, self.options, seed, self._first_slot)

    def reset(self, seed: int | None = None) -> None:
        """Start a battle in every slot: battle 0 of ``seed`` if one is given, else the slot's next.

        Raises:
            ValueError: with the options' rewards a flawless battle would return nothing, or less.
        """
        jit.announce_compiling()
        self._begin_reset(seed)
        if seed is not None:
            self._setup_with(self.seed)
            self.battles["battle"] = -1
        start_all(self.battles, self.units, self.setup, self.views)
        self._check_scale()

    def _check_scale(self) -> None:
        try:
            self.options.check_scale(self.spec.id, float(self.battles["max_reward"].min()))
        except ValueError:
            self.battles["battle"] = -1
            raise

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Advance every battle by one env_step.

        Args:
            actions: (E, N) integers. With ``heuristic_ai`` any action will do, since scripted agents act in its place;
                as in smacv2, an array is overwritten with what they did.

        Raises:
            ValueError: wrong shape or type, no battle started, or an action that is illegal now.
        """
        given, actions = actions, self.checked_actions(actions)
        if self.num_envs < PARALLEL_FROM or jit.in_forked_child():
            step_one_by_one(self.battles, self.units, self.setup, self.views, actions)
        else:
            with jit.one_at_a_time:
                step_in_parallel(self.battles, self.units, self.setup, self.views, actions)
        if self.options.heuristic_ai and isinstance(given, np.ndarray) and given.flags.writeable:
            given[...] = actions

    def checked_actions(self, given: NDArray[np.integer[Any]], only: int | None = None) -> NDArray[np.int64]:
        """The actions, once form and legality are right, of battle ``only`` if one is given.

        Raises:
            ValueError: as ``step`` does.
        """
        first, last = (0, self.num_envs) if only is None else (only, only + 1)
        started = bool((self.battles["battle"][first:last] >= 0).all())
        given = self._check_form(given, started=started)
        actions: NDArray[np.int64] = np.require(given, np.int64, ["C", "W"])  # compiled code may write
        if self.options.illegal_actions == "raise":
            mask = self.views.action_mask[first:last]
            # The script replaces actions, so any that exist will do.
            illegal = find_illegal(actions[first:last], np.ones_like(mask) if self.options.heuristic_ai else mask)
            if illegal >= 0:
                battle, agent = divmod(illegal, self.spec.n_agents)
                self._refuse(actions, first + battle, agent)
        return actions

    def _refuse(self, actions: NDArray[np.int64], e: int, i: int) -> None:
        legal = np.flatnonzero(self.views.action_mask[e, i])
        names = ", ".join(f"{action} ({self.action_name(e, i, int(action))})" for action in legal)
        raise ValueError(
            f"illegal action {actions[e, i]} of agent {i} in battle {e}; legal now: {names}; "
            'mask your policy with action_mask, or make the environment with illegal_actions="noop"'
        )

    def action_name(self, e: int, i: int, action: int) -> str:
        """Return what an action means for agent i of battle e, for messages and logs."""
        if action < len(ACTION_NAMES):
            return ACTION_NAMES[action]
        if action < self.setup[0]["n_no_target"]:
            return f"look {action - len(ACTION_NAMES)}"
        target = action - self.setup[0]["n_no_target"]
        heals = self.scenario.has_healers and self.units[0]["heals"][self.battles[e]["kind"][i]]
        return f"heal ally {target}" if heals else f"attack enemy {target}"

    def state_dict(self) -> dict[str, Any]:
        """Everything a bit-for-bit continuation needs."""
        return {
            "id": self.spec.id,
            "seed": self.seed,
            "first_slot": self._first_slot,
            "version": version_of(self.scenario, self.setup),
            "options": repr(self.options),
            "battles": self.battles.tobytes(),
            "views": {name: array.copy() for name, array in self.views._asdict().items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave.

        Raises:
            ValueError: saved from another scenario or number of battles, or by another version of engine or data.
        """
        self._check_saved(saved["id"], len(saved["views"]["battle_id"]))
        if saved.get("options", repr(self.options)) != repr(self.options):
            raise ValueError(f"the saved state is of {saved['options']}, this environment has {self.options}")
        for part, own in version_of(self.scenario, self.setup).items():
            if saved.get("version", {}).get(part) != own:
                raise ValueError(f"the saved state is of another version of the {part}; start the run again")
        self._first_slot = saved["first_slot"]
        self._setup_with(saved["seed"])
        self.battles[:] = np.frombuffer(saved["battles"], BATTLE)
        for name, array in self.views._asdict().items():
            array[...] = saved["views"][name]

    def close(self) -> None:
        """Nothing to release."""
