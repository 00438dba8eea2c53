"""Plays battles side by side and hands over each episode as it ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from algorithms.protocol import Algorithm
from algorithms.replay.replay import Episode
from envs.protocol import BatchedEnv


class Rollout:
    """E battles in step with one policy, each slot filling its own row of the buffers.

    A step costs the same few array operations whatever E is; only an episode that ends is handled on its own.

    Args:
        env: freshly reset; ``step`` advances it.
        algorithm: chooses the actions.
    """

    def __init__(self, env: BatchedEnv, algorithm: Algorithm) -> None:
        spec, e = env.spec, env.num_envs
        t, n = spec.episode_limit, spec.n_agents
        self._env, self._algorithm = env, algorithm
        self._slots = np.arange(e)
        self._length = np.zeros(e, np.int64)
        self._buffers: dict[str, np.ndarray[Any, Any]] = {
            "obs": np.zeros((e, t + 1, n, spec.obs_size), np.float32),
            "state": np.zeros((e, t + 1, spec.state_size), np.float32),
            "action_mask": np.zeros((e, t + 1, n, spec.n_actions), bool),
            "actions": np.zeros((e, t, n), np.int64),
            "reward": np.zeros((e, t), np.float32),
        }
        self._unit_type = env.unit_type.copy()
        self._last_action = torch.full((e, n), -1, dtype=torch.int64, device=algorithm.device)
        self._hidden = algorithm.initial_hidden(e)

    def step(self, epsilon: float) -> list[Episode]:
        """Advance every battle by one env_step (E env_steps in all).

        Args:
            epsilon: exploration rate of this step.

        Returns:
            The episodes that ended now, in slot order; their arrays are overwritten by the next step, so insert them
            first. Aborted battles are left out: a crashed game teaches nothing.
        """
        env, buffers, row = self._env, self._buffers, (self._slots, self._length)
        buffers["obs"][row] = env.obs
        buffers["state"][row] = env.state
        buffers["action_mask"][row] = env.action_mask
        actions, self._hidden = act(self._algorithm, env, self._last_action, self._hidden, epsilon=epsilon)
        self._last_action = actions
        on_cpu = actions.cpu().numpy()
        env.step(on_cpu)
        buffers["actions"][row] = on_cpu
        buffers["reward"][row] = env.reward
        self._length += 1
        ended = np.flatnonzero(env.terminated | env.truncated | env.aborted)
        return self._take(ended) if ended.size else []

    def _take(self, ended: np.ndarray[Any, Any]) -> list[Episode]:
        """Cut the ended episodes out of the buffers and make their slots ready for the next battle."""
        episodes = [self._episode(slot) for slot in ended.tolist() if not self._env.aborted[slot]]
        self._length[ended] = 0
        self._unit_type = self._unit_type.copy()  # the episodes above keep the rows of the old array
        self._unit_type[ended] = self._env.unit_type[ended]
        restart(ended, self._last_action, self._hidden)
        return episodes

    def _episode(self, slot: int) -> Episode:
        env, buffers, steps = self._env, self._buffers, int(self._length[slot])
        buffers["obs"][slot, steps] = env.final_obs[slot]
        buffers["state"][slot, steps] = env.final_state[slot]
        buffers["action_mask"][slot, steps] = env.final_action_mask[slot]
        return Episode(
            obs=buffers["obs"][slot, : steps + 1],
            state=buffers["state"][slot, : steps + 1],
            action_mask=buffers["action_mask"][slot, : steps + 1],
            actions=buffers["actions"][slot, :steps],
            reward=buffers["reward"][slot, :steps],
            terminated=bool(env.terminated[slot]),
            truncated=bool(env.truncated[slot]),
            unit_type=self._unit_type[slot],
        )

    def state_dict(self) -> dict[str, Any]:
        """The battles under way, cut to their longest, for a checkpoint."""
        longest = int(self._length.max())
        return {
            "length": self._length.copy(),
            "battle_id": self._env.battle_id.copy(),
            "unit_type": self._unit_type.copy(),
            "buffers": {name: buffer[:, :longest].copy() for name, buffer in self._buffers.items()},
            "last_action": self._last_action.clone(),
            "hidden": self._hidden.clone(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave; the env must stand at the same moment, or in another battle.

        A world that cannot be saved begins another battle instead, and what was seen of the old one is dropped.
        """
        self._length[:] = saved["length"]
        self._unit_type[:] = saved["unit_type"]
        for name, buffer in saved["buffers"].items():
            self._buffers[name][:, : buffer.shape[1]] = buffer
        self._last_action = saved["last_action"].to(self._algorithm.device)
        self._hidden = saved["hidden"].to(self._algorithm.device)
        lost = np.flatnonzero(self._env.battle_id != saved.get("battle_id", self._env.battle_id))
        self._length[lost] = 0
        self._unit_type[lost] = self._env.unit_type[lost]
        restart(lost, self._last_action, self._hidden)


@torch.no_grad()
def act(
    algorithm: Algorithm, env: BatchedEnv, last_action: torch.Tensor, hidden: torch.Tensor, *, epsilon: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ask the policy about the env's current arrays; on a CPU they are read where they lie, without a copy."""
    device = algorithm.device
    return algorithm.act(
        torch.from_numpy(env.obs).to(device),
        last_action,
        torch.from_numpy(env.action_mask).to(device),
        torch.from_numpy(env.unit_type).to(device),
        hidden,
        epsilon=epsilon,
    )


def restart(ended: np.ndarray[Any, Any], last_action: torch.Tensor, hidden: torch.Tensor) -> None:
    """A new battle in these slots remembers nothing of the old one."""
    slots = torch.from_numpy(ended).to(hidden.device)
    hidden.index_fill_(0, slots, 0.0)
    last_action.index_fill_(0, slots, -1)
