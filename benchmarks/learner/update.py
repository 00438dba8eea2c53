"""Seconds and memory of one learner update at terran_5_vs_5 shapes.

    python -m benchmarks.learner [--algos qmix,kalei,k24] [--steps 60] [--episodes 128] [--repeats 7] [--threads 2]

Episodes are random and valid: lengths uniform from 0.35 T to T with at least one of length T, units that die and stay
dead, unit types fixed per episode. Two updates warm up. Each algorithm runs in a process of its own, so that its peak
memory is its own.

"at least" is a bound from below: the operations of the matrix products that an update cannot do without, at the best
rate of products measured in the same process on the same threads. Everything else that an update does is free in it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch
from llvmlite.binding import get_host_cpu_features

from algorithms import registry
from algorithms.episode import Episode, EpisodeBatch, collate
from algorithms.kernels.compiled import kernel
from algorithms.kernels.threads import parallel_for
from algorithms.kernels.tiles import times
from algorithms.q_learning.learner import QLearner
from envs.spec import EnvSpec
from harness.runs.process import prepare_process
from harness.runs.provenance import cpu_model

TERRAN_5_VS_5 = EnvSpec(
    id="terran_5_vs_5",
    n_agents=5,
    n_enemies=5,
    n_actions=11,
    obs_size=82,
    state_size=120,
    episode_limit=200,
    unit_types=("marine", "marauder", "medivac"),
)


def random_episode(rng: np.random.Generator, length: int, spec: EnvSpec = TERRAN_5_VS_5) -> Episode:
    """One valid episode: the dead have no-op only, the living any other action with probability 0.6, stop always."""
    views = length + 1
    action_mask = rng.random((views, spec.n_agents, spec.n_actions)) < 0.6
    action_mask[..., 0] = False
    action_mask[..., 1] = True
    dead = np.arange(views)[:, None] >= rng.integers(views // 2, 2 * views, spec.n_agents)
    action_mask[dead] = np.eye(spec.n_actions, dtype=np.bool_)[0]
    obs = rng.standard_normal((views, spec.n_agents, spec.obs_size), np.float32)
    obs[dead] = 0
    return Episode(
        obs=obs,
        state=rng.standard_normal((views, spec.state_size), np.float32),
        action_mask=action_mask,
        actions=np.where(action_mask, rng.random(action_mask.shape), -1.0).argmax(-1)[:-1],
        reward=rng.random(length, np.float32),
        terminated=True,
        truncated=False,
        unit_type=rng.integers(0, len(spec.unit_types), spec.n_agents),
    )


def random_batch(episodes: int, steps: int, seed: int = 0) -> EpisodeBatch:
    """The batch described at the top of this file."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(int(0.35 * steps), steps + 1, episodes)
    lengths[0] = steps
    return collate([random_episode(rng, max(1, int(length))) for length in lengths])


def make_learner(algo: str) -> QLearner:
    """A fresh learner of the published run's length."""
    made = registry.make(algo, TERRAN_5_VS_5, total_env_steps=10_050_000, seed=0)
    assert isinstance(made, QLearner)
    return made


@contextmanager
def backward_timed(spent: list[float]) -> Iterator[None]:
    """Add the duration of each ``Tensor.backward`` to the list."""
    plain = torch.Tensor.backward

    def timed(self: torch.Tensor) -> None:
        start = time.perf_counter()
        plain(self)
        spent.append(time.perf_counter() - start)

    with mock.patch.object(torch.Tensor, "backward", timed):
        yield


@kernel
def _products(repeats: int, rows: int, columns: int, depth: int, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    for _ in range(repeats):
        times(rows, columns, depth, a.ctypes.data, depth, b.ctypes.data, c.ctypes.data, columns, c.ctypes.data)


def product_rate(threads: int, repeats: int = 9) -> float:
    """GFLOP/s of float32 products on this many threads, the best of several, one large or many small."""
    rows, width = 16_384, 1_024
    x, matrix = torch.randn(rows, width), torch.randn(width, width)
    small = [[np.zeros(shape, np.float32) for shape in ((48, 64), (64, 192), (48, 192))] for _ in range(threads)]
    turns = 2_000
    _products(1, 48, 192, 64, *small[0])
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        x @ matrix
        between = time.perf_counter()
        parallel_for(threads, lambda turn, _: _products(turns, 48, 192, 64, *small[turn]), threads)
        rates.append(2 * rows * width * width / (between - start))
        rates.append(2 * 48 * 192 * 64 * turns * threads / (time.perf_counter() - between))
    return max(rates) / 1e9


def count_gflop(made: QLearner, batch: EpisodeBatch) -> float:
    """GFLOP of the matrix products that one update cannot do without.

    Two forward passes over the real env_steps and one backward pass, which takes twice as much but needs no gradient of
    its inputs; the same for the mixer.
    """
    layers = {name: layer.dense for name, layer in made.flops().items()}
    mixer = [2 * p.numel() for p in made.mixer.parameters() if p.dim() == 2]
    steps = int(batch.filled.sum())
    agents = steps * made.spec.n_agents * (4 * sum(layers.values()) - layers["fc1"])
    return (agents + steps * (4 * sum(mixer) - mixer[0])) / 1e9


def spread(seconds: list[float]) -> str:
    """Median [min–max]."""
    return f"{statistics.median(seconds):.3f} [{min(seconds):.3f}–{max(seconds):.3f}]"


def machine() -> str:
    """Processor, vector instructions, cores and load of this moment."""
    features = get_host_cpu_features()
    flags = ", AVX-512" if features.get("avx512f") else ", AVX2" if features.get("avx2") else ""
    return f"{cpu_model()}{flags}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def measure(algo: str, args: argparse.Namespace) -> None:
    """Print one row of the table."""
    prepare_process(deterministic=args.deterministic)
    torch.set_num_threads(args.threads)
    batch = random_batch(args.episodes, args.steps)
    made = make_learner(algo)
    for _ in range(2):
        made.update(batch, 0)
    updates: list[float] = []
    backward: list[float] = []
    with backward_timed(backward):
        for _ in range(args.repeats):
            start = time.perf_counter()
            made.update(batch, 0)
            updates.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    load = os.getloadavg()[0]
    mean_length = batch.filled.sum(1).float().mean().item()
    gflop, rate = count_gflop(made, batch), product_rate(args.threads)
    floor = f"{gflop / rate:.3f} ({gflop:.1f} GFLOP, {rate:.0f}/s)"
    times = f"{spread(updates):>24} {spread(backward):>24} {floor:>28}"
    print(f"{algo:<12} {mean_length:>6.1f} {times} {peak:>9.2f} {load:>6.2f}")


def main() -> None:
    """Measure every algorithm asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--algos", default="qmix,kalei,k24", help="registered ids, separated by commas")
    parser.add_argument("--steps", type=int, default=60, help="T, the longest episode in env_steps")
    parser.add_argument("--episodes", type=int, default=128, help="B, episodes per update")
    parser.add_argument("--repeats", type=int, default=7, help="timed updates")
    parser.add_argument("--threads", type=int, default=2, help="torch threads")
    parser.add_argument("--deterministic", action="store_true", help="as in harness.compare")
    args = parser.parse_args()
    print(machine())
    algos = [registry.entry(name).id for name in args.algos.split(",")]
    print(
        f"one update of {args.episodes} episodes × {args.steps} env_steps at terran_5_vs_5 shapes, float32, "
        f"{args.threads} threads of {os.cpu_count()} cores, torch {torch.__version__}"
    )
    headings = ("mean T", "s per update", "of which backward", "at least", "peak GiB", "load")
    print("{:<12} {:>6} {:>24} {:>24} {:>28} {:>9} {:>6}".format("algorithm", *headings), flush=True)
    for algo in algos:
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(algo, args))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"measuring {algo} failed with exit code {process.exitcode}")


if __name__ == "__main__":
    main()
