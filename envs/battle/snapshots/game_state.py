"""One moment of a battle as plain arrays: what the game reports of the units, and what observations remember.

U = N + M units. Both sides' units may be mixed; within a side their order numbers them: agents 0..N-1, enemies 0..M-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.battle.state import MAP_CELLS
from envs.battle.unit_types import kind_of

AGENTS, ENEMIES = 1, 2  # owners, as the game numbers the players


@dataclass(frozen=True, kw_only=True)
class GameUnits:
    """Columns that the game reports of every unit, the dead included; None: the values of a new unit."""

    unit_type: Sequence[str]
    """(U,) names, for example ``marine``."""
    owner: ArrayLike
    """(U,) 1 for the agents' units, 2 for the enemies'."""
    x: ArrayLike
    """(U,) cells from the left; of the dead, where they were last seen alive."""
    y: ArrayLike
    """(U,) cells from the bottom."""
    hp: ArrayLike | None = None
    """(U,) life; 0 for the dead."""
    shield: ArrayLike | None = None
    """(U,) points."""
    energy: ArrayLike | None = None
    """(U,) points."""
    cooldown: ArrayLike | None = None
    """(U,) ticks until the weapon can fire again."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory of observations, state and reward; the defaults are those at the start of a battle."""

    step: int = 0
    """env_steps since the start."""
    last_action: ArrayLike | None = None
    """(N,) action of each agent in the step that led here, -1 for none."""
    look: ArrayLike | None = None
    """(N, 2) unit vector of each agent's look direction; None: all to the east."""
    tag: ArrayLike | None = None
    """(M,) by enemy: the agent that sighted it first, -1 for nobody."""
    sighted: ArrayLike | None = None
    """(M, N) whether each agent may see each enemy; None: its first sighter alone."""
    previous_health: ArrayLike | None = None
    """(U,) life and shield one step ago, 0 for the dead, agents first; None: there is nothing to reward."""
    max_reward: float | None = None
    """Reward of a flawless battle before scaling; None: of this battle's enemies."""
    attack_probability: ArrayLike | None = None
    """(N,) with ``stochastic_attack``; None: drawn."""
    health_level: ArrayLike | None = None
    """(N,) with ``stochastic_health``; None: drawn."""
    enemy_mask: ArrayLike | None = None
    """(N, M) with ``mask_enemies``: true where health and type are hidden; None: drawn."""
    key: int = 0
    """Names every random draw from here on, 0..2**64-1."""


def numbers(
    name: str, given: ArrayLike, shape: tuple[int, ...], least: ArrayLike = -np.inf, most: ArrayLike = np.inf
) -> NDArray[np.float64]:
    """The array, once its shape is right and its values lie within bounds.

    Raises:
        ValueError: what arrived, and what is allowed.
    """
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"game state: {name} must be numbers of shape {shape}, it is {given!r}") from None
    if array.shape != shape:
        raise ValueError(f"game state: {name} has shape {array.shape}, expected is {shape}")
    low, high = np.broadcast_to(least, shape), np.broadcast_to(most, shape)
    wrong = ~((array >= low) & (array <= high))  # true for NaN as well
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        bounds = f"{low[place]:g}..{high[place]:g}"
        raise ValueError(f"game state: {name}{list(place)} is {array[place]:g}, allowed is {bounds}")
    return array


def whole_numbers(name: str, given: ArrayLike, shape: tuple[int, ...], least: int, most: int) -> NDArray[np.int64]:
    """As ``numbers``, for indices.

    Raises:
        ValueError: what arrived, and what is allowed.
    """
    array = numbers(name, given, shape, least, most)
    if (array != np.floor(array)).any():
        raise ValueError(f"game state: {name} must be whole numbers")
    return array.astype(np.int64)


def to_bits(flags: NDArray[Any]) -> NDArray[np.int64]:
    """(rows, at most 64) flags as one integer a row."""
    places = np.arange(flags.shape[1], dtype=np.uint64)
    return (flags.astype(np.uint64) << places).sum(axis=1, dtype=np.uint64).astype(np.int64)


def from_bits(bits: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """(rows, count) flags."""
    return (bits.astype(np.uint64)[:, None] >> np.arange(count, dtype=np.uint64)) & np.uint64(1) == 1


def unit_columns(units: GameUnits, table: np.void, n_agents: int, n_enemies: int) -> dict[str, NDArray[Any]]:
    """The columns of ``units`` by the names of the battle record, agents first; a column that is None is left out.

    Raises:
        ValueError: a column is not what a battle of these sizes can hold.
    """
    count = n_agents + n_enemies
    if len(units.unit_type) != count:
        raise ValueError(
            f"game state: {len(units.unit_type)} units, the scenario has {n_agents} agents and {n_enemies} enemies; "
            "list the dead as well, with hp 0"
        )
    owner = whole_numbers("owner", units.owner, (count,), AGENTS, ENEMIES)
    if (owner == AGENTS).sum() != n_agents:
        raise ValueError(
            f"game state: {(owner == AGENTS).sum()} units have owner {AGENTS}, the scenario has {n_agents} agents"
        )
    kind = np.array([kind_of(str(name)) for name in units.unit_type], dtype=np.int64)
    columns: dict[str, NDArray[Any]] = dict(
        kind=kind,
        x=numbers("x", units.x, (count,), 0, MAP_CELLS),
        y=numbers("y", units.y, (count,), 0, MAP_CELLS),
    )
    most = dict(hp=table["hp"][kind], shield=table["shield"][kind], energy=table["energy_max"][kind], cooldown=np.inf)
    for name, bound in most.items():
        given = getattr(units, name)
        if given is not None:
            columns[name] = numbers(name, given, (count,), 0, bound)
    order = np.argsort(owner, kind="stable")
    return {name: column[order] for name, column in columns.items()}
