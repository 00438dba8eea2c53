"""Gain of a second run beside a first one, and the most that the processor gives.

    python -m benchmarks.learner.side_by_side [--algo qmix] [--seconds 5] [--rounds 5]

Two runs of one thread each should do twice the work of one, but virtual cores may share a real one, and all of them
share a power limit. So the same is asked of a plain loop of matrix products, in the same minutes: one process, then
two. The gain is the work of two in a second ÷ that of one; the last line is the gain of the runs ÷ that of the loops.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.learner.update import machine, make_learner, random_batch, spread
from harness.runs.process import prepare_process

PRODUCTS = "products"


def make_work(name: str) -> Callable[[], Any]:
    """One piece of work: an update of an algorithm, or fifty products of 512 × 512 matrices."""
    if name == PRODUCTS:
        a, b = torch.randn(512, 512), torch.randn(512, 512)
        return lambda: [a @ b for _ in range(50)]
    learner, batch = make_learner(name), random_batch(128, 60)
    return lambda: learner.update(batch, 0)


def worker(name: str, requests: Any, answers: Any) -> None:
    """Work for as many seconds as is asked, again and again; answer each time with pieces done per second."""
    prepare_process(deterministic=False)
    torch.set_num_threads(1)
    work = make_work(name)
    for _ in range(2):
        work()
    answers.put(0.0)
    while (seconds := requests.get()) > 0:
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            work()
            done += 1
        answers.put(done / (time.perf_counter() - start))


class WorkerProcesses:
    """Processes that do one kind of work on request."""

    def __init__(self, name: str, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.answers = context.Queue()
        self.requests = [context.Queue() for _ in range(count)]
        self.processes = [context.Process(target=worker, args=(name, each, self.answers)) for each in self.requests]
        for process in self.processes:
            process.start()
        for _ in self.processes:
            self.answers.get()

    def rate(self, count: int, seconds: float) -> float:
        """Pieces per second of ``count`` of them together."""
        for each in self.requests[:count]:
            each.put(seconds)
        return sum(self.answers.get() for _ in range(count))

    def close(self) -> None:
        """End them."""
        for each in self.requests:
            each.put(0)
        for process in self.processes:
            process.join()


def main() -> None:
    """Measure runs and loops in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algo", default="qmix", help="registered id")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind")
    args = parser.parse_args()
    print(f"{machine()}, one thread a process, torch {torch.__version__}")
    kinds = {name: WorkerProcesses(name, 2) for name in (args.algo, PRODUCTS)}
    gains: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(args.rounds):
        for name, workers in kinds.items():
            gains[name].append(workers.rate(2, args.seconds) / workers.rate(1, args.seconds))
        print(", ".join(f"gain of two {name} {each[-1]:.2f}" for name, each in gains.items()), flush=True)
    for workers in kinds.values():
        workers.close()
    shares = [run / loop for run, loop in zip(gains[args.algo], gains[PRODUCTS], strict=True)]
    print(f"gain of two runs ÷ gain of two loops: {spread(shares)}")


if __name__ == "__main__":
    main()
