"""Agent decisions per second of a trained policy, measured on the device it runs on."""

from __future__ import annotations

import numpy as np
import torch

from algorithms.protocol import Algorithm, Observation
from harness.speed.timing import Work, time_in_turn

BATTLES = 1024
SECONDS = 0.1
"""For the rounds of one reading."""


def decisions_per_second(algorithm: Algorithm, *, seed: int, battles: int = BATTLES) -> float:
    """Time greedy ``act`` of one policy; arguments as of ``greedy_call``."""
    decide = greedy_call(algorithm, seed=seed, battles=battles)
    timing = time_in_turn({"act": decide}, algorithm.device, seconds=SECONDS)["act"]
    return battles * algorithm.spec.n_agents / timing.seconds


def greedy_call(algorithm: Algorithm, *, seed: int, battles: int = BATTLES) -> Work:
    """Return a call that decides greedily for a batch of drawn observations with every action legal.

    The policy's cost does not depend on what the observations say, so drawn ones measure the same work as real ones.
    Moving observations to the device is not part of it.

    Args:
        algorithm: the trained policy.
        seed: draws observations and unit types.
        battles: E of the batch.
    """
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
