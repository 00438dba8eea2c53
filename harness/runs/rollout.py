"""Plays battles side by side and hands over each episode as it ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from algorithms.episode import Episode
from algorithms.protocol import Algorithm, Decision, Observation, PolicyState
from envs.protocol import BatchedEnv

Array = np.ndarray[Any, Any]


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
        self._buffers: dict[str, Array] = {
            "obs": np.zeros((e, t + 1, n, spec.obs_size), np.float32),
            "state": np.zeros((e, t + 1, spec.state_size), np.float32),
            "action_mask": np.zeros((e, t + 1, n, spec.n_actions), bool),
            "actions": np.zeros((e, t, n), np.int64),
            "reward": np.zeros((e, t), np.float32),
        }
        self._unit_type = env.unit_type.copy()
        self._record: dict[str, Array] = {}
        """what the policy gave to be stored with its actions, (E, T, …)"""
        self._policy_state = algorithm.initial_state(e)

    def step(self) -> list[Episode]:
        """Advance every battle by one env_step (E env_steps in all).

        Returns:
            The episodes that ended now, in slot order; their arrays are overwritten by the next step, so let the
            algorithm observe them first. Aborted battles are left out: a crashed game teaches nothing.
        """
        env, buffers, row = self._env, self._buffers, (self._slots, self._length)
        buffers["obs"][row] = env.obs
        buffers["state"][row] = env.state
        buffers["action_mask"][row] = env.action_mask
        decision = act(self._algorithm, env, self._policy_state, explore=True)
        self._policy_state = decision.state
        actions = decision.actions.cpu().numpy()
        env.step(actions)
        buffers["actions"][row] = actions
        for name, values in decision.record.items():
            self._recorded(name, values)[row] = values.cpu().numpy()
        buffers["reward"][row] = env.reward
        self._length += 1
        ended = np.flatnonzero(env.terminated | env.truncated | env.aborted)
        return self._take(ended) if ended.size else []

    def _take(self, ended: Array) -> list[Episode]:
        """Cut the ended episodes out of the buffers and make their slots ready for the next battle."""
        episodes = [self._episode(slot) for slot in ended.tolist() if not self._env.aborted[slot]]
        self._length[ended] = 0
        self._unit_type = self._unit_type.copy()  # the episodes above keep the rows of the old array
        self._unit_type[ended] = self._env.unit_type[ended]
        forget(self._algorithm, self._policy_state, ended)
        return episodes

    def _recorded(self, name: str, like: torch.Tensor) -> Array:
        """The buffer (E, T, …) of something that the policy records, made when it first does."""
        if name not in self._record:
            e, steps = self._buffers["reward"].shape
            kind = like.new_empty(0, device="cpu").numpy().dtype
            self._record[name] = np.zeros((e, steps, *like.shape[1:]), kind)
        return self._record[name]

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
            record={name: values[slot, :steps] for name, values in self._record.items()},
        )

    def state_dict(self) -> dict[str, Any]:
        """The battles under way, cut to their longest, for a checkpoint."""
        longest = int(self._length.max())
        return {
            "length": self._length.copy(),
            "battle_id": self._env.battle_id.copy(),
            "unit_type": self._unit_type.copy(),
            "buffers": {name: buffer[:, :longest].copy() for name, buffer in self._buffers.items()},
            "record": {name: buffer[:, :longest].copy() for name, buffer in self._record.items()},
            "policy_state": {name: rows.clone() for name, rows in self._policy_state.items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave; the env must stand at the same moment, or in another battle.

        A world that cannot be saved begins another battle instead, and what was seen of the old one is dropped.
        """
        self._length[:] = saved["length"]
        self._unit_type[:] = saved["unit_type"]
        for name, buffer in saved["buffers"].items():
            self._buffers[name][:, : buffer.shape[1]] = buffer
        for name, buffer in saved["record"].items():
            like = torch.from_numpy(np.zeros((len(buffer), *buffer.shape[2:]), buffer.dtype))
            self._recorded(name, like)[:, : buffer.shape[1]] = buffer
        self._policy_state = {name: rows.to(self._algorithm.device) for name, rows in saved["policy_state"].items()}
        lost = np.flatnonzero(self._env.battle_id != saved.get("battle_id", self._env.battle_id))
        self._length[lost] = 0
        self._unit_type[lost] = self._env.unit_type[lost]
        forget(self._algorithm, self._policy_state, lost)


class Seen(NamedTuple):
    """What the agents of E battles see, as an env's arrays of these names."""

    obs: Array
    action_mask: Array
    unit_type: Array


@torch.no_grad()
def act(algorithm: Algorithm, seen: BatchedEnv | Seen, state: PolicyState, *, explore: bool) -> Decision:
    """Ask the policy about the current arrays; on a CPU they are read where they lie, without a copy."""
    device = algorithm.device
    observation = Observation(
        obs=torch.from_numpy(seen.obs).to(device),
        action_mask=torch.from_numpy(seen.action_mask).to(device),
        unit_type=torch.from_numpy(seen.unit_type).to(device),
    )
    return algorithm.act(observation, state, explore=explore)


def forget(algorithm: Algorithm, state: PolicyState, slots: Array) -> None:
    """Set the policy's memory of these slots, in place, to that of a new battle."""
    if slots.size:
        index = torch.from_numpy(slots).to(algorithm.device)
        for name, fresh in algorithm.initial_state(len(slots)).items():
            state[name].index_copy_(0, index, fresh)
