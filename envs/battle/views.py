"""The arrays that the caller of a batch reads; ``envs.protocol.BatchedEnv`` documents each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


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
