"""Engine speed: env_steps/s with observations, state and masks written, random valid actions, by batch size.

    python -m benchmarks.engine [--scenarios terran_5_vs_5,…] [--batches 16,128,1024] [--seconds 2] [--repeats 5]

Actions are drawn inside a compiled loop; their cost is measured apart (same loop without stepping) and printed beside.
Each line is the median of the repeats with the least and the greatest; the load of the machine is printed first. The
last lines are a single battle driven from Python through ``BatchedEnv.step``, checks of the actions included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

import envs
from envs.battle.basics.rng import mix
from envs.battle.jit import kernel
from envs.battle.step import step_in_parallel, step_one_by_one


@kernel
def draw_actions(action_mask, key, actions):
    """Uniform choice among the legal actions of every agent: (E, N, A) -> (E, N)."""
    num_envs, n_agents, n_actions = action_mask.shape
    for e in range(num_envs):
        for i in range(n_agents):
            legal = 0
            for a in range(n_actions):
                legal += action_mask[e, i, a]
            bits = mix(np.uint64(key) + np.uint64((e * n_agents + i) * 2654435761))
            pick = np.int64((bits >> np.uint64(33)) % np.uint64(legal))
            for a in range(n_actions):
                if action_mask[e, i, a]:
                    if pick == 0:
                        actions[e, i] = a
                        break
                    pick -= 1


@kernel
def run_batch(battles, units, setup, views, actions, key, steps, parallel):
    """``steps`` env_steps of the whole batch without leaving compiled code."""
    for k in range(steps):
        draw_actions(views.action_mask, key + np.uint64(k), actions)
        if parallel:
            step_in_parallel(battles, units, setup, views, actions)
        else:
            step_one_by_one(battles, units, setup, views, actions)


@kernel
def draw_only(views, actions, key, steps):
    """The same loop without the steps."""
    for k in range(steps):
        draw_actions(views.action_mask, key + np.uint64(k), actions)


def measure(scenario: str, num_envs: int, seconds: float, repeats: int, threads: int) -> dict[str, Any]:
    """Rates of one scenario and batch size, env_steps/s."""
    env = envs.make(scenario, num_envs, seed=1)
    env.reset()
    actions = np.zeros((num_envs, env.spec.n_agents), np.int64)
    arguments = (env.battles, env.units, env.setup, env.views, actions)  # type: ignore[attr-defined]
    numba.set_num_threads(threads)
    parallel = threads > 1
    steps = max(1, 4096 // num_envs)
    run_batch(*arguments, np.uint64(0), 400, parallel)  # compiles, and spreads the battles over their course
    rates, draws, key = [], [], 0
    for _ in range(repeats):
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            run_batch(*arguments, np.uint64(key), steps, parallel)
            key += steps
            done += steps * num_envs
        rates.append(done / (time.perf_counter() - start))
        start = time.perf_counter()
        draw_only(env.views, actions, np.uint64(key), steps)  # type: ignore[attr-defined]
        draws.append((time.perf_counter() - start) / (steps * num_envs))
    return {
        "scenario": scenario,
        "batch": num_envs,
        "threads": threads,
        "env_steps_per_second": float(np.median(rates)),
        "least": min(rates),
        "greatest": max(rates),
        "drawing_share": float(np.median(draws) * np.median(rates)),
    }


def measure_single(scenario: str, seconds: float, repeats: int) -> dict[str, Any]:
    """Microseconds a step of one battle through ``BatchedEnv``; actions were drawn before."""
    env = envs.make(scenario, 1, seed=1, illegal_actions="noop")
    env.reset()
    actions = np.zeros((1, env.spec.n_agents), np.int64)
    times, key = [], 0
    for _ in range(repeats):
        spent, steps = 0.0, 0
        while spent < seconds:
            draw_actions(env.action_mask, np.uint64(key), actions)
            start = time.perf_counter()
            env.step(actions)
            spent += time.perf_counter() - start
            steps, key = steps + 1, key + 1
        times.append(spent / steps * 1e6)
    return {
        "scenario": scenario,
        "batch": "single",
        "microseconds": float(np.median(times)),
        "least": min(times),
        "greatest": max(times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scenarios", default="terran_5_vs_5,protoss_5_vs_5,zerg_5_vs_5,terran_10_vs_10,terran_20_vs_20,27m_vs_30m"
    )
    parser.add_argument("--batches", default="16,128,1024")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", default=f"{numba.get_num_threads()}", help="for example 1,2")
    parser.add_argument("--out", type=Path, help="also write the rows as JSON")
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    rows = []
    for scenario in args.scenarios.split(","):
        for threads in map(int, args.threads.split(",")):
            for batch in map(int, args.batches.split(",")):
                row = measure(scenario, batch, args.seconds, args.repeats, threads)
                rows.append(row)
                print(
                    f"{scenario:16} E={batch:<5} threads={threads} {row['env_steps_per_second']:>10,.0f} env_steps/s "
                    f"[{row['least']:,.0f} – {row['greatest']:,.0f}], drawing actions {row['drawing_share']:.1%}",
                    flush=True,
                )
    for scenario in args.scenarios.split(","):
        row = measure_single(scenario, args.seconds, args.repeats)
        rows.append(row)
        print(
            f"{scenario:16} one battle through step(): {row['microseconds']:.1f} µs "
            f"[{row['least']:.1f} – {row['greatest']:.1f}]",
            flush=True,
        )
    if args.out:
        args.out.write_text(json.dumps({"load": os.getloadavg(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
