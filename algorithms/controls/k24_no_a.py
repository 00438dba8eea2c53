"""K24 without its part A: a weight's score is its magnitude alone.

Neither how strongly an input is used nor what a unit type has learned enters the masks, so all types share one mask in
acting; in training each type still draws its own noise. Half of the ablation: ``--set k24.score_activation=false`` or
``--set k24.score_alpha=false``.
"""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.k24 import K24, K24Config
from algorithms.settings.checks import require


@dataclass(frozen=True, kw_only=True)
class K24NoAConfig(K24Config):
    """Settings of K24, without heterogeneous scores.

    Raises:
        ValueError: a value would bring the part back.
    """

    score_activation: bool = False
    """No factor EMA(|a|)."""
    score_alpha: bool = False
    """No factor sigmoid(α_k)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("score_activation", "score_alpha"):
            require(self, name, not getattr(self, name), "false, which makes it k24-no-a; use k24 for the factor")


class K24NoA(K24):
    """K24 as it is, without heterogeneous scores."""

    config: K24NoAConfig
