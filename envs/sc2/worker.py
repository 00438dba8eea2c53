"""A worker: one process, one game. It imports pysc2 and smacv2, which nobody else does.

It obeys a batch through a pipe; the arrays pass through shared memory (both: ``process``). Whatever goes wrong
is answered with ``failed`` and its text; the batch then ends this process and starts another.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from common.errors import describe
from envs.batch import Layout
from envs.sc2 import tether
from envs.sc2.options import Sc2Options
from envs.sc2.patches import Draws, PatchedEnv, draw_battle
from envs.sc2.process import attach
from envs.spec import EnvSpec

MOST_RESETS = 5
"""Attempts to begin a battle in one game, each with draws of its own; the game may lack room for what was drawn."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything that a worker needs to know; sent once."""

    row: int
    """Which of the E battles."""
    memory: int
    """File number of the shared memory."""
    layout: Layout
    arguments: dict[str, Any]
    """Of the package's wrapper."""
    game_seed: int
    """Of the game's own random numbers."""
    game_version: str | None
    """As pysc2 takes it; None: the newest installed."""
    spec: EnvSpec
    options: Sc2Options


class Worker:
    """The package's environment and its row in every array."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        arrays = attach(setup.memory, setup.layout)
        self.rows = {name: array[setup.row : setup.row + 1] for name, array in arrays.items()}
        self.draws = Draws()
        self.draws.install()
        self.wrapper = build(setup)
        self.env = self.wrapper.env

    def sizes(self) -> dict[str, int]:
        """Return the package's sizes by the names of ``EnvSpec``."""
        env_info = self.env.get_env_info()
        return {
            "n_agents": int(env_info["n_agents"]),
            "n_enemies": int(self.env.n_enemies),
            "n_actions": int(env_info["n_actions"]),
            "obs_size": int(env_info["obs_shape"]),
            "state_size": int(env_info["state_shape"]),
            "episode_limit": int(env_info["episode_limit"]),
        }

    def begin(self, seed: int, slot: int, battle: int) -> None:
        """Begin a battle and show it.

        Raises:
            GameCrashed: the game is gone.
            CannotResetException: its units did not appear, whatever was drawn.
        """
        from smacv2.env.starcraft2.starcraft2 import CannotResetException

        for attempt in range(MOST_RESETS):
            self.draws.begin(seed, slot, battle, attempt)
            try:
                obs, state = self.env.reset(draw_battle(self.wrapper))
                break
            except CannotResetException:
                if attempt == MOST_RESETS - 1:
                    raise
        most = self.rows["max_reward"]
        if self.setup.options.max_reward_from == "each_battle" or most[0] == 0:
            most[0] = self.env.flawless_reward()
        self.env.max_reward = float(most[0])
        self.rows["unit_type"][0] = self._unit_types()
        self._show("", obs, state)

    def step(self) -> None:
        """Do what the actions say; where that ends the battle, the last view goes to ``final_*``."""
        rows, env = self.rows, self.env
        actions = rows["actions"][0].tolist()
        reward, ended, info = env.step(actions)
        rows["actions"][0] = actions  # scripted agents have replaced them
        truncated = "episode_limit" in info
        rows["reward"][0] = reward
        rows["truncated"][0] = truncated
        rows["terminated"][0] = ended and not truncated
        rows["battle_won"][0] = info["battle_won"]
        rows["battle_lost"][0] = ended and not truncated and env.defeat_counted
        for name in ("dead_allies", "dead_enemies"):
            rows[name][0] = info[name]
        self._show("final_" if ended else "", env.get_obs(), env.get_state())

    def game(self) -> dict[str, Any]:
        """Return version, build and process id of the running game."""
        pong = self.env._controller.ping()
        return {"version": pong.game_version, "build": pong.base_build, "pid": self.env._sc2_proc.pid}

    def close(self) -> None:
        """End the game."""
        self.env.close()

    def _show(self, prefix: str, obs: Any, state: Any) -> None:
        rows = self.rows
        rows[f"{prefix}obs"][0] = obs
        rows[f"{prefix}state"][0] = state
        rows[f"{prefix}action_mask"][0] = self.env.get_avail_actions()

    def _unit_types(self) -> list[int]:
        env, types = self.env, self.setup.spec.unit_types
        seen = [env.agents[i].unit_type for i in range(env.n_agents)]
        if env.map_type.endswith("_gen"):
            names = {number: name for name, number in env.ally_unit_map.items()}
            return [types.index(names[number]) for number in seen]
        return [number - env._min_unit_type if len(types) > 1 else 0 for number in seen]


def build(setup: Setup) -> Any:
    """The package's wrapper around its healed environment; no game runs yet."""
    from smacv2.env.starcraft2 import starcraft2, wrapper

    tether_games()
    lenient = setup.options.illegal_actions == "noop"
    healed = type("HealedEnv", (PatchedEnv, starcraft2.StarCraft2Env), {"lenient": lenient})
    wrapper.StarCraft2Env = healed  # the wrapper makes its environment by this name
    made = wrapper.StarCraftCapabilityEnvWrapper(
        **setup.arguments, seed=setup.game_seed, game_version=setup.game_version
    )
    made.env.episode_limit = setup.spec.episode_limit
    return made


def tether_games() -> None:
    """Let pysc2 start games that end with this process."""
    from pysc2.lib import sc_process

    def launch(self: Any, run_config: Any, args: list[str], **_: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *args]
        return subprocess.Popen(command, cwd=run_config.cwd, env=run_config.env, stdin=subprocess.PIPE)

    sc_process.StarcraftProcess._launch = launch


def serve(pipe: Connection) -> bool:
    """Carry out commands until ``close``, a failure, or the end of the batch.

    Returns:
        Whether the batch still needs this worker's files: after a failure it reads the end of the output.
    """
    worker: Worker | None = None
    answer: tuple[int, str, Any]
    last = False
    while not last:
        try:
            number, command, *arguments = pipe.recv()
        except (EOFError, OSError):
            return False
        last = command == "close"
        try:
            if command == "start":
                worker = Worker(*arguments)
                answer = (number, "done", worker.sizes())
            else:
                answer = (number, "done", getattr(worker, command)(*arguments))
        except Exception as error:  # the batch decides what to make of it
            answer, last = (number, "failed", _described(error)), True
        try:
            pipe.send(answer)
        except OSError:
            return False
    return command != "close"


def _described(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{describe(error)} ({Path(where.filename).name}, line {where.lineno})"


def leave(folder: Path, code: int) -> NoReturn:
    """End without a trace: remove this worker's files, and with the last worker the batch's folder."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # others still have files in it
        folder.parent.rmdir()
    os._exit(code)


def main() -> None:
    """Run in a process of its own: standard input is the lifeline, the arguments are the pipe's number and a folder."""
    folder = Path(sys.argv[2])
    tether.call_at_end_of(sys.stdin.fileno(), partial(leave, folder, tether.PARENT_GONE))
    np.seterr(all="ignore")  # the package divides by what may be zero, and its results are judged elsewhere
    if not serve(Connection(int(sys.argv[1]))):
        leave(folder, 0)
    sys.stdout.flush()
    os._exit(0)  # the game is ended, or ends with this process; the package's own exit handlers would wait for it


if __name__ == "__main__":
    main()
