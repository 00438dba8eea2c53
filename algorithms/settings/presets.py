"""Recommended settings of K24 by the size and mixture of the fight: ranges to search in, their middle as a preset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from algorithms.q_learning.schedules import PAPER_ENV_STEPS


@dataclass(frozen=True, kw_only=True)
class Recommended:
    """Ranges (least, greatest) for one class of scenarios. Source: K24's table of recommended settings."""

    scenarios: str
    """which fights are meant"""
    div_coef: tuple[float, float]
    anneal_end: tuple[float, float]
    """share of the run"""
    reset_interval: tuple[int, int]
    """env_steps of a 10.05M run"""
    finetune_start_ratio: tuple[float, float]


RESET_RATIO = 0.2
RECOMMENDED = {
    "micro": Recommended(
        scenarios="small fights such as 3s5z",
        div_coef=(0.1, 0.15),
        anneal_end=(0.8, 0.8),
        reset_interval=(500_000, 1_000_000),
        finetune_start_ratio=(0.75, 0.8),
    ),
    "large": Recommended(
        scenarios="hard fights of many units such as 6h_vs_8z, corridor",
        div_coef=(0.15, 0.2),
        anneal_end=(0.85, 0.9),
        reset_interval=(1_000_000, 1_000_000),
        finetune_start_ratio=(0.85, 0.85),
    ),
    "mixed": Recommended(
        scenarios="teams of several unit types such as MMM, MMM2",
        div_coef=(0.15, 0.25),
        anneal_end=(0.8, 0.8),
        reset_interval=(500_000, 500_000),
        finetune_start_ratio=(0.8, 0.8),
    ),
}
"""Class of scenarios -> ranges; a search over settings starts from them."""


def preset(name: str) -> dict[str, Any]:
    """Fields of ``K24Config``: the middle of each recommended range.

    The published share of resets comes along with the interval: on maps of one unit type the masks are per agent,
    whose own default (a tenth, every 10,000 steps) does not go with an interval of a million.
    """
    ranges = RECOMMENDED[name]
    return {
        "div_coef": _middle(ranges.div_coef),
        "anneal_end_step": round(_middle(ranges.anneal_end) * PAPER_ENV_STEPS),
        "reset_interval": round(_middle(ranges.reset_interval)),
        "reset_ratio": RESET_RATIO,
        "finetune_start_ratio": _middle(ranges.finetune_start_ratio),
    }


def _middle(ends: tuple[float, float]) -> float:
    return round(sum(ends) / 2, 6)
