"""Recommended settings of K24 by the size and mixture of the fight: ranges to search in, their middle as a preset."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.q_learning.schedules import PAPER_ENV_STEPS
from algorithms.registry import Preset
from common.space import Range


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


def _preset(ranges: Recommended) -> Preset:
    """The middle of each range, and the ranges themselves for a search.

    The published share of resets comes along with the interval: on maps of one unit type the masks are per agent,
    whose own default (a tenth, every 10,000 steps) does not go with an interval of a million.
    """
    ends = {
        "div_coef": ranges.div_coef,
        "anneal_end_step": tuple(round(share * PAPER_ENV_STEPS) for share in ranges.anneal_end),
        "reset_interval": ranges.reset_interval,
        "finetune_start_ratio": ranges.finetune_start_ratio,
    }
    middle = {name: type(low)(round((low + high) / 2, 6)) for name, (low, high) in ends.items()}
    return Preset(
        settings={**middle, "reset_ratio": RESET_RATIO},
        # where both ends are the same number nothing is left to search
        space={name: Range(low=low, high=high) for name, (low, high) in ends.items() if low < high},
    )


PRESETS = {name: _preset(ranges) for name, ranges in RECOMMENDED.items()}
"""Class of fights -> what is recommended for it."""
