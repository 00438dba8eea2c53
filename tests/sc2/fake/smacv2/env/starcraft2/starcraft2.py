"""An environment with the names of smacv2's and its faults, which ends its battles by a fixed plan.

Nobody fights: the battles of a game are won, lost, a draw and cut by the limit in turn. The environment
variable FAKE_SC2 sets what goes wrong and when, in words of the form ``what:battle:step`` with the battle counted
within the process; the file named by FAKE_SC2_ONCE, where one is named, lets it happen only once.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from pysc2.lib import sc_process

SIZES = {  # smacv2's own
    "10gen_terran": dict(n_agents=5, n_enemies=5, n_actions=11, obs_shape=82, state_shape=120, limit=200),
    "3m": dict(n_agents=3, n_enemies=3, n_actions=9, obs_shape=30, state_shape=48, limit=60),
}
WON, LOST, DRAW, CUT = range(4)
LENGTH = 4


class CannotResetException(Exception):
    pass


class StarCraft2Env:
    def __init__(self, map_name: str, capability_config: dict[str, Any], **options: Any) -> None:
        sizes = SIZES[map_name]
        self.options, self.map_name, self.sizes = options, map_name, sizes
        self.map_type = "terran_gen" if map_name.startswith("10gen_") else "marines"
        self.n_agents, self.n_enemies = sizes["n_agents"], sizes["n_enemies"]
        self.episode_limit = sizes["limit"]
        self.reward_death_value, self.reward_win = options["reward_death_value"], options["reward_win"]
        self.ally_unit_map = {"marine": 100, "marauder": 101, "medivac": 102}
        self._min_unit_type = self.marine_id = 100
        self._episode_count, self._sc2_proc, self.max_reward, self._battles = 0, None, 1.0, -1
        self.launched = 0
        self.sighted_first: int | None = None

    def get_env_info(self) -> dict[str, int]:
        return {**self.sizes, "episode_limit": self.episode_limit}

    def _launch(self) -> None:
        self._go_wrong("launch", 0)
        self.launched += 1
        self._sc2_proc = sc_process.StarcraftProcess([sys.executable, "-c", "import time; time.sleep(600)"])
        build = int(os.environ.get("FAKE_SC2_BUILD", 75689))
        self._controller = SimpleNamespace(ping=lambda: SimpleNamespace(game_version="4.10.0.0", base_build=build))

    def reset(self, config: dict[str, Any]) -> tuple[Any, Any]:
        if self._episode_count == 0:
            self._launch()
        self._battles += 1
        self._go_wrong("reset", 0)
        self.t, self.defeat_counted, self.sighted_first = 0, False, None
        team = sorted(config.get("team_gen", {}).get("ally_team", ["marine"] * self.n_agents))
        body = dict(health_max=45 + self._battles, shield_max=0)
        self.agents = {i: SimpleNamespace(unit_type=self.ally_unit_map[name]) for i, name in enumerate(team)}
        self.enemies = {i: SimpleNamespace(**body) for i in range(self.n_enemies)}
        self.drawn = [np.random.rand(), np.random.default_rng().uniform(), random.random()]  # noqa: NPY002  # smacv2 does
        self._go_wrong("spawn", 0)
        return self.get_obs(), self.get_state()

    def step(self, actions: list[int]) -> tuple[float, bool, dict[str, Any]]:
        self.t += 1
        self._go_wrong("step", self.t)
        for i, action in enumerate(actions):
            if self.options["heuristic_ai"]:
                actions[i] = 1
            else:
                self.get_agent_action(i, action)
        how = self._battles % 4
        ended = self.t == LENGTH
        self.defeat_counted = ended and how == LOST
        info: dict[str, Any] = {"battle_won": ended and how == WON, "dead_allies": 1, "dead_enemies": 2}
        if ended and how == CUT and self.options["continuing_episode"]:
            info["episode_limit"] = True
        self._episode_count += ended
        return self.max_reward, ended, info

    def get_agent_action(self, a_id: int, action: int) -> str:
        assert self.get_avail_agent_actions(a_id)[action], "cannot perform action"
        return "order"

    def get_avail_agent_actions(self, a_id: int) -> list[int]:
        return [0, 1] + [1] * (self.sizes["n_actions"] - 3) + [0]

    def get_avail_actions(self) -> list[list[int]]:
        return [self.get_avail_agent_actions(i) for i in range(self.n_agents)]

    def get_obs(self) -> list[Any]:
        order = list(range(self.n_agents))
        random.shuffle(order)
        seen: dict[int, Any] = {i: self.get_obs_agent(i) for i in order}
        return [seen[i] for i in range(self.n_agents)]

    def get_obs_agent(self, i: int, fully_observable: bool = False) -> np.ndarray:
        self.sighted_first = i if self.sighted_first is None else self.sighted_first
        obs = np.zeros(self.sizes["obs_shape"], np.float32)
        obs[:7] = [i, self.t, self.sighted_first, *self.drawn, self._battles]
        return obs

    def get_state(self) -> np.ndarray:
        state = np.zeros(self.sizes["state_shape"], np.float32)
        state[:3] = [self.t, self._battles, self.launched]
        return state

    @property
    def fully_observable(self) -> bool:
        return bool(self.options["fully_observable"])

    def full_restart(self) -> None:
        raise AssertionError("the package's own restart goes on with units of the old game")

    def close(self) -> None:
        if self._sc2_proc:
            self._sc2_proc.close()

    def _go_wrong(self, moment: str, step: int) -> None:
        once = os.environ.get("FAKE_SC2_ONCE")
        for word in os.environ.get("FAKE_SC2", "").split():
            what, battle, at = word.split(":")
            if not (battle in ("*", str(self._battles)) and at in (moment, str(step) if moment == "step" else "")):
                continue
            if once:
                try:
                    Path(once).touch(exist_ok=False)
                except FileExistsError:
                    continue
            if what == "crash":
                self.full_restart()
            elif what == "hang":
                time.sleep(600)
            elif what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            elif what == "no-room":
                raise CannotResetException("waited for units to spawn and they didn't")
