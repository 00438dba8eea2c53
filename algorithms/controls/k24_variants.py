"""K24 with other settings, each held to what makes it that variant: a row is a registered id."""

from __future__ import annotations

import dataclasses
from typing import Any

from algorithms.k24_config import K24Config
from algorithms.settings.checks import require


def _variant(id: str, doc: str, *, fixed: dict[str, Any] | None = None, **defaults: Any) -> type[K24Config]:
    """Make the config class of one row.

    Args:
        id: registered id, for messages.
        doc: what it is, in one sentence.
        fixed: settings that make it this variant; another value is refused.
        defaults: settings with another default than K24's.
    """
    held = fixed or {}

    def check(self: K24Config) -> None:
        K24Config.__post_init__(self)
        for name, value in held.items():
            allowed = f"{str(value).lower()}, which makes it {id}; use k24 for another"
            require(self, name, getattr(self, name) == value, allowed)

    kinds = K24Config.__annotations__ | {"rnn_hidden_dim": "int"}
    made: type[K24Config] = dataclasses.make_dataclass(
        "".join(part.capitalize() for part in id.split("-")) + "Config",
        [(name, kinds[name], dataclasses.field(default=value)) for name, value in (held | defaults).items()],
        bases=(K24Config,),
        namespace={"__post_init__": check, "__doc__": doc, "__module__": __name__},
        frozen=True,
        kw_only=True,
    )
    return made


K24DescribedConfig = _variant(
    "k24-described",
    "Settings of the description's letter: noise at full strength, best patterns in the target network.",
    fixed={
        **{"noise": True, "noise_anneal": False, "sampled_target": False, "sharpness_init": None},
        **{"straight_through": False, "continuous": False, "hold_updates": 0, "dense_ratio": 0.0},
        **{"alpha_evidence": False, "alpha_lr_scale": 1.0, "score_activation": True, "score_alpha": True},
        **{"mask_fc1": True, "mask_head": True, "finetune_keeps_optimizer": False},
    },
    temperature_init=5.0,
    temperature_min=0.2,
    anneal_end_step=8_040_000,
    div_coef=0.1,
    reset_interval=None,
    reset_ratio=None,
    finetune_start_ratio=0.8,
    finetune_lr_decay=0.9,
)
K24AlphaFixedConfig = _variant(
    "k24-alpha-fixed",
    "Settings of K24 whose α stays where it starts.",
    fixed={"alpha_lr_scale": 0.0},
)
K24MagnitudePerTypeConfig = _variant(
    "k24-magnitude-per-type",
    "Settings of straight-through masks by EMA(|a|) · |W|, the average kept for each unit type.",
    fixed={
        **{"straight_through": True, "noise": False, "score_activation": True, "score_alpha": False},
        **{"ema_per_type": True, "div_coef": 0.0, "reset_ratio": 0.0, "finetune_start_ratio": 1.0},
    },
)
K24DenseFirstConfig = _variant(
    "k24-dense-first",
    "Settings of K24 that is dense for the first fifth of the run, then starts α from evidence.",
    dense_ratio=0.2,
    alpha_evidence=True,
)
K24WideConfig = _variant(
    "k24-wide",
    "Settings of K24 as wide as 2:4 allows with the kept weights of a dense network of 64, GRU masked.",
    rnn_hidden_dim=96,
    mask_gru=True,
)
K24GruConfig = _variant("k24-gru", "Settings of K24 with the GRU masked.", mask_gru=True)
