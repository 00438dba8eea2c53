"""K24 without its part C: nothing asks the patterns of two unit types to differ."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.k24 import K24, K24Config
from algorithms.settings.checks import require


@dataclass(frozen=True, kw_only=True)
class K24NoCConfig(K24Config):
    """Settings of K24, without pattern orthogonality.

    Raises:
        ValueError: a value would bring the part back.
    """

    div_coef: float = 0.0
    """No orthogonality term."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "div_coef", self.div_coef == 0, "0, which makes it k24-no-c; use k24 for another")


class K24NoC(K24):
    """K24 as it is, without pattern orthogonality."""

    config: K24NoCConfig
