"""A small PettingZoo world with everything that an adapter can stumble over."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary
from pettingzoo import ParallelEnv


class Uneven(ParallelEnv):
    """Three agents unlike each other: "b" leaves after two steps, "c" has a mask in its observation, "a" in its info.

    All see the number drawn from the seed and the step; an action pays itself, times ten for "c". The episode ends by
    itself after ``length`` steps, ``how`` says in what way for "a"; "c" always terminates.
    """

    metadata = {"name": "uneven"}  # noqa: RUF012 - PettingZoo's own form

    def __init__(self, length: int = 4, how: str = "terminated") -> None:
        self.length, self.how = length, how
        self.possible_agents = ["a", "b", "c"]
        self.agents: list[str] = []
        seen = Box(-1000, 1000, (2,), np.float32)
        self.observation_spaces = {
            "a": Box(-1000, 1000, (2, 2), np.float32),
            "b": seen,
            "c": Dict({"observation": seen, "action_mask": MultiBinary(2)}),
        }
        self.action_spaces = {"a": Discrete(4), "b": Discrete(3), "c": Discrete(2)}
        self.closed = 0

    def observation_space(self, agent: str) -> Any:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.agents, self.t = list(self.possible_agents), 0
        self.drawn = float(np.random.default_rng(seed).integers(1, 900))
        return self._seen(self.agents), self._infos(self.agents)

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        assert list(actions) == self.agents, "exactly the agents that are there act"
        acting, over = self.agents, self.t + 1 == self.length
        self.t += 1
        rewards = {name: actions[name] * (10.0 if name == "c" else 1.0) for name in acting}
        ended = {name: name == "b" and self.t == 2 for name in acting}
        cut = dict.fromkeys(acting, False)
        if over:
            ended = {name: name == "c" or self.how == "terminated" for name in acting}
            cut = {name: not ended[name] for name in acting}
        self.agents = [name for name in acting if not (ended[name] or cut[name])]
        return self._seen(acting), rewards, ended, cut, self._infos(acting)

    def _seen(self, names: list[str]) -> dict[str, Any]:
        seen = np.array([self.drawn, self.t], np.float32)
        masked = {"observation": seen, "action_mask": np.array([1, self.t % 2], np.int8)}
        every = {"a": np.stack([seen, -seen]), "b": seen, "c": masked}
        return {name: every[name] for name in names}

    def _infos(self, names: list[str]) -> dict[str, Any]:
        return {name: {"action_mask": np.array([0, 1, 1, 0], np.int8)} if name == "a" else {} for name in names}

    def close(self) -> None:
        self.closed += 1


class Turns(ParallelEnv):
    """Two agents that move in turn for ``length`` steps; the mask of who waits is all zeros. Action 1 pays 1."""

    metadata = {"name": "turns", "is_parallelizable": True}  # noqa: RUF012 - PettingZoo's own form
    render_mode = None

    def __init__(self, length: int = 6) -> None:
        self.length = length
        self.possible_agents = ["a", "b"]
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> Any:
        return Dict({"observation": Box(0, 20, (2,), np.float32), "action_mask": MultiBinary(3)})

    def action_space(self, agent: str) -> Any:
        return Discrete(3)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.agents, self.t = list(self.possible_agents), 0
        return self._seen(), {name: {} for name in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        mover = self.possible_agents[self.t % 2]
        self.t += 1
        over = self.t == self.length
        result = (
            self._seen(),
            {name: float(name == mover and actions[mover] == 1) for name in self.agents},
            dict.fromkeys(self.agents, over),
            dict.fromkeys(self.agents, False),
            {name: {} for name in self.agents},
        )
        self.agents = [] if over else self.agents
        return result

    def _seen(self) -> dict[str, Any]:
        return {
            name: {
                "observation": np.array([self.t, i], np.float32),
                "action_mask": np.full(3, self.t % 2 == i, np.int8),
            }
            for i, name in enumerate(self.possible_agents)
        }
