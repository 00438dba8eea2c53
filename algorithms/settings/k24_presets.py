"""Recommended settings of K24 by the size and mixture of the fight: ranges to search in, their middle as a preset."""

from __future__ import annotations

from algorithms.registry import Preset
from common.space import Range

Ranges = dict[str, tuple[float, float]]

RESET_RATIO = 0.2
RECOMMENDED: dict[str, Ranges] = {
    "micro": {  # small fights such as 3s5z
        "div_coef": (0.1, 0.15),
        "anneal_end_step": (8_040_000, 8_040_000),
        "reset_interval": (500_000, 1_000_000),
        "finetune_start_ratio": (0.75, 0.8),
    },
    "large": {  # hard fights of many units such as 6h_vs_8z, corridor
        "div_coef": (0.15, 0.2),
        "anneal_end_step": (8_542_500, 9_045_000),
        "reset_interval": (1_000_000, 1_000_000),
        "finetune_start_ratio": (0.85, 0.85),
    },
    "mixed": {  # teams of several unit types such as MMM, MMM2
        "div_coef": (0.15, 0.25),
        "anneal_end_step": (8_040_000, 8_040_000),
        "reset_interval": (500_000, 500_000),
        "finetune_start_ratio": (0.8, 0.8),
    },
}
"""Class of scenarios -> field of the config -> least and greatest value; a search over settings starts from them.

Source: K24's table of recommended settings, where the anneal ends after 80% of the run, or 85% to 90%.
"""


def _preset(ranges: Ranges) -> Preset:
    """The middle of each range, and the ranges themselves for a search.

    The published share of resets comes along with the interval: on maps of one unit type the masks are per agent,
    whose own default (a tenth, every 10,000 steps) does not go with an interval of a million.
    """
    middle = {name: type(low)(round((low + high) / 2, 6)) for name, (low, high) in ranges.items()}
    return Preset(
        settings={**middle, "reset_ratio": RESET_RATIO},
        # where both ends are the same number nothing is left to search
        space={name: Range(low=low, high=high) for name, (low, high) in ranges.items() if low < high},
    )


PRESETS = {name: _preset(ranges) for name, ranges in RECOMMENDED.items()}
"""Class of fights -> what is recommended for it."""
