"""Compare the update times of two algorithms: both in one process, update by update in turn.

    python -m benchmarks.learner.in_turn [--algos qmix,kalei,k24] [--repeats 40] [--threads 2]

Batches as in ``benchmarks.learner``. A ratio is taken within each turn, so that a machine that slows down for a while
slows both sides of it.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from algorithms import registry
from benchmarks.learner.update import machine, make_learner, random_batch, spread
from harness.runs.process import prepare_process


def main() -> None:
    """Measure, and print a line an algorithm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algos", default="qmix,kalei,k24", help="registered ids; ratios are to the first")
    parser.add_argument("--repeats", type=int, default=40, help="turns")
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    args = parser.parse_args()
    prepare_process(deterministic=False)
    torch.set_num_threads(args.threads)
    print(f"{machine()}, {args.threads} threads, torch {torch.__version__}")
    batch = random_batch(128, 60)
    names = [registry.entry(name).id for name in args.algos.split(",")]
    made = {name: make_learner(name) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-2, args.repeats):
        for name, learner in made.items():
            start = time.perf_counter()
            learner.update(batch, 0)
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
    for name, each in seconds.items():
        ratios = [own / first for own, first in zip(each, seconds[names[0]], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{name:<14} {spread(each)} s, ÷ {names[0]} {middle:.2f}, half of the turns {low:.2f}–{high:.2f}")


if __name__ == "__main__":
    main()
