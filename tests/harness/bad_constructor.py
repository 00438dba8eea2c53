"""An algorithm that cannot be built, given to commands with ``--import``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from algorithms import registry
from algorithms.qmix import QMix, QMixConfig


@dataclass(frozen=True, kw_only=True)
class BadConfig(QMixConfig):
    """Settings as QMIX's."""


class BadMix(QMix):
    """Fails after its networks are made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        raise MemoryError("no room for the networks")


registry.register(
    "badmix",
    entry_point="bad_constructor:BadMix",
    config="bad_constructor:BadConfig",
    summary="fails while it is built",
    source="a test",
)
