"""env_steps per second of rollout and learning together, and the share of each part.

    python -m benchmarks.learner.end_to_end [--algos qmix,kalei,k24] [--ratios published,jaxmarl,epymarl] [--seconds 30]

Three ratios of learning to playing, on terran_5_vs_5 in the built-in engine, whole episodes in each:
    published  one update of 128 episodes per four episodes played; 8 battles side by side
    jaxmarl    8 updates of 32 episodes per 2,048 env_steps; 16 battles. JaxMARL's own batches are 32 segments of 128
               steps, about three times the steps of 32 battles.
    epymarl    one update of 32 episodes per episode; 8 battles, where EPyMARL plays one or two

Battles are played with epsilon 0.05 by a policy that has just begun to learn. Evaluation and checkpoints are left out.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

import envs
from algorithms import registry
from algorithms.q_learning.learner import QLearner
from algorithms.replay.replay import EpisodeReplay
from envs.protocol import BatchedEnv
from harness.runs.process import prepare_process
from harness.runs.rollout import Rollout

EPSILON = 0.05


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Updates for each battle or env_step played."""

    batch_size: int
    """Episodes per update."""
    updates: int
    """Updates at a time."""
    episodes: int = 0
    """Episodes between them; 0: counted in env_steps."""
    env_steps: int = 0
    """env_steps between them; 0: counted in episodes."""
    num_envs: int
    """E"""


RATIOS = {
    "published": Ratio(batch_size=128, updates=1, episodes=4, num_envs=8),
    "jaxmarl": Ratio(batch_size=32, updates=8, env_steps=2048, num_envs=16),
    "epymarl": Ratio(batch_size=32, updates=1, episodes=1, num_envs=8),
}


@dataclass(kw_only=True)
class Clock:
    """Seconds by part."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time added to ``part``."""

        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            result = work(*args, **kwargs)
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start
            self.calls[part] = self.calls.get(part, 0) + 1
            return result

        return run


class Course:
    """Playing and learning in turns.

    Args:
        algorithm: a fresh learner.
        env: a reset batch of battles.
        ratio: how much of each.
    """

    def __init__(self, algorithm: QLearner, env: BatchedEnv, ratio: Ratio) -> None:
        self.clock = Clock()
        self.ratio, self.env = ratio, env
        self.replay = EpisodeReplay(5000, 0)
        self.env_steps = self.episodes = self.due_episodes = self.due_steps = 0
        self.epsilon = EPSILON
        algorithm.epsilon = lambda env_steps: self.epsilon  # type: ignore[method-assign]
        algorithm.act = self.clock.timed("acting", algorithm.act)  # type: ignore[method-assign]
        env.step = self.clock.timed("engine", env.step)  # type: ignore[method-assign]
        self.insert = self.clock.timed("insert", self.replay.insert)
        self.sample = self.clock.timed("sample", self.replay.sample)
        self.update = self.clock.timed("update", algorithm.update)
        self.rollout = Rollout(env, algorithm)

    def play(self) -> None:
        """One step of every battle."""
        for episode in self.rollout.step():
            self.insert(episode)
            self.episodes += 1
            self.due_episodes += 1
        self.env_steps += self.env.num_envs
        self.due_steps += self.env.num_envs

    def learn(self) -> None:
        """The updates that are due."""
        ratio = self.ratio
        while (self.due_steps >= ratio.env_steps) if ratio.env_steps else (self.due_episodes >= ratio.episodes):
            self.due_steps -= ratio.env_steps
            self.due_episodes -= ratio.episodes
            for _ in range(ratio.updates):
                self.update(self.sample(ratio.batch_size), self.env_steps)

    def fill(self, episodes: int) -> None:
        """Random battles into the replay, then a few updates that nobody measures."""
        while len(self.replay) < episodes:
            self.epsilon = 1.0
            self.play()
        self.epsilon = EPSILON
        self.due_steps = self.due_episodes = 0
        for _ in range(3):
            self.update(self.sample(self.ratio.batch_size), 0)
        self.clock.seconds.clear()
        self.clock.calls.clear()
        self.env_steps = self.episodes = 0


def measure(algo: str, name: str, seconds: float, threads: int = 1) -> None:
    """Print one row."""
    ratio = RATIOS[name]
    env = envs.make("terran_5_vs_5", num_envs=ratio.num_envs, seed=0)
    env.reset()
    torch.set_num_threads(threads)  # after the engine's first step, which sets the same threads to its own number
    algorithm = registry.make(algo, env.spec, total_env_steps=10_050_000, seed=0)
    if not isinstance(algorithm, QLearner):
        raise SystemExit(f"{algo} does not learn from a replay; choose one of the family of qmix")
    algorithm.compile()
    course = Course(algorithm, env, ratio)
    course.fill(400)
    start = time.perf_counter()
    while (wall := time.perf_counter() - start) < seconds:
        course.play()
        course.learn()
    spent = course.clock.seconds
    parts = [spent.get(part, 0.0) / wall for part in ("acting", "engine", "insert", "sample", "update")]
    shares = " ".join(f"{share:>7.1%}" for share in [*parts, 1 - sum(parts)])
    rate, updates = course.env_steps / wall, course.clock.calls.get("update", 0)
    each = spent.get("update", 0.0) / max(1, updates)
    length = course.env_steps / max(1, course.episodes)
    print(f"{algo:<8} {name:<10} {rate:>11,.0f} {shares} {each:>9.4f} {updates:>8} {length:>6.1f}", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algos", default="qmix,kalei,k24", help="registered ids, separated by commas")
    parser.add_argument("--ratios", default=",".join(RATIOS), help=f"of {', '.join(RATIOS)}")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each measurement")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="torch threads")
    parser.add_argument("--deterministic", action="store_true", help="as in harness.compare")
    args = parser.parse_args()
    prepare_process(deterministic=args.deterministic)
    headings = ("acting", "engine", "insert", "sample", "update", "other")
    print(f"terran_5_vs_5, {args.threads} threads of {os.cpu_count()} cores, torch {torch.__version__}")
    print(f"{'':<19} {'env-steps/s':>11} {' '.join(f'{h:>7}' for h in headings)} {'s/update':>9} updates  length")
    for name in args.ratios.split(","):
        for algo in args.algos.split(","):
            measure(registry.entry(algo).id, name, args.seconds, args.threads)


if __name__ == "__main__":
    main()
