"""Agent decisions per second of a trained policy, measured on the device it runs on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from algorithms.protocol import Algorithm

BATTLES = 1024
REPEATS = 15
WARM_UP = 3


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What ``measure_throughput`` saw."""

    decisions_per_second: float
    """Agents × battles / median seconds of one greedy ``act``."""
    battles: int
    """Battles in the batch; the batch has battles × agents rows."""
    dtype: str
    """Number format of observations and weights."""
    device: str
    """``cpu`` or ``cuda``."""
    device_name: str
    """What the device calls itself."""
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
    spec, device = algorithm.spec, algorithm.device
    rng = np.random.default_rng(seed)
    shape = (battles, spec.n_agents)
    obs = torch.from_numpy(rng.random((*shape, spec.obs_size), np.float32)).to(device)
    unit_type = torch.from_numpy(rng.integers(0, max(1, len(spec.unit_types)), shape)).to(device)
    last_action = torch.from_numpy(rng.integers(0, spec.n_actions, shape)).to(device)
    action_mask = torch.ones((*shape, spec.n_actions), dtype=torch.bool, device=device)
    hidden = algorithm.initial_hidden(battles)

    @torch.no_grad()
    def decide() -> None:
        algorithm.act(obs, last_action, action_mask, unit_type, hidden, epsilon=0.0)

    seconds = median_seconds(decide, device, repeats=repeats)
    return Throughput(
        decisions_per_second=battles * spec.n_agents / seconds,
        battles=battles,
        dtype=str(obs.dtype).removeprefix("torch."),
        device=device.type,
        device_name=describe_device(device),
        seconds=seconds,
    )


def median_seconds(
    work: Callable[[], object], device: torch.device, *, repeats: int = REPEATS, inner: int = 1
) -> float:
    """Median wall time of one call, the device's queue emptied before each reading of the clock.

    Args:
        work: called ``WARM_UP`` times unmeasured, then ``repeats`` × ``inner`` times.
        device: where the work runs.
        repeats: timed readings.
        inner: calls between two readings; more of them hide the cost of waiting for a device.
    """
    times = []
    for repeat in range(WARM_UP + repeats):
        _wait(device)
        start = time.perf_counter()
        for _ in range(inner):
            work()
        _wait(device)
        if repeat >= WARM_UP:
            times.append((time.perf_counter() - start) / inner)
    return statistics.median(times)


def describe_device(device: torch.device) -> str:
    """The device's own name, or the number of threads where it is the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
