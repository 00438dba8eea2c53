"""Agent decisions per second of trained policies: of one when its run ends, and of all of a comparison in turn.

A reading that each worker takes when its own run ends is a reading of the machine's load: one policy read 13,589 to
275,757 decisions/s within a day. So after training all policies take part in the same rounds, in one process; no run of
the same database begins meanwhile, and what other processes do is measured beside them: a reading under load is
repeated, and marked if the load stays.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from algorithms.protocol import Algorithm, Observation
from common.errors import counted
from harness.runs.process import LOADED, LoadOfOthers
from harness.runs.provenance import cpu_model
from harness.speed.timing import Work, time_in_turn
from studies.rows import TurnReading

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
    return f"CPU, {counted(torch.get_num_threads(), 'thread')}"


SECONDS_EACH = 0.5
"""That the rounds take for each policy."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Effort to spend on a good reading."""

    seconds_each: float = SECONDS_EACH
    attempts: int = 3
    """At most this many readings per device; one under load is repeated."""
    pause: float = 5.0
    """Seconds before a repetition."""
    patience: float = 60.0
    """Seconds to wait for runs that other processes of this machine work on."""


QUICK = Effort(seconds_each=0.05, attempts=1, pause=0.0, patience=0.0)
"""For checks that everything runs."""


def measure_in_turn(
    policies: Mapping[int, Algorithm],
    *,
    seed: int,
    alone: bool,
    effort: Effort,
    message: Callable[[str], None] = lambda line: None,
    battles: int = BATTLES,
) -> dict[int, TurnReading]:
    """Time greedy decisions of several policies in interleaved rounds.

    Args:
        policies: run id -> the trained policy; those of one device are measured together.
        seed: draws the observations.
        alone: whether no other run of the database goes on on this machine.
        effort: how long, and how often again under load.
        message: takes a line about a repetition.
        battles: of the batch.

    Returns:
        Run id -> its reading, of the attempt with the least load.
    """
    found: dict[int, TurnReading] = {}
    for device in dict.fromkeys(algorithm.device for algorithm in policies.values()):
        own = {run: algorithm for run, algorithm in policies.items() if algorithm.device == device}
        works = {str(run): greedy_call(algorithm, seed=seed, battles=battles) for run, algorithm in own.items()}
        best: dict[int, TurnReading] = {}
        for attempt in range(effort.attempts):
            reading = _one_session(own, works, alone, effort, battles)
            load = next(iter(reading.values())).load
            if not best or load < next(iter(best.values())).load:
                best = reading
            if load <= LOADED or attempt == effort.attempts - 1:
                break
            message(f"decisions/s: others keep {load:.1f} cores busy; measured again in {effort.pause:g} s")
            time.sleep(effort.pause)
        found |= best
    return found


def _one_session(
    policies: Mapping[int, Algorithm], works: Mapping[str, Work], alone: bool, effort: Effort, battles: int
) -> dict[int, TurnReading]:
    """One pass over all rounds."""
    device = next(iter(policies.values())).device
    load = LoadOfOthers()
    timings = time_in_turn(works, device, seconds=effort.seconds_each * len(works))
    cores, session, now = load.cores(), secrets.token_hex(6), time.time()
    machine = describe_device(device)
    if device.type == "cpu":
        machine = machine.replace("CPU", cpu_model(), 1)
    readings = {}
    for run, algorithm in policies.items():
        timing, decisions = timings[str(run)], battles * algorithm.spec.n_agents
        readings[run] = TurnReading(
            session=session,
            measured=now,
            decisions_per_second=decisions / timing.seconds,
            low=decisions / timing.high,
            high=decisions / timing.low,
            rounds=timing.repeats,
            batch=decisions,
            dtype="float32",
            device=device.type,
            machine=machine,
            load=round(cores, 3),
            quiet=alone and cores <= LOADED,
        )
    return readings
