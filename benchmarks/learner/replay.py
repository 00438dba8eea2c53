"""Memory of a full replay and of updates from it, and the time to insert and to sample.

    python -m benchmarks.learner.replay [--scenario terran_20_vs_20] [--episodes 5000] [--steps 50] [--non-zero 0.16]

Episodes are synthetic: lengths uniform from half to one and a half of ``--steps`` (all equal with ``--equal``), of the
numbers in observations and states the share ``--non-zero`` not zero. Battles of the built-in engine show 0.28 at
terran_5_vs_5 and 0.16 at terran_20_vs_20, with mean lengths of 40 and 50.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import psutil

import envs
from algorithms import registry
from algorithms.episode import Episode
from algorithms.q_learning.learner import QLearner
from algorithms.replay.replay import EpisodeReplay
from envs.spec import EnvSpec
from harness.runs.process import prepare_process


def synthetic_episode(rng: np.random.Generator, spec: EnvSpec, steps: int, share: float) -> Episode:
    """An episode of about the right content; a few are drawn and cut, since drawing takes longer than inserting."""
    views, n = steps + 1, spec.n_agents
    obs = rng.random((views, n, spec.obs_size), np.float32) * (rng.random((views, n, spec.obs_size)) < share)
    state = rng.random((views, spec.state_size), np.float32) * (rng.random((views, spec.state_size)) < share)
    return Episode(
        obs=obs,
        state=state,
        action_mask=rng.random((views, n, spec.n_actions)) < 0.5,
        actions=rng.integers(0, spec.n_actions, (steps, n)),
        reward=rng.random(steps, np.float32),
        terminated=True,
        truncated=False,
        unit_type=rng.integers(0, max(1, len(spec.unit_types)), n),
    )


def cut(episode: Episode, steps: int) -> Episode:
    """Its first steps."""
    views = {name: getattr(episode, name)[: steps + 1] for name in ("obs", "state", "action_mask")}
    steps_only = {name: getattr(episode, name)[:steps] for name in ("actions", "reward")}
    return Episode(**views, **steps_only, terminated=True, truncated=False, unit_type=episode.unit_type)


def resident_gb() -> float:
    """Memory of this process now, GB (1e9 bytes)."""
    return float(psutil.Process().memory_info().rss) / 1e9


def main() -> None:
    """Fill, sample, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="terran_5_vs_5", choices=envs.ids(), metavar="ID")
    parser.add_argument("--episodes", type=int, default=5000, help="capacity; a tenth more are inserted")
    parser.add_argument("--steps", type=int, default=40, help="mean length in env_steps")
    parser.add_argument("--equal", action="store_true", help="all of that length")
    parser.add_argument("--non-zero", type=float, default=0.28, help="share of numbers that are not zero")
    parser.add_argument("--batch", type=int, default=128, help="episodes per sample")
    args = parser.parse_args()
    prepare_process(deterministic=False)
    rng = np.random.default_rng(0)
    spec = envs.make(args.scenario).spec
    longest = args.steps if args.equal else args.steps * 3 // 2
    originals = [synthetic_episode(rng, spec, longest, args.non_zero) for _ in range(8)]
    before = resident_gb()
    replay = EpisodeReplay(args.episodes, 0)
    count = args.episodes * 11 // 10
    start = time.perf_counter()
    for number in range(count):
        length = longest if args.equal else int(rng.integers(args.steps // 2, longest + 1))
        replay.insert(cut(originals[number % len(originals)], length))
    inserting = (time.perf_counter() - start) / count
    filled = resident_gb()
    sampling = []
    for _ in range(10):
        start = time.perf_counter()
        batch = replay.sample(args.batch)
        sampling.append(time.perf_counter() - start)
    per_view = 4 * (spec.n_agents * spec.obs_size + spec.state_size) + spec.n_agents * (spec.n_actions + 2)
    views = (args.steps + 1) * args.episodes
    print(f"{args.scenario}: {args.episodes} episodes of {args.steps} env_steps on average, longest {longest}")
    print(f"  unpacked, without padding: {views * per_view / 1e9:.2f} GB ({per_view} bytes a view)")
    print(f"  packed blocks: {replay.nbytes / 1e9:.2f} GB; process {before:.2f} -> {filled:.2f} GB")
    print(f"  with batches of {args.batch} × {batch.filled.shape[1]}: process {resident_gb():.2f} GB")
    made = registry.make("qmix", spec, total_env_steps=10_050_000, seed=0)
    assert isinstance(made, QLearner)
    for _ in range(3):
        made.update(replay.sample(args.batch), 0)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(f"  with updates of QMIX: process {resident_gb():.2f} GB, {most:.2f} at most")
    print(f"  insert {inserting * 1e3:.2f} ms an episode; sample {min(sampling) * 1e3:.1f} ms a batch")


if __name__ == "__main__":
    main()
