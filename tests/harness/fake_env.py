"""A tiny world in plain numpy: every agent sees which action is right and is paid for choosing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

import envs.registry
from envs.spec import EnvSpec

N_AGENTS, N_ACTIONS, LIMIT = 3, 5, 6
OBS_SIZE, STATE_SIZE = N_ACTIONS + 2, N_AGENTS * N_ACTIONS
UNIT_TYPES = ("left", "right")


class FakeEnv:
    """E battles; battle b of slot e is drawn whole from (seed, e, b), so that tests can say what must come.

    An observation is the one-hot of the right action, the battle number and the step. A battle of drawn length 3..6
    is won when at least 80% of all choices were right; length 6 is the limit (truncated, neither won nor lost). The
    action before the right one (in a circle over 1..A-1) is illegal; action 0 is always legal and never right.
    """

    def __init__(self, num_envs: int, seed: int, *, abort_every: int = 0, id: str = "fake") -> None:
        sizes = dict(n_agents=N_AGENTS, n_enemies=1, n_actions=N_ACTIONS, obs_size=OBS_SIZE, state_size=STATE_SIZE)
        self.spec = EnvSpec(id=id, **sizes, episode_limit=LIMIT, unit_types=UNIT_TYPES)
        e, n = num_envs, N_AGENTS
        self.num_envs, self.abort_every, self.closed = num_envs, abort_every, False
        self.single_observation_space = Box(-np.inf, np.inf, (OBS_SIZE,), np.float32)
        self.single_action_space: Discrete = Discrete(N_ACTIONS)
        self.obs, self.final_obs = (np.zeros((e, n, OBS_SIZE), np.float32) for _ in range(2))
        self.state, self.final_state = (np.zeros((e, STATE_SIZE), np.float32) for _ in range(2))
        self.action_mask, self.final_action_mask = (np.zeros((e, n, N_ACTIONS), bool) for _ in range(2))
        self.reward = np.zeros(e, np.float32)
        self.terminated, self.truncated, self.battle_won, self.battle_lost, self.aborted = (
            np.zeros(e, bool) for _ in range(5)
        )
        self.dead_allies, self.dead_enemies, self.battle_id = (np.zeros(e, np.int64) for _ in range(3))
        self.unit_type = np.zeros((e, n), np.int64)
        self.seed, self.fresh = seed, False

    def reset(self, seed: int | None = None) -> None:
        self.seed, self.fresh = self.seed if seed is None else seed, True
        self.t, self.right, self.length = (np.zeros(self.num_envs, np.int64) for _ in range(3))
        self.targets = np.zeros((self.num_envs, LIMIT + 1, N_AGENTS), np.int64)
        self.battle_id[:] = 0
        for slot in range(self.num_envs):
            self._start(slot)

    def _start(self, slot: int) -> None:
        rng = np.random.default_rng((self.seed, slot, int(self.battle_id[slot])))
        self.length[slot] = rng.integers(3, LIMIT + 1)
        self.targets[slot] = rng.integers(1, N_ACTIONS, (LIMIT + 1, N_AGENTS))
        self.unit_type[slot] = rng.integers(0, len(UNIT_TYPES), N_AGENTS)
        self.t[slot] = self.right[slot] = 0
        self._show(slot)

    def _show(self, slot: int) -> None:
        target = self.targets[slot, self.t[slot]]
        one_hot = np.eye(N_ACTIONS, dtype=np.float32)[target]
        self.obs[slot, :, :N_ACTIONS] = one_hot
        self.obs[slot, :, N_ACTIONS] = self.battle_id[slot]
        self.obs[slot, :, N_ACTIONS + 1] = self.t[slot]
        self.state[slot] = one_hot.ravel()
        self.action_mask[slot] = True
        self.action_mask[slot, np.arange(N_AGENTS), (target - 2) % (N_ACTIONS - 1) + 1] = False

    def step(self, actions: Any) -> None:
        if not self.fresh:
            raise ValueError("reset first")
        if not np.take_along_axis(self.action_mask, actions[..., None], axis=2).all():
            raise ValueError("illegal action")
        for slot in range(self.num_envs):
            right = int((actions[slot] == self.targets[slot, self.t[slot]]).sum())
            self.right[slot] += right
            self.t[slot] += 1
            self.reward[slot] = right / N_AGENTS
            ended = self.t[slot] == self.length[slot]
            serial = slot + self.num_envs * int(self.battle_id[slot])
            self.aborted[slot] = ended and self.abort_every and serial % self.abort_every == self.abort_every - 1
            self.truncated[slot] = ended and self.length[slot] == LIMIT and not self.aborted[slot]
            self.terminated[slot] = ended and not self.truncated[slot] and not self.aborted[slot]
            good = self.right[slot] >= 0.8 * N_AGENTS * self.length[slot]
            self.battle_won[slot] = self.terminated[slot] and good
            self.battle_lost[slot] = self.terminated[slot] and not good
            self._show(slot)
            if ended:
                self.final_obs[slot], self.final_state[slot] = self.obs[slot], self.state[slot]
                self.final_action_mask[slot] = self.action_mask[slot]
                self.battle_id[slot] += 1
                self._start(slot)

    def state_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "battle_id": self.battle_id.copy(), "t": self.t.copy(), "right": self.right.copy()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        self.reset(saved["seed"])
        self.battle_id[:] = saved["battle_id"]
        for slot in range(self.num_envs):
            self._start(slot)
        self.t[:], self.right[:] = saved["t"], saved["right"]
        for slot in range(self.num_envs):
            self._show(slot)

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True, kw_only=True)
class FakeOptions:
    """Options of the fake world."""

    abort_every: int = 0
    """Every so many battles one breaks down; 0: none."""


def make_fake(
    *, id: str, scenario: None, num_envs: int, seed: int | None, first_slot: int, options: FakeOptions
) -> FakeEnv:
    """Entry point for ``envs.register``."""
    return FakeEnv(num_envs, seed or 0, abort_every=options.abort_every, id=id)


def register_fake(id: str = "fake") -> None:
    """Put the fake world into the registry, once."""
    if id not in envs.registry.ids():
        envs.registry.register(
            id,
            entry_point="tests.harness.fake_env:make_fake",
            options="tests.harness.fake_env:FakeOptions",
            summary="every agent sees which action is right",
        )
