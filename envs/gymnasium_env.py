"""One battle as a Gymnasium environment: a single agent commands the whole team (centralised control).

import gymnasium
import envs

battle = gymnasium.make("k24/terran_5_vs_5-v0")
"""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.spaces import Box, MultiDiscrete
from numpy.typing import NDArray

from envs.checks import typed
from envs.parallel_env import parallel_env

Observed = Literal["state", "agents"]


class CentralisedBattle(gymnasium.Env[NDArray[np.float32], NDArray[np.int64]]):
    """Observe the state (S,) or all agents' observations (N·D,), act with one action for each of N agents.

    ``infos`` hold the ``action_mask`` (N, A) and how the battle stands; ``action_masks()`` gives the mask as
    sb3-contrib's MaskablePPO takes it. An illegal action is no order, unless ``illegal_actions="raise"`` is given.

    Args:
        id: a registered scenario.
        observation: ``state``, or ``agents`` for the observations of all agents, one after the other.
        render_mode: ``rgb_array``, ``human`` or None.
        **options: as for ``envs.make``, ``backend`` included.

    Raises:
        ValueError: as ``envs.parallel_env``.
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": 2}  # noqa: RUF012

    def __init__(
        self, id: str, *, observation: Observed = "state", render_mode: str | None = None, **options: Any
    ) -> None:
        self._observed = typed("observation", observation, Observed)
        if "flat_observations" in options:
            raise ValueError("a centralised battle takes no flat_observations: its observations are flat already")
        self._world = parallel_env(id, render_mode=render_mode, **{"illegal_actions": "noop", **options})
        self.render_mode = render_mode
        if render_mode:
            self.metadata = {**self.metadata, "render_fps": self._world.metadata["render_fps"]}
        spec = self._world.batch.spec
        size = spec.state_size if observation == "state" else spec.n_agents * spec.obs_size
        self.observation_space = Box(-np.inf, np.inf, (size,), np.float32)
        self.action_space = MultiDiscrete(np.full(spec.n_agents, spec.n_actions))
        self._mask = np.zeros((spec.n_agents, spec.n_actions), np.int8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start a battle: battle 0 of ``seed``, or the next one when no seed is given."""
        super().reset(seed=seed)
        return self._shown(*self._world.reset(seed=seed))

    def step(self, action: NDArray[np.int64]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance one env_step.

        Args:
            action: (N,) integers.

        Raises:
            ValueError: wrong length, not whole numbers, or no battle is running.
        """
        agents = self._world.possible_agents
        if np.shape(action) != (len(agents),):
            raise ValueError(f"step: action has shape {np.shape(action)}, expected {len(agents)} integers, one each")
        observations, rewards, terminated, truncated, infos = self._world.step(dict(zip(agents, action, strict=True)))
        observation, info = self._shown(observations, infos)
        first = agents[0]  # agents share reward and end
        return observation, rewards[first], terminated[first], truncated[first], info

    def action_masks(self) -> NDArray[np.bool_]:
        """(N·A,) legal actions of all agents, one after the other."""
        return self._mask.ravel() == 1

    def render(self) -> Any:
        """(height, width, 3) uint8 picture with ``rgb_array``; None with ``human``."""
        return self._world.render()

    def close(self) -> None:
        """Release the world and close the window."""
        self._world.close()

    def _shown(self, observations: dict[str, Any], infos: dict[str, Any]) -> tuple[NDArray[np.float32], dict[str, Any]]:
        rows = [observations[name] for name in self._world.possible_agents]
        self._mask = np.stack([row["action_mask"] for row in rows])
        shared = {name: value for name, value in infos[self._world.possible_agents[0]].items() if name != "unit_type"}
        types = np.array([infos[name]["unit_type"] for name in self._world.possible_agents])
        info = {"action_mask": self._mask.copy(), "unit_type": types, **shared}
        if self._observed == "state":
            return self._world.state(), info
        return np.concatenate([row["observation"] for row in rows]), info
