"""E copies of any PettingZoo ``ParallelEnv`` behind the contract of ``envs.protocol.BatchedEnv``.

What such a world lacks is filled in: observations of different sizes are padded with zeros to the largest, an agent
with fewer actions than another may never take the missing ones, an agent that has left stays as a slot that sees
nothing and may only take action 0, so may an agent whose mask allows nothing because it waits for its turn, and the
state is the concatenation of all observations where the world has no ``state()``. Rewards of all agents become one,
since the learners of this project share it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from gymnasium.spaces import Dict, Discrete, flatdim, flatten
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv

from envs.batch import BatchBase
from envs.spec import EnvSpec

TeamReward = Literal["sum", "mean"]


class ParallelBatch(BatchBase):
    """A batch of episodes ("battles") of a foreign world; each is a function of (seed, slot, number) alone.

    Args:
        make_world: builds one copy.
        id: the scenario's name.
        num_envs: E.
        seed: of all episodes; None draws one.
        first_slot: number of the first slot, as in ``envs.make``.
        episode_limit: env_steps after which an episode is truncated, if the world has not ended it before.
        team_reward: how the agents' rewards of a step become one.

    Raises:
        ValueError: an agent's actions are not discrete, or the world is no ``ParallelEnv``.

    Source: PettingZoo's parallel API. Deviations: agents are fixed slots; ``terminated`` and ``truncated`` are facts of
    the whole episode: it terminated if all agents that acted last did, else it was cut; ``battle_won`` and
    ``battle_lost`` are read from ``infos``, and a world whose first ``infos`` do not name them cannot be won.
    """

    noun = "episode"

    def __init__(
        self,
        make_world: Callable[[], ParallelEnv],
        *,
        id: str,
        num_envs: int,
        seed: int | None,
        first_slot: int = 0,
        episode_limit: int,
        team_reward: TeamReward = "sum",
    ) -> None:
        self._worlds = [_parallel(id, make_world()) for _ in range(num_envs)]
        self._team_reward = team_reward
        self._agents = list(self._worlds[0].possible_agents)
        self._views = {name: _observed(self._worlds[0].observation_space(name)) for name in self._agents}
        self._n_actions = {name: _count(id, name, self._worlds[0].action_space(name)) for name in self._agents}
        super().__init__(self._look(id, episode_limit), num_envs, seed, first_slot)
        self._played: list[list[NDArray[np.int64]]] = [[] for _ in range(num_envs)]
        self._started = False

    def _look(self, id: str, episode_limit: int) -> EnvSpec:
        """Return the sizes, some of which only a started world knows."""
        _, infos = self._worlds[0].reset(seed=0)
        obs_size = max(flatdim(space) for space in self._views.values())
        own_state = _own_state(self._worlds[0])
        return EnvSpec(
            id=id,
            n_agents=len(self._agents),
            n_enemies=0,
            n_actions=max(self._n_actions.values()),
            obs_size=obs_size,
            state_size=len(self._agents) * obs_size if own_state is None else own_state.size,
            episode_limit=episode_limit,
            only_noop_means_dead=False,
            can_be_won=any("battle_won" in info for info in infos.values()),
        )

    def reset(self, seed: int | None = None) -> None:
        """Start an episode in every slot: number 0 of ``seed`` if one is given, else the slot's next."""
        self._check_open(bool(self._worlds))
        self._begin_reset(seed)
        for e in range(self.num_envs):
            self._start(e)
        self._started = True

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Advance every episode by one env_step.

        Args:
            actions: (E, N) integers.

        Raises:
            ValueError: wrong shape or type, no episode started, or an action that is illegal now.
        """
        self._check_open(bool(self._worlds))
        checked = self._check_legal(actions, self.action_mask, started=self._started)
        for e in range(self.num_envs):
            self._step(e, checked[e])

    def _name_of(self, agent: int) -> str:
        return self._agents[agent]

    def _start(self, e: int) -> None:
        self.battle_id[e] += 1
        self._played[e] = []
        key = [self.seed, self._first_slot + e, int(self.battle_id[e])]
        own_seed = int(np.random.SeedSequence(key).generate_state(1, np.uint32)[0] >> 1)  # some worlds want 31 bits
        observations, infos = self._worlds[e].reset(seed=own_seed)
        self._show(e, self._worlds[e].agents, observations, infos)

    def _step(self, e: int, actions: NDArray[np.int64]) -> None:
        world, acting = self._worlds[e], list(self._worlds[e].agents)
        given = {name: int(actions[i]) for i, name in enumerate(self._agents) if name in acting}
        observations, rewards, terminations, _, infos = world.step(given)
        self._played[e].append(actions.copy())
        received = [float(rewards[name]) for name in acting]
        self.reward[e] = sum(received) / (len(received) if self._team_reward == "mean" else 1)
        over = not world.agents
        self.terminated[e] = over and all(terminations[name] for name in acting)
        self.truncated[e] = not self.terminated[e] and (over or len(self._played[e]) >= self.spec.episode_limit)
        ended = bool(self.terminated[e] or self.truncated[e])
        for flag in ("battle_won", "battle_lost"):
            getattr(self, flag)[e] = self.terminated[e] and any(info.get(flag, False) for info in infos.values())
        self.dead_allies[e] = self.spec.n_agents - len(acting if ended else world.agents)
        self._show(e, acting if ended else world.agents, observations, infos)
        if ended:
            self._keep_last_view(e)
            self._start(e)

    def _show(self, e: int, present: list[str], observations: dict[str, Any], infos: dict[str, Any]) -> None:
        """Write one episode's view; agents that are not ``present`` see nothing and may take action 0 only."""
        self.obs[e], self.action_mask[e] = 0.0, False
        for i, name in enumerate(self._agents):
            if name not in present:
                self.action_mask[e, i, 0] = True
                continue
            seen, mask = observations[name], infos.get(name, {}).get("action_mask")
            if isinstance(seen, dict) and "observation" in seen:
                seen, mask = seen["observation"], seen.get("action_mask", mask)
            view = np.asarray(flatten(self._views[name], seen), np.float32)
            self.obs[e, i, : view.size] = view
            legal = self.action_mask[e, i, : self._n_actions[name]]
            legal[:] = True if mask is None else np.asarray(mask, np.bool_)
            legal[0] |= not legal.any()  # it waits for its turn: the world ignores what it does
        own = _own_state(self._worlds[e])
        self.state[e] = self.obs[e].ravel() if own is None else own

    def state_dict(self) -> dict[str, Any]:
        """Seeds, numbers and the actions since each episode's start, from which the worlds are played up again."""
        return {
            "id": self.spec.id,
            "seed": self.seed,
            "first_slot": self._first_slot,
            "started": self._started,
            "played": [[actions.copy() for actions in episode] for episode in self._played],
            "arrays": {name: array.copy() for name, array in self._arrays.items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave.

        Raises:
            ValueError: saved from another scenario or number of episodes, or the world does not repeat itself.
        """
        self._check_open(bool(self._worlds))
        arrays = saved["arrays"]
        self._check_saved(saved["id"], len(saved["played"]))
        self.seed, self._first_slot = saved["seed"], saved["first_slot"]
        self._started = saved.get("started", True)
        for e, episode in enumerate(saved["played"] if self._started else ()):
            self.battle_id[e] = arrays["battle_id"][e] - 1
            self._start(e)
            for actions in episode:
                self._step(e, actions)
        if self._started and not np.array_equal(self.obs, arrays["obs"]):
            raise ValueError(f"{self.spec.id!r} does not repeat itself from its seed, so a run of it cannot be resumed")
        for name, array in self._arrays.items():
            array[...] = arrays[name]

    def close(self) -> None:
        """Release the worlds; calling it twice is allowed."""
        for world in self._worlds:
            getattr(world, "close", lambda: None)()
        self._worlds = []


def _parallel(id: str, world: Any) -> ParallelEnv:
    """The world, if it has PettingZoo's parallel interface.

    Raises:
        ValueError: a world of another interface; the message says how to convert it.
    """
    if isinstance(world, AECEnv) and not isinstance(world, ParallelEnv):
        raise ValueError(
            f"{id}: {world} is an AEC world, whose agents step one at a time; needed is a ParallelEnv. Use the world's "
            "parallel_env(), or pettingzoo.utils.conversions.aec_to_parallel or turn_based_aec_to_parallel"
        )
    wanted = ("possible_agents", "observation_space", "action_space", "reset", "step")
    missing = [name for name in wanted if not hasattr(world, name)]
    if missing:
        raise ValueError(
            f"{id}: {type(world).__name__} is not a PettingZoo ParallelEnv, it lacks {', '.join(missing)}"
            + ("; a Gymnasium world has one agent and needs a wrapper" if hasattr(world, "unwrapped") else "")
        )
    return world


def _observed(space: Any) -> Any:
    """The part of an observation space that is seen, where the action mask is part of it too."""
    return space["observation"] if isinstance(space, Dict) and "observation" in space.spaces else space


def _count(id: str, agent: str, space: Any) -> int:
    if not isinstance(space, Discrete) or space.start != 0:
        raise ValueError(
            f"{id}: {agent} acts in {space}, and value learning needs actions 0, 1, 2, … (Discrete); many worlds have "
            "such a form, for example continuous_actions=False"
        )
    return int(space.n)


def _own_state(world: ParallelEnv) -> np.ndarray | None:
    """The world's own global state, flat; None where it has none, which PettingZoo says by raising."""
    if not hasattr(world, "state"):  # it derives from nothing
        return None
    try:
        return np.asarray(world.state(), np.float32).ravel()
    except NotImplementedError:
        return None
