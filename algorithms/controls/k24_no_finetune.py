"""K24 without rewind & finetune: masks, temperature and resets go on to the end of the run."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.k24 import K24, K24Config
from algorithms.settings.checks import require


@dataclass(frozen=True, kw_only=True)
class K24NoFinetuneConfig(K24Config):
    """Settings of K24, without the freeze.

    Raises:
        ValueError: a value would bring the part back.
    """

    finetune_start_ratio: float = 1.0
    """Masks never freeze."""

    def __post_init__(self) -> None:
        super().__post_init__()
        never = self.finetune_start_ratio == 1
        require(self, "finetune_start_ratio", never, "1, which makes it k24-no-finetune; use k24 for another")


class K24NoFinetune(K24):
    """K24 as it is, without the freeze."""

    config: K24NoFinetuneConfig
