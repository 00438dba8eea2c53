"""What the batches of all worlds share: the arrays of ``envs.protocol.BatchedEnv``, spaces, the seed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import DTypeLike, NDArray

from envs.checks import seed_number
from envs.protocol import Bool, Float, Int
from envs.spec import EnvSpec

Layout = dict[str, tuple[tuple[int, ...], DTypeLike]]
"""Name -> shape and type of an array."""
VIEWS = ("obs", "state", "action_mask")
"""Arrays that show the moment; each has a ``final_`` twin."""
FLAGS = ("reward", "terminated", "truncated", "battle_won", "battle_lost", "aborted", "dead_allies", "dead_enemies")
"""Arrays about the last step."""


def layout(spec: EnvSpec, num_envs: int) -> Layout:
    """Every array of ``envs.protocol.BatchedEnv``."""
    e, n = num_envs, spec.n_agents
    arrays: Layout = {}
    for prefix in ("", "final_"):
        arrays |= {
            f"{prefix}obs": ((e, n, spec.obs_size), np.float32),
            f"{prefix}state": ((e, spec.state_size), np.float32),
            f"{prefix}action_mask": ((e, n, spec.n_actions), np.bool_),
        }
    flags = ("terminated", "truncated", "battle_won", "battle_lost", "aborted")
    arrays |= dict.fromkeys(flags, ((e,), np.bool_))
    arrays |= dict.fromkeys(("dead_allies", "dead_enemies", "battle_id"), ((e,), np.int64))
    return arrays | {"reward": ((e,), np.float32), "unit_type": ((e, n), np.int64)}


class BatchBase:
    """The parts of a batch that do not depend on its world.

    Args:
        spec: of the world.
        num_envs: E.
        seed: of all battles; None draws one.
        first_slot: number of the first slot.
        arrays: zeroed, as ``layout`` describes them and maybe more; None: new ones.
    """

    obs: Float
    state: Float
    action_mask: Bool
    reward: Float
    terminated: Bool
    truncated: Bool
    battle_won: Bool
    battle_lost: Bool
    aborted: Bool
    dead_allies: Int
    dead_enemies: Int
    unit_type: Int
    battle_id: Int
    final_obs: Float
    final_state: Float
    final_action_mask: Bool

    noun = "battle"
    """What messages call one of the E."""

    def __init__(
        self,
        spec: EnvSpec,
        num_envs: int,
        seed: int | None,
        first_slot: int,
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self.spec, self.num_envs, self._first_slot = spec, num_envs, first_slot
        self.single_observation_space: Box = Box(-np.inf, np.inf, (spec.obs_size,), np.float32)
        self.single_action_space: Discrete = Discrete(spec.n_actions)
        seed = seed_number(seed)
        self.seed = secrets.randbits(63) if seed is None else seed
        if arrays is None:
            arrays = {name: np.zeros(shape, kind) for name, (shape, kind) in layout(spec, num_envs).items()}
        self._arrays = arrays
        for name, array in arrays.items():
            setattr(self, name, array)
        self.battle_id[:] = -1

    def _begin_reset(self, seed: Any) -> None:
        """Begin a ``reset``: take over its seed, if one is given, and clear the arrays about the last step.

        Raises:
            ValueError: as of ``seed_number``.
        """
        seed = seed_number(seed)
        if seed is not None:
            self.seed = seed
            self.battle_id[:] = -1
        for name in FLAGS:
            self._arrays[name][:] = 0

    def _keep_last_view(self, e: int) -> None:
        """Let ``final_*`` show what battle e shows now."""
        for name in VIEWS:
            self._arrays[f"final_{name}"][e] = self._arrays[name][e]

    def _check_open(self, is_open: bool) -> None:
        if not is_open:
            raise ValueError(f"{self.spec.id}: the batch is closed; make another: envs.make({self.spec.id!r}, …)")

    def _check_saved(self, id: str, count: int) -> None:
        """Refuse a saved state of another scenario or another number of battles.

        Raises:
            ValueError: it is one.
        """
        if id != self.spec.id or count != self.num_envs:
            raise ValueError(
                f"the saved state is of {count} {self.noun}s of {id!r}, "
                f"this environment has {self.num_envs} of {self.spec.id!r}"
            )

    def _check_form(self, given: NDArray[np.integer[Any]], *, started: bool) -> NDArray[np.integer[Any]]:
        """Return actions as an array, once they are (E, N) integers and there is something to step.

        Raises:
            ValueError: wrong shape or type, or nothing started.
        """
        given, expected = np.asarray(given), (self.num_envs, self.spec.n_agents)
        if given.shape != expected or given.dtype.kind not in "iu":
            raise ValueError(
                f"step: actions have shape {given.shape} and type {given.dtype}, "
                f"expected integers of shape {expected} ({self.noun}s, agents)"
            )
        if not started:
            raise ValueError(f"step: no {self.noun} has started yet; call reset() first")
        return given

    def _check_legal(
        self, given: NDArray[np.integer[Any]], mask: NDArray[np.bool_], *, started: bool
    ) -> NDArray[np.int64]:
        """The actions of a step, once form and legality are right; for worlds other than the built-in engine.

        Args:
            given: (E, N) integers.
            mask: (E, N, A) true where an action is legal.
            started: whether there is something to step.

        Raises:
            ValueError: wrong shape or type, nothing started, or an action that is illegal now.
        """
        given = self._check_form(given, started=started)
        known = (given >= 0) & (given < self.spec.n_actions)
        legal = known & np.take_along_axis(mask, np.where(known, given, 0)[..., None], 2)[..., 0]
        if not legal.all():
            e, i = np.argwhere(~legal)[0]
            allowed = ", ".join(map(str, np.flatnonzero(mask[e, i])))
            raise ValueError(
                f"illegal action {given[e, i]} of {self._name_of(i)} in {self.noun} {e}; legal now: {allowed}; "
                "mask your policy with action_mask"
            )
        return given.astype(np.int64)

    def _name_of(self, agent: int) -> str:
        """The agent, for messages."""
        return f"agent {agent}"
