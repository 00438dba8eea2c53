"""When weights that every mask drops reset, how many of them, and how.

With a mask per unit type the published numbers hold; with a mask per agent (fewer than two unit types) there are more
masks, so fewer weights that all of them drop, and resets are small and frequent: 10k env_steps, a share of 0.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from algorithms.network.layers import GroupLinear, fan_in_uniform
from algorithms.q_learning.config import scaled
from common.values import require
from envs.spec import EnvSpec

SPARED_LAYERS = ("fc1",)
"""Masked layers whose unused weights never reset. Source: Kaleidoscope."""


@dataclass(frozen=True, kw_only=True)
class ResetSchedule:
    """The resolved numbers of one run."""

    interval: int
    """env_steps of this run between resets"""
    ratio: float
    """share of the unused weights that resets, 0..1"""


PER_AGENT = ResetSchedule(interval=10_000, ratio=0.1)
"""Source: K24's settings on the multi-agent particle environments (MPE), where masks are per agent."""


def require_reset_settings(config: Any) -> None:
    """Raise ``ValueError`` where ``reset_interval`` or ``reset_ratio`` is given and out of its range."""
    interval, ratio = config.reset_interval, config.reset_ratio
    require(config, "reset_interval", interval is None or interval >= 1, "at least 1, or None")
    require(config, "reset_ratio", ratio is None or 0 <= ratio <= 1, "between 0 and 1, or None")


def resolve_resets(config: Any, per_type: ResetSchedule, spec: EnvSpec, total_env_steps: int) -> ResetSchedule:
    """Fill in what a config leaves open.

    Args:
        config: one with ``reset_interval`` (env_steps of a 10.05M run) and ``reset_ratio``; None leaves one open.
        per_type: the published numbers, its interval in env_steps of a 10.05M run.
        spec: says whether masks are per unit type or per agent.
        total_env_steps: length of the run.

    Returns:
        Numbers of this run. ``PER_AGENT.interval`` is not scaled to its length: it comes from runs far shorter than
        10.05M, and scaled to a short run resets would outnumber updates.
    """
    usual = PER_AGENT if len(spec.unit_types) < 2 else per_type
    ratio = usual.ratio if config.reset_ratio is None else config.reset_ratio
    if config.reset_interval is None and usual is PER_AGENT:
        return ResetSchedule(interval=PER_AGENT.interval, ratio=ratio)
    return ResetSchedule(interval=scaled(config.reset_interval or per_type.interval, total_env_steps), ratio=ratio)


def reset_weights(
    layer: GroupLinear, unused: Tensor, ratio: float, generator: torch.Generator, scale: float = 1.0
) -> Tensor:
    """Redraw a random share of a layer's unused weights.

    Args:
        layer: the layer.
        unused: (out, in) bool.
        ratio: probability that such a weight resets, 0..1.
        generator: draws the choice and the fresh weights.
        scale: factor on the fresh weights.

    Returns:
        (out, in) bool, which weights reset.
    """
    chosen = unused & (torch.rand(unused.shape, generator=generator) < ratio).to(unused.device)
    fresh = scale * fan_in_uniform(*unused.shape, fan_in=layer.in_features, generator=generator)
    put_fresh(layer.weight, chosen, fresh)
    return chosen


def put_fresh(values: Tensor, chosen: Tensor, fresh: Tensor) -> None:
    """Overwrite the chosen ones (out, in) of values (…, out, in) with fresh ones of the same shape."""
    values.copy_(torch.where(chosen, fresh.to(chosen.device), values))
