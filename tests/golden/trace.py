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
    kind: NDArray[np.int8]
    """(battles, U): index into the unit catalogue."""
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

    def save(self, path: Path) -> None:
        """Write the file. Bytes of equal weight lie together and time runs fastest, which halves its size."""
        arrays = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                arrays[field.name] = np.array(json.dumps(value))
            elif value.dtype.kind == "f" and value.ndim > 1:
                turned = np.ascontiguousarray(np.moveaxis(value, 0, -1))
                planes = turned.view(np.uint8).reshape(*turned.shape, turned.itemsize)
                arrays[f"{field.name}_{value.dtype}"] = np.ascontiguousarray(np.moveaxis(planes, -1, 0))
            else:
                arrays[field.name] = value
        np.savez_compressed(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Trace:
        """Read what ``save`` wrote."""
        values: dict[str, Any] = {}
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                value = file[name]
                field, _, dtype = name.rpartition("_")
                if value.dtype.kind == "U":
                    values[name] = json.loads(str(value))
                elif dtype.startswith("float"):
                    planes = np.ascontiguousarray(np.moveaxis(value, 0, -1))
                    values[field] = np.moveaxis(planes.view(dtype)[..., 0], -1, 0).copy()
                else:
                    values[name] = value
        return cls(**values)

    def build(self) -> tuple[Scenario, BattleOptions]:
        """The scenario and the options that the family was recorded with."""
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in self.scenario.items()}
        return Scenario(**given), BattleOptions(**self.options)
