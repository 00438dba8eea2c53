"""Worlds: ``make`` a batch, ``parallel_env`` for PettingZoo, ``ids`` to list them, ``register`` a map of one's own.

``register_unit`` and ``register_terrain`` add unit types and ground that maps may use.
"""

import envs.battle.jit  # noqa: F401  notes forks from now on
from envs.battle.scenarios import Scenario
from envs.battle.smacv2.capabilities import capability_options
from envs.battle.snapshots.game_state import GameUnits, Memory
from envs.battle.terrain import register_terrain
from envs.battle.unit_types import register_unit
from envs.parallel_env import parallel_env
from envs.registry import ids, make, register
from envs.spec import EnvSpec

__all__ = [
    "EnvSpec",
    "GameUnits",
    "Memory",
    "Scenario",
    "capability_options",
    "ids",
    "make",
    "parallel_env",
    "register",
    "register_terrain",
    "register_unit",
]
