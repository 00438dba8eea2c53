"""QMIX whose agents are not told their number: what remains of their difference is what they see."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.qmix import QMix, QMixConfig
from algorithms.settings.checks import require


@dataclass(frozen=True, kw_only=True)
class QMixNoIdsConfig(QMixConfig):
    """Settings of QMIX, without agent ids.

    Raises:
        ValueError: a value would bring the ids back.
    """

    obs_agent_id: bool = False
    """The input holds no agent's number."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, "obs_agent_id", not self.obs_agent_id, "false, which makes it qmix-no-ids; use qmix for ids")


class QMixNoIds(QMix):
    """QMIX as it is, without agent ids."""

    config: QMixNoIdsConfig
