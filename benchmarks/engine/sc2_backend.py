"""Speed of ``backend="sc2"``: env_steps/s with one and two games, and where a step's time goes.

    SMACV2_SOURCE=/tmp/smacv2 python -m benchmarks.engine.sc2_backend [--scenario terran_5_vs_5] [--steps 400]

Plays what ``SC2PATH`` holds, or else this project's stand-in for the game, installed into a temporary folder. Random
legal actions; battles that end within the time and the resets after them count as well, starts of games do not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import envs
from benchmarks.engine.speed import measure_single
from envs.sc2 import installation
from envs.sc2.environment import Sc2Env
from envs.sc2.process import SOURCE, attach
from envs.sc2.server.folder import install
from envs.sc2.worker import Worker

PROTOBUF, WAITING, WRITING = ("serialize_request", "parse_response"), "read_response", "write_request"
"""Names under which pysc2's own stopwatch keeps the parts of a request."""


def random_actions(mask: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """Legal actions (E, N)."""
    chosen: np.ndarray = np.where(mask, dice.random(mask.shape), -1.0).argmax(-1)
    return chosen


def rates(scenario: str, num_envs: int, steps: int, repeats: int) -> list[float]:
    """env_steps/s summed over the games, one number a repeat."""
    env: Any = envs.make(scenario, num_envs, backend="sc2", seed=1)
    env.reset()
    dice = np.random.default_rng(1)
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        for _ in range(steps):
            env.step(random_actions(env.action_mask, dice))
        found.append(num_envs * steps / (time.perf_counter() - started))
    env.close()
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def parts(scenario: str, steps: int) -> dict[str, float]:
    """Milliseconds of one env_step, by where they are spent, with the worker's own code run in this process."""
    batch: Any = envs.make(scenario, 1, backend="sc2", seed=1)
    assert isinstance(batch, Sc2Env)
    dice = np.random.default_rng(1)
    batch.battle_id[0] = 0
    setup = batch.setup(0)
    worker, arrays = Worker(setup), attach(setup.memory, setup.layout)
    from pysc2.lib.stopwatch import sw

    worker.begin(1, 0, 0)
    process = worker.game()["pid"]
    sw.enable()
    in_steps, own, battle, before = 0.0, 0.0, 0, cpu_seconds(process)
    for _ in range(steps):
        arrays["actions"][:] = random_actions(arrays["action_mask"], dice)
        started, began = time.perf_counter(), time.process_time()
        worker.step()
        if arrays["terminated"][0] or arrays["truncated"][0]:
            battle += 1
            worker.begin(1, 0, battle)
        in_steps += time.perf_counter() - started
        own += time.process_time() - began
    computed = cpu_seconds(process) - before
    spent = {
        name: sum(stat.sum for key, stat in sw.times.items() if key.split(".")[-1] == name)
        for name in (*PROTOBUF, WAITING, WRITING)
    }
    worker.close()
    batch.close()
    found = {
        "whole step": in_steps,
        "waiting for the game": spent[WAITING],
        "protobuf, smacv2's end": sum(spent[name] for name in PROTOBUF),
        "sending": spent[WRITING],
        "Python of smacv2 and pysc2": in_steps - sum(spent.values()),
        "CPU time of smacv2's process": own,
        "CPU time of the game": computed,
    }
    return {name: 1000 * seconds / steps for name, seconds in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="terran_5_vs_5")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if "SC2PATH" not in os.environ:
            install(Path(folder) / "game")
            os.environ["SC2PATH"] = str(Path(folder) / "game")
        print(f"{flags.scenario} on {installation.game_name()}, load of the machine {os.getloadavg()[0]:.1f}")
        for num_envs in (1, 2):
            found = rates(flags.scenario, num_envs, flags.steps, flags.repeats)
            median, least, most = statistics.median(found), min(found), max(found)
            print(f"{num_envs} games: {median:6.0f} [{least:.0f} – {most:.0f}] env steps/s")
        if os.environ.get(SOURCE):
            sys.path.append(os.environ[SOURCE])
        print("milliseconds of an env_step, one game")
        for name, milliseconds in parts(flags.scenario, flags.steps).items():
            print(f"  {name:28} {milliseconds:7.3f}")
        alone = measure_single(flags.scenario, seconds=0.1, repeats=5)["microseconds"]
        print(f"  {'built-in engine, for scale':28} {alone / 1000:7.3f}")


if __name__ == "__main__":
    main()
