"""Time the engine's start: cold, with compilation, and warm, from the machine code on disk.

    python -m benchmarks.engine.start [--scenario terran_5_vs_5] [--repeats 3]

Each line is a fresh Python process that imports ``envs``, makes one battle, resets it and takes one step; the cold ones
are given an empty ``K24_CACHE_DIR``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAM = """
import numpy as np
import envs
env = envs.make("{scenario}", 1, seed=0)
env.reset()
env.step(env.action_mask.argmax(-1))
"""


def seconds(scenario: str, cache: str) -> float:
    """One fresh process."""
    start = time.perf_counter()
    environment = {**os.environ, "K24_CACHE_DIR": cache}
    subprocess.run([sys.executable, "-c", PROGRAM.format(scenario=scenario)], env=environment, check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="terran_5_vs_5")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()}")
    cold, warm = [], []
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(seconds(args.scenario, cache))
            warm += [seconds(args.scenario, cache) for _ in range(3)]
    for name, values in (("cold", cold), ("warm", warm)):
        print(f"{name} {statistics.median(values):6.2f} s [{min(values):.2f} – {max(values):.2f}]")


if __name__ == "__main__":
    main()
