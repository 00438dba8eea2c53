"""K24 without resets: weights that every mask drops stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.k24 import K24, K24Config
from algorithms.settings.checks import require


@dataclass(frozen=True, kw_only=True)
class K24NoResetsConfig(K24Config):
    """Settings of K24, without resets.

    Raises:
        ValueError: a value would bring the part back.
    """

    reset_ratio: float | None = 0.0
    """No weight resets."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "reset_ratio", self.reset_ratio == 0, "0, which makes it k24-no-resets; use k24 for another")


class K24NoResets(K24):
    """K24 as it is, without resets."""

    config: K24NoResetsConfig
