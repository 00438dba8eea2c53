"""Lower bound on the cost of one env_step: its operations counted in real play, priced by tight loops on this machine.

    python -m benchmarks.engine.limit [--scenarios terran_5_vs_5,…]

Counted per env_step, over random legal play: distances that movement needs (each walker to each other body, each
tick), roots and divisions (one heading a walker and tick), weapon and order checks (each living unit, each tick),
distances that the views need (each living agent to each unit), and numbers of the views, all of them written again.
Prices are nanoseconds of the same operation in a loop over arrays that fit the first-level cache, where the compiler
may use vectors. The sum is a floor for one core that does nothing twice and never waits.
"""

from __future__ import annotations

import argparse
import os
import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import envs
from benchmarks.engine.speed import draw_actions, measure
from envs.battle.jit import kernel

N = 1024  # numbers in a priced loop: 8 KB an array. Each loop adds to its output, so that no repeat can be left out.


@kernel
def distances(x, y, out, repeats):
    for r in range(repeats):
        for j in range(N):
            dx = x[j] - x[r % N]
            dy = y[j] - y[r % N]
            out[j] += dx * dx + dy * dy


@kernel
def roots(x, y, out, repeats):
    for r in range(repeats):
        for j in range(N):
            dx = x[j] + r
            out[j] += dx / np.sqrt(dx * dx + y[j] * y[j])


@kernel
def checks(x, y, out, repeats):
    for r in range(repeats):
        for j in range(N):
            left = x[j] - r
            out[j] += max(left - 1.0, 0.0) + (0.5 if y[j] > left else 0.0)


@kernel
def stores(x, y, out, repeats):
    for _ in range(repeats):
        for j in range(N):
            out[j] += 1.0


PRICED: dict[str, Callable[..., Any]] = {"distance": distances, "root": roots, "check": checks, "store": stores}


def prices() -> dict[str, float]:
    """Nanoseconds of each operation, the best of several runs."""
    x, y = np.random.default_rng(0).uniform(1, 2, (2, N))
    found = {}
    for name, loop in PRICED.items():
        out = np.zeros(N, np.float32 if name == "store" else np.float64)
        loop(x, y, out, 1)
        seconds = min(timeit.repeat(partial(loop, x, y, out, 200), number=1, repeat=20))
        found[name] = seconds / (200 * N) * 1e9
    return found


def count(scenario: str, steps: int = 400, num_envs: int = 64) -> dict[str, float]:
    """Operations of one env_step on average; what happens in its last tick stands for all its ticks."""
    env: Any = envs.make(scenario, num_envs, seed=1)
    env.reset()
    n, u = env.spec.n_agents, env.spec.n_agents + env.spec.n_enemies
    ticks = env.options.step_mul
    actions = np.zeros((num_envs, n), np.int64)
    seen = dict.fromkeys(PRICED, 0.0)
    for k in range(steps):
        draw_actions(env.action_mask, np.uint64(k), actions)
        env.step(actions)
        alive = env.battles["alive"][:, :u].astype(bool)
        walking = (env.battles["moving"][:, :u].astype(bool) & alive).sum(1)
        living = alive.sum(1)
        observers = alive[:, :n].sum(1)
        seen["distance"] += (ticks * walking * (living - 1) + observers * (living - 1)).mean()
        seen["root"] += (ticks * walking + observers * (living - 1)).mean()
        seen["check"] += (ticks * living).mean()
        seen["store"] += env.obs[0].size + env.state[0].size + env.action_mask[0].size / 4
    return {name: total / steps for name, total in seen.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", default="terran_5_vs_5,terran_10_vs_10,terran_20_vs_20,27m_vs_30m")
    parser.add_argument("--seconds", type=float, default=1.0)
    args = parser.parse_args()
    price = prices()
    print(f"load {os.getloadavg()}; " + ", ".join(f"{name} {ns:.2f} ns" for name, ns in price.items()))
    for scenario in args.scenarios.split(","):
        work = count(scenario)
        floor = sum(work[name] * price[name] for name in price) / 1000
        spent = 1e6 / float(measure(scenario, 16, args.seconds, 3, 1)["env_steps_per_second"])
        counted = ", ".join(f"{number:,.0f} {name}s" for name, number in work.items())
        print(
            f"{scenario:16} {counted}: at least {floor:.2f} µs, measured {spent:.2f} µs, "
            f"{spent / floor:.0f} times the floor"
        )


if __name__ == "__main__":
    main()
