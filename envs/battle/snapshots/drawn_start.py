"""Draw the teams and places with which a battle starts, for a game that is played elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.battle.engine import BattleEnv
from envs.battle.spawn import draw_places, draw_teams, next_battle
from envs.battle.state import allocate
from envs.battle.unit_types import facts
from envs.battle.units import GRID


@dataclass(frozen=True, kw_only=True)
class Start:
    """Teams in the order in which they are created; agents are numbered by type and place only afterwards."""

    ally_team: tuple[str, ...]
    """(N,) unit types."""
    enemy_team: tuple[str, ...]
    """(M,) unit types."""
    ally_places: NDArray[np.float64]
    """(N, 2) wished-for places in cells on the game's grid; a unit whose place is taken stands nearby."""
    enemy_places: NDArray[np.float64]
    """(M, 2) the same of enemies."""


def drawn_start(env: BattleEnv, battle: int, *, slot: int = 0) -> Start:
    """The start of battle number ``battle`` (0 is the first) of one slot of ``env``, which is not touched.

    Raises:
        ValueError: a negative number.
    """
    if battle < 0 or slot < 0:
        raise ValueError(f"drawn_start: battle {battle} of slot {slot}, both must be at least 0")
    record, setup = allocate(1)[0], env.setup[0]
    record["battle"] = battle - 1
    next_battle(record, setup, slot)
    draw_teams(record, setup)
    draw_places(record, setup)
    n, both = env.spec.n_agents, env.spec.n_agents + env.spec.n_enemies
    names = list(facts())
    team = tuple(names[kind] for kind in record["kind"][:both])
    places = np.rint(np.stack([record["x"][:both], record["y"][:both]], axis=1) * GRID) / GRID
    return Start(ally_team=team[:n], enemy_team=team[n:], ally_places=places[:n], enemy_places=places[n:])
