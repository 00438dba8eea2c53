"""Schedules: numbers given in env_steps of the published run, scaled to the length of this one."""

from __future__ import annotations

PAPER_ENV_STEPS = 10_050_000
"""Length of the published runs, in env_steps; at this length every scaled schedule keeps its published number."""


def scaled(steps: int, total_env_steps: int) -> int:
    """Scale a number of env_steps that holds at the published run length to a run of another length (at least 1)."""
    return max(1, round(steps * total_env_steps / PAPER_ENV_STEPS))


def epsilon_length(anneal_time: int, total_env_steps: int) -> int:
    """Return the length of the exploration ramp: the published one, at most half the run, at least 1 env_step."""
    return max(1, min(anneal_time, total_env_steps // 2))


def linear(start: float, finish: float, length: float, env_steps: int) -> float:
    """Go from ``start`` to ``finish`` over ``length`` env_steps, then stay."""
    return start + (finish - start) * min(1.0, max(0.0, env_steps / length))
