"""Game states of some battles beside what smacv2 made of them: one compressed file for each family of options.

The layout is described in ``README.md`` next to this file.
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

FOLDER = Path(__file__).parent
STATES = ("x", "y", "hp", "shield", "energy", "cooldown")
"""What the game reports of each living unit."""


@dataclass(kw_only=True)
class Trace:
    """R moments of a few battles, U = N + M units: after each reset and after each env_step."""

    scenario: dict[str, Any]
    options: dict[str, Any]
    unit: NDArray[np.str_]
    """(battles, U): names of the unit types."""
    key: NDArray[np.uint64]
    """(battles,): names the battle's random draws."""
    battle: NDArray[np.int16]
    """(R,): which battle the moment belongs to."""
    step: NDArray[np.int16]
    """(R,): env_steps since the reset; 0 for the first view."""
    actions: NDArray[np.int8]
    """(R, N): what led to this moment; -1 after a reset."""
    alive: NDArray[np.bool_]
    """(R, U)"""
    x: NDArray[np.float64]
    y: NDArray[np.float64]
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
    """(R, N): only with ``heuristic_ai``: what scripted agents did in place of ``actions``."""

    def save(self, path: Path) -> None:
        """Write the file."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in values.items()}
        arrays = {name: array for name, array in arrays.items() if array is not None}
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(**{name: file[name] if file[name].ndim else json.loads(str(file[name])) for name in file.files})

    def build(self) -> tuple[Scenario, BattleOptions]:
        """The scenario and the options that the family was recorded with."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.scenario.items()
        }
        return Scenario(**given), BattleOptions(**self.options)
