"""Worlds: ``make`` a batch, ``parallel_env`` for PettingZoo, ``register`` a map, ``ids`` to list them."""

from envs.battle.scenarios import Scenario
from envs.battle.smacv2.capabilities import capability_options
from envs.battle.smacv2.game_state import GameUnits, Memory
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
]
