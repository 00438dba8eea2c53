"""One battle as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

import operator
from collections.abc import Collection
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from common.values import checked, shown
from envs.battle.state import TICKS_PER_SECOND
from envs.protocol import BatchedEnv
from envs.registry import make

if TYPE_CHECKING:
    from envs.render import Screen

OUTCOME = {"battle_won": bool, "battle_lost": bool, "aborted": bool, "dead_allies": int, "dead_enemies": int}
"""Arrays of a batch that ``infos`` repeat, and their types."""


class BattleParallelEnv(ParallelEnv):
    """Agents ``ally_0 … ally_{N-1}`` in fixed slots; the dead stay, with no-op only, until the battle ends.

    Observations are ``{"observation": (D,) float32, "action_mask": (A,) int8}``, rewards are shared, ``infos`` carry
    numbers only: ``battle_won``, ``battle_lost``, ``aborted`` (the world broke down; the episode counts as truncated),
    ``dead_allies``, ``dead_enemies`` and ``unit_type``, which counts in ``unit_types``.

    Args:
        batch: a batch of one battle; with its option ``continuing_episode``, ``infos`` say ``episode_limit`` when the
            limit ended the battle, as smacv2's do.
        render_mode: ``rgb_array`` (``render`` gives a picture), ``human`` (a window shows every tick) or None.
        fields_of_view: numbers of the agents whose field of view the pictures show.
        flat_observations: observations are the (D,) array alone, and the mask is in ``infos["action_mask"]``: for
            wrappers that take no ``Dict``, as SuperSuit's.

    Raises:
        ValueError: no such render mode, a world that cannot be drawn, or no window where one is asked for.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - PettingZoo's own form
        "name": "battle",
        "render_modes": ["human", "rgb_array"],
        "is_parallelizable": True,
    }

    def __init__(
        self,
        batch: BatchedEnv,
        *,
        render_mode: str | None = None,
        fields_of_view: Collection[int] = (),
        flat_observations: bool = False,
    ) -> None:
        self.batch = batch
        self.flat_observations = flat_observations
        self.continuing_episode = getattr(getattr(batch, "options", None), "continuing_episode", False)
        self.metadata = {**self.metadata, "name": batch.spec.id}
        self.render_mode = render_mode
        self._screen = self._open_screen(fields_of_view) if render_mode is not None else None
        spec = batch.spec
        self.possible_agents = agent_names(spec.n_agents)
        self.agents: list[str] = []
        self.unit_types = spec.unit_types
        own = Box(-np.inf, np.inf, (spec.obs_size,), np.float32)
        space = own if flat_observations else Dict({"observation": own, "action_mask": MultiBinary(spec.n_actions)})
        # One object an agent: a space that is seeded or sampled does not change another's draws.
        self.observation_spaces: dict[str, Box | Dict] = {name: deepcopy(space) for name in self.possible_agents}
        self.action_spaces = {name: Discrete(spec.n_actions) for name in self.possible_agents}
        self.state_space = Box(-np.inf, np.inf, (spec.state_size,), np.float32)
        self._fresh = False
        self._ended = False
        self._outcome: dict[str, bool | int] = {}

    def observation_space(self, agent: str) -> Box | Dict:
        """The space of every agent's observation."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        """A actions; which of them are legal is in ``action_mask``."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Start a battle: battle 0 of ``seed``, or the next one when no seed is given."""
        # A finished battle has been followed by a new one already: show it instead of skipping it.
        if seed is not None or not self._fresh:
            self.batch.reset(seed=seed)
        self._fresh = False
        self._ended = False
        # The batch's own flags still speak of the battle before.
        self._outcome = {name: kind() for name, kind in OUTCOME.items()}
        if self.continuing_episode:
            self._outcome["episode_limit"] = False
        self.agents = list(self.possible_agents)
        if self._screen is not None:
            self._screen.reset()
        return self._observations(), self._infos()

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        """Advance one env_step with an action for every agent.

        Raises:
            ValueError: an agent's action is missing, not a whole number, or illegal now.
        """
        if not self.agents:
            raise ValueError("step: no battle is running; call reset() first")
        missing = [name for name in self.agents if name not in actions]
        if missing:
            raise ValueError(f"step: no action for {', '.join(missing)}; every agent acts, the dead with 0 (no-op)")
        step = self.batch.step if self._screen is None else self._screen.step
        step(np.array([[_whole(name, actions[name]) for name in self.possible_agents]], dtype=np.int64))
        terminated, aborted = bool(self.batch.terminated[0]), bool(self.batch.aborted[0])
        truncated = bool(self.batch.truncated[0]) or aborted  # PettingZoo knows no other word for a crashed game
        self._ended = self._fresh = terminated or truncated
        self._outcome = {name: getattr(self.batch, name)[0].item() for name in OUTCOME}
        if self.continuing_episode:
            self._outcome["episode_limit"] = truncated and not aborted
        result = (
            self._observations(),
            dict.fromkeys(self.agents, float(self.batch.reward[0])),
            dict.fromkeys(self.agents, terminated),
            dict.fromkeys(self.agents, truncated),
            self._infos(),
        )
        if self._ended:
            self.agents = []
        return result

    def state(self) -> np.ndarray:
        """(S,) float32 global state of the battle shown last."""
        return self._view("state").copy()

    def render(self) -> np.ndarray | None:
        """(height, width, 3) uint8 picture of the battle, its end included, with ``rgb_array``; None with ``human``.

        Raises:
            ValueError: made without a render mode, or no battle has started.
        """
        if self._screen is None:
            raise ValueError('render: made without a render_mode; make it with render_mode="rgb_array" or "human"')
        return self._screen.picture()

    def close(self) -> None:
        """Release the world and close the window."""
        if self._screen is not None:
            self._screen.close()
        self.batch.close()

    def _open_screen(self, fields_of_view: Collection[int]) -> Screen:
        """Open what draws; imported only here, since most battles are never drawn."""
        from envs.battle.engine import BattleEnv
        from envs.render import Screen

        batch, modes = self.batch, self.metadata["render_modes"]
        if self.render_mode not in modes:
            raise ValueError(f"render_mode is {self.render_mode!r}, allowed: {', '.join(modes)}, or None")
        if not isinstance(batch, BattleEnv):
            raise ValueError(
                f"{batch.spec.id} is not played by the built-in engine here, whose battles alone can be drawn; "
                "leave render_mode out"
            )
        self.metadata["render_fps"] = TICKS_PER_SECOND / batch.options.step_mul  # as fast as the game
        return Screen(batch, human=self.render_mode == "human", fields_of_view=fields_of_view)

    def _observations(self) -> dict[str, Any]:
        obs = self._view("obs")
        if self.flat_observations:
            return {name: obs[i].copy() for i, name in enumerate(self.possible_agents)}
        mask = self._mask()
        return {
            name: {"observation": obs[i].copy(), "action_mask": mask[i].copy()}
            for i, name in enumerate(self.possible_agents)
        }

    def _mask(self) -> NDArray[np.int8]:
        """(N, A)."""
        return self._view("action_mask").astype(np.int8)

    def _view(self, name: str) -> NDArray[Any]:
        """One of the battle's views: its last, where it has ended and the batch shows the next already."""
        return getattr(self.batch, f"final_{name}" if self._ended else name)[0]

    def _infos(self) -> dict[str, dict[str, Any]]:
        batch = self.batch
        if not self._ended:
            self._unit_type = batch.unit_type[0].copy()
        infos: dict[str, dict[str, Any]] = {
            name: {"unit_type": int(self._unit_type[i]), **self._outcome} for i, name in enumerate(self.possible_agents)
        }
        if self.flat_observations:
            for name, legal in zip(self.possible_agents, self._mask(), strict=True):
                infos[name]["action_mask"] = legal
        return infos


def agent_names(n_agents: int) -> list[str]:
    """Return the names of a world's agents in their order."""
    return [f"ally_{i}" for i in range(n_agents)]


def _whole(agent: str, action: Any) -> int:
    """An action as an integer; a float is refused, since cutting it off would play another action."""
    try:
        if isinstance(action, np.ndarray) and action.size == 1:
            action = action.item()
        number = operator.index(action)
    except TypeError:
        raise ValueError(f"step: the action of {agent} is {action!r}, it must be a whole number") from None
    if abs(number) >= 1 << 31:
        raise ValueError(f"step: the action of {agent} is {shown(action)}, no agent has so many actions")
    return number


@checked()
def parallel_env(
    id: str,
    *,
    seed: int | None = None,
    render_mode: str | None = None,
    fields_of_view: Collection[int] = (),
    flat_observations: bool = False,
    backend: str = "battle",
    **options: Any,
) -> BattleParallelEnv:
    """One battle of a registered scenario behind PettingZoo's parallel API.

    Args:
        id: a registered scenario.
        seed: as for ``make``; ``reset(seed=...)`` replaces it.
        render_mode: ``rgb_array``, ``human`` or None.
        fields_of_view: numbers of the agents whose field of view the pictures show.
        flat_observations: observations are (D,) arrays, and the mask is in ``infos``.
        backend: as for ``make``.
        **options: as for ``make``.

    Raises:
        ValueError: an argument of another type, or as of ``make``.
    """
    if "num_envs" in options:
        raise ValueError("parallel_env is one battle and takes no num_envs; for several: envs.make(id, num_envs)")
    return BattleParallelEnv(
        make(id, 1, seed=seed, backend=backend, **options),
        render_mode=render_mode,
        fields_of_view=fields_of_view,
        flat_observations=flat_observations,
    )
