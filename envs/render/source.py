"""What a picture needs to know about its battle: an environment or a replay provides it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.battle.options import BattleOptions


class Caption(Protocol):
    """Name and counts."""

    @property
    def id(self) -> str:
        """Name of the scenario."""

    @property
    def n_agents(self) -> int:
        """N."""

    @property
    def n_enemies(self) -> int:
        """M."""


class UnitTypes(Protocol):
    """Which unit types can appear."""

    @property
    def ordered_types(self) -> tuple[str, ...]:
        """Those of random teams."""

    @property
    def ally_team(self) -> tuple[str, ...]:
        """A fixed team."""

    @property
    def enemy_team(self) -> tuple[str, ...]:
        """Its opponents."""


class RenderSource(Protocol):
    """The battle beside its record; ``BattleEnv`` is one."""

    units: NDArray[np.void]
    """(1,) table of unit types."""
    setup: NDArray[np.void]
    """(1,) ground and script."""
    options: BattleOptions
    """Options, which decide what agents can see."""

    @property
    def spec(self) -> Caption:
        """Name and counts."""

    @property
    def scenario(self) -> UnitTypes:
        """Unit types, for the legend."""
