"""What a picture needs to know about its battle: an environment or a replay provides it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.battle.options import BattleOptions


class Caption(Protocol):
    """Name of the scenario, N agents and M enemies."""

    @property
    def id(self) -> str: ...
    @property
    def n_agents(self) -> int: ...
    @property
    def n_enemies(self) -> int: ...


class UnitTypes(Protocol):
    """Which unit types can appear: those of random teams, a fixed team, and its opponents."""

    @property
    def ordered_types(self) -> tuple[str, ...]: ...
    @property
    def ally_team(self) -> tuple[str, ...]: ...
    @property
    def enemy_team(self) -> tuple[str, ...]: ...


class RenderSource(Protocol):
    """The battle beside its record; ``BattleEnv`` is one."""

    units: NDArray[np.void]
    """(1,) table of unit types."""
    setup: NDArray[np.void]
    """(1,) ground and script."""
    options: BattleOptions
    """Options, which decide what agents can see."""

    @property
    def spec(self) -> Caption: ...
    @property
    def scenario(self) -> UnitTypes: ...
