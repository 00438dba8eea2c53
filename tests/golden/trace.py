"""Game states of some battles beside what smacv2 made of them: one compressed file for each family of options.

The layout is described in ``docs/traces.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario
from envs.battle.snapshots.game_state import GameUnits, Memory

FOLDER = Path(__file__).parent
STATES = ("x", "y", "hp", "shield", "energy", "cooldown")
"""What the game reports of each living unit."""


DRAWN = ("attack_probability", "health_level", "enemy_mask")
"""What is drawn for each battle, where options ask for it."""


@dataclass(kw_only=True)
class Trace:
    """R moments of a few battles, U = N + M units: after each reset and after each env_step."""

    scenario: dict[str, Any]
    options: dict[str, Any]
    pathable: NDArray[np.uint8]
    """(32, 32): the pathing grid that smacv2 was shown."""
    height: NDArray[np.uint8]
    """(32, 32): the height grid."""
    unit: NDArray[np.str_]
    """(battles, U): names of the unit types."""
    owner: NDArray[np.uint8]
    """(U,): 1 for agents, 2 for enemies."""
    key: NDArray[np.uint64]
    """(battles,): names the battle's random draws."""
    max_reward: NDArray[np.float64]
    """(battles,): smacv2's, as is all that follows from actions and units."""
    attack_probability: NDArray[np.float64]
    """(battles, N), or empty where nothing is drawn."""
    health_level: NDArray[np.float64]
    """(battles, N), or empty."""
    enemy_mask: NDArray[np.bool_]
    """(battles, N, M), or empty."""
    battle: NDArray[np.int16]
    """(R,): which battle the moment belongs to."""
    step: NDArray[np.int16]
    """(R,): env_steps since the reset; 0 for the first view."""
    actions: NDArray[np.int8]
    """(R, N): what led to this moment; -1 after a reset."""
    command: NDArray[np.int8]
    """(R, N): what smacv2 sent to the game for these actions: 0 nothing, 1 stop, 2 move, 3 attack, 4 heal."""
    command_target: NDArray[np.int8]
    """(R, N): the unit attacked or healed, -1 for none."""
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    hp: NDArray[np.float64]
    shield: NDArray[np.float64]
    energy: NDArray[np.float64]
    cooldown: NDArray[np.float64]
    """(R, U) each; zero for the dead, of whom the game reports nothing."""
    obs: NDArray[np.float32]
    """(R, N, D): smacv2's answer, like all that follow."""
    state: NDArray[np.float32]
    """(R, S)"""
    mask: NDArray[np.bool_]
    """(R, N, A)"""
    reward: NDArray[np.float32]
    """(R,)"""
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    battle_won: NDArray[np.bool_]
    taken: NDArray[np.int8] | None = None
    """(R, N): with ``heuristic_ai`` alone: what smacv2's scripted agents did in place of ``actions``."""

    @property
    def alive(self) -> NDArray[np.bool_]:
        """(R, U)."""
        return self.hp > 0

    def units(self, row: int) -> GameUnits:
        """What the game reported at this moment."""
        columns = {name: getattr(self, name)[row] for name in STATES}
        return GameUnits(unit_type=self.unit[self.battle[row]].tolist(), owner=self.owner, **columns)

    def memory(self, row: int, max_reward: float | None) -> Memory:
        """What the start of this moment's battle remembers."""
        battle = self.battle[row]
        drawn = {name: getattr(self, name)[battle] for name in DRAWN if getattr(self, name).size}
        return Memory(key=int(self.key[battle]), max_reward=max_reward, **drawn)

    def save(self, path: Path) -> None:
        """Write the file."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        given = {name: value for name, value in values.items() if value is not None}
        arrays = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in given.items()}
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(**{name: file[name] if file[name].ndim else json.loads(str(file[name])) for name in file.files})

    def build(self) -> tuple[Scenario, BattleOptions]:
        """The scenario and the options that the family was recorded with."""
        given: dict[str, Any] = {name: as_tuple(value) for name, value in self.scenario.items()}
        return Scenario(**given), BattleOptions(**self.options)


def as_tuple(value: Any) -> Any:
    """JSON's lists, at any depth, as the tuples that they were."""
    return tuple(as_tuple(entry) for entry in value) if isinstance(value, list) else value
