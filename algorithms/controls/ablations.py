"""Algorithms that are another one with some settings held: K24 with a part added or changed, QMIX without ids.

``fixed`` settings make a row what it is, so other values are refused; ``defaults`` only start elsewhere.
"""

from __future__ import annotations

from algorithms import k24, qmix  # noqa: F401  # what these rows start from is registered first
from algorithms.registry import Preset, register
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
"""Of ``k24-described``: class of scenarios -> field of the config -> least and greatest value, for a search.

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


register("k24-with-ema", base="k24", fixed={"score_activation": True})
register("k24-with-c", base="k24", defaults={"div_coef": 0.1})
register("k24-with-resets", base="k24", defaults={"reset_ratio": None})
register("k24-with-finetune", base="k24", defaults={"finetune_start_ratio": 0.8})
register(
    "k24-described",
    base="k24",
    fixed={
        **{"noise": True, "noise_anneal": False, "sampled_target": False, "sharpness_init": None},
        **{"straight_through": False, "continuous": False, "hold_updates": 0, "dense_ratio": 0.0},
        **{"alpha_evidence": False, "alpha_lr_scale": 1.0, "score_activation": True, "score_alpha": True},
        **{"mask_fc1": True, "mask_head": True, "finetune_keeps_optimizer": False},
        **{"weight_init_scale": 1.0, "weight_lr_scale": 1.0},
    },
    defaults={
        **{"temperature_init": 5.0, "temperature_min": 0.2, "anneal_end_step": 8_040_000, "div_coef": 0.1},
        **{"reset_interval": None, "reset_ratio": None, "finetune_start_ratio": 0.8, "finetune_lr_decay": 0.9},
    },
    presets={name: _preset(ranges) for name, ranges in RECOMMENDED.items()},
    takes_files=True,
)
register("k24-alpha-fixed", base="k24", fixed={"alpha_lr_scale": 0.0})
register(
    "k24-magnitude-per-type",
    base="k24",
    fixed={
        **{"straight_through": True, "noise": False, "score_activation": True, "score_alpha": False},
        **{"ema_per_type": True, "div_coef": 0.0, "reset_ratio": 0.0, "finetune_start_ratio": 1.0},
    },
)
register("k24-dense-first", base="k24", defaults={"dense_ratio": 0.2, "alpha_evidence": True})
register("k24-wide", base="k24", defaults={"rnn_hidden_dim": 96, "mask_gru": True})
register("k24-gru", base="k24", defaults={"mask_gru": True})
register("qmix-no-ids", base="qmix", fixed={"obs_agent_id": False})
