"""The contract of a batch of battles: every world, built in or foreign, is driven through these names."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray

from envs.spec import EnvSpec

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]


@runtime_checkable
class BatchedEnv(Protocol):
    """E battles of one scenario, stepped together; arrays are allocated once and rewritten in place.

    ``step`` advances every battle by one env_step. A battle that ends restarts by itself within the same call: its
    ``reward``, ``terminated``, ``truncated``, ``battle_won``, ``battle_lost``, ``aborted`` rows speak of the battle
    that ended, its last view is in ``final_*``, and ``obs``, ``state``, ``action_mask``, ``unit_type``, ``battle_id``
    already show the new battle. ``battle_won`` and ``battle_lost`` are true only on the step that ends the battle; a
    draw or a time limit leaves both false; an ``aborted`` battle (a crashed game) counts as none of the others.
    """

    spec: EnvSpec
    num_envs: int
    single_observation_space: Box
    """(D,) float32."""
    single_action_space: Discrete
    """A actions."""

    obs: Float
    """(E, N, D)"""
    state: Float
    """(E, S)"""
    action_mask: Bool
    """(E, N, A): true where the action is legal now."""
    reward: Float
    """(E,): shared by all agents of a battle."""
    terminated: Bool
    """(E,): the fight ended."""
    truncated: Bool
    """(E,): the step limit cut it."""
    battle_won: Bool
    """(E,)"""
    battle_lost: Bool
    """(E,)"""
    aborted: Bool
    """(E,): the world broke down; always false in the built-in engine."""
    dead_allies: Int
    """(E,): dead after this step, of the battle that the step belonged to."""
    dead_enemies: Int
    """(E,)"""
    unit_type: Int
    """(E, N): index into ``spec.unit_types``, fixed for the battle, the dead included."""
    battle_id: Int
    """(E,): how many battles this slot has started before the current one."""
    final_obs: Float
    """(E, N, D): last view of the slot's most recently finished battle."""
    final_state: Float
    """(E, S)"""
    final_action_mask: Bool
    """(E, N, A)"""

    def reset(self, seed: int | None = None) -> None:
        """Start a battle in every slot: battle 0 of ``seed`` if one is given, else the slot's next."""

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Advance one env_step; ``actions`` is (E, N) integers. An illegal action raises ``ValueError``."""

    def state_dict(self) -> dict[str, Any]:
        """Everything a bit-for-bit continuation needs, as arrays and plain values."""

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave; the arrays show the saved moment again."""

    def close(self) -> None:
        """Release what the world holds; calling it twice is allowed."""
