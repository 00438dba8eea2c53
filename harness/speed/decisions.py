"""Agent decisions per second of a trained policy, measured on the device it runs on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from algorithms.protocol import Algorithm, Observation
from harness.speed.timing import REPEATS, Work, time_call

BATTLES = 1024


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Result of ``measure_throughput``."""

    decisions_per_second: float
    """Agents × battles / median seconds of one greedy ``act``."""
    battles: int
    """Battles in the batch; the batch has battles × agents rows."""
    dtype: str
    """Number format of observations and weights."""
    device: str
    """``cpu`` or ``cuda``."""
    device_name: str
    """The device's own name for itself."""
    seconds: float
    """Median of one ``act``."""


def measure_throughput(
    algorithm: Algorithm, *, seed: int, battles: int = BATTLES, repeats: int = REPEATS
) -> Throughput:
    """Time greedy ``act`` on drawn observations with every action legal.

    The policy's cost does not depend on what the observations say, so drawn ones measure the same work as real ones.
    Moving observations to the device is not part of the time.

    Args:
        algorithm: the trained policy.
        seed: draws observations and unit types.
        battles: E of the batch.
        repeats: timed calls after the warm-up; their median counts.
    """
    decide, device = greedy_call(algorithm, seed=seed, battles=battles), algorithm.device
    seconds = time_call(decide, device, repeats=repeats).seconds
    return Throughput(
        decisions_per_second=battles * algorithm.spec.n_agents / seconds,
        battles=battles,
        dtype="float32",
        device=device.type,
        device_name=describe_device(device),
        seconds=seconds,
    )


def greedy_call(algorithm: Algorithm, *, seed: int, battles: int = BATTLES) -> Work:
    """Return a call that decides greedily for a batch of drawn observations; arguments as of ``measure_throughput``."""
    spec, device = algorithm.spec, algorithm.device
    rng = np.random.default_rng(seed)
    shape = (battles, spec.n_agents)
    observation = Observation(
        obs=torch.from_numpy(rng.random((*shape, spec.obs_size), np.float32)).to(device),
        action_mask=torch.ones((*shape, spec.n_actions), dtype=torch.bool, device=device),
        unit_type=torch.from_numpy(rng.integers(0, max(1, len(spec.unit_types)), shape)).to(device),
    )
    state = algorithm.act(observation, algorithm.initial_state(battles), explore=False).state

    @torch.no_grad()
    def decide() -> None:
        algorithm.act(observation, state, explore=False)

    return decide


def describe_device(device: torch.device) -> str:
    """Return the device's own name, or the number of threads where it is the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}"
