"""The arrays that the caller of a batch reads; ``envs.protocol.BatchedEnv`` documents each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.spec import EnvSpec


class Views(NamedTuple):
    """Leading axis E; rewritten in place by every step."""

    obs: NDArray[np.float32]
    state: NDArray[np.float32]
    action_mask: NDArray[np.bool_]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    battle_won: NDArray[np.bool_]
    battle_lost: NDArray[np.bool_]
    dead_allies: NDArray[np.int64]
    dead_enemies: NDArray[np.int64]
    unit_type: NDArray[np.int64]
    battle_id: NDArray[np.int64]
    final_obs: NDArray[np.float32]
    final_state: NDArray[np.float32]
    final_action_mask: NDArray[np.bool_]


def allocate_views(spec: EnvSpec, num_envs: int) -> Views:
    """Zeroed arrays for E battles."""
    obs = (num_envs, spec.n_agents, spec.obs_size)
    mask = (num_envs, spec.n_agents, spec.n_actions)

    def flags() -> NDArray[np.bool_]:
        return np.zeros(num_envs, np.bool_)

    return Views(
        obs=np.zeros(obs, np.float32),
        state=np.zeros((num_envs, spec.state_size), np.float32),
        action_mask=np.zeros(mask, np.bool_),
        reward=np.zeros(num_envs, np.float32),
        terminated=flags(),
        truncated=flags(),
        battle_won=flags(),
        battle_lost=flags(),
        dead_allies=np.zeros(num_envs, np.int64),
        dead_enemies=np.zeros(num_envs, np.int64),
        unit_type=np.zeros((num_envs, spec.n_agents), np.int64),
        battle_id=np.full(num_envs, -1, np.int64),
        final_obs=np.zeros(obs, np.float32),
        final_state=np.zeros((num_envs, spec.state_size), np.float32),
        final_action_mask=np.zeros(mask, np.bool_),
    )
