"""Random but legal play, a function of (seed, slot) alone, so that a battle gets the same actions in any batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import envs
from envs.battle.engine import BattleEnv
from envs.battle.options import BattleOptions
from envs.battle.scenarios import Scenario

FIRST_TARGET = 6  # actions before the first attack or heal, without look actions


def make(id: str, num_envs: int = 1, **options: object) -> BattleEnv:
    """A built-in environment, typed as such."""
    env = envs.make(id, num_envs, **options)  # type: ignore[arg-type]
    assert isinstance(env, BattleEnv)
    return env


def begun(id: str, num_envs: int = 1, **options: object) -> BattleEnv:
    """The same in its first battles."""
    env = make(id, num_envs, **options)
    env.reset()
    return env


def unregistered(scenario: Scenario, num_envs: int = 1, *, seed: int = 0, **options: Any) -> BattleEnv:
    """Battles of a scenario that has no id."""
    made = BattleOptions(**options)
    return BattleEnv(id="unregistered", scenario=scenario, num_envs=num_envs, seed=seed, first_slot=0, options=made)


class Player:
    """Draws a legal action for every agent, with a taste for targets.

    Args:
        seed, first_slot, num_envs: name the streams, one a slot.
        attacks: probability that an agent with a target uses it.
    """

    def __init__(self, seed: int, num_envs: int = 1, first_slot: int = 0, attacks: float = 0.7) -> None:
        self.streams = [np.random.default_rng((seed, first_slot + e)) for e in range(num_envs)]
        self.attacks = attacks

    def __call__(self, action_mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        actions = np.zeros(action_mask.shape[:2], np.int64)
        for e, stream in enumerate(self.streams):
            liking = stream.random(action_mask.shape[1:])
            liking[:, FIRST_TARGET:] += stream.random((len(liking), 1)) < self.attacks
            actions[e] = np.where(action_mask[e], liking, -1).argmax(axis=1)
        return actions


def bits(env: BattleEnv, e: int) -> bytes:
    """Everything that a slot remembers and shows."""
    return env.battles[e].tobytes() + b"".join(array[e].tobytes() for array in env.views)


def hard_distances(env: BattleEnv) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(E, U, U) centre distances of the living and the least that is allowed; infinite and 0 for the dead."""
    count = env.spec.n_agents + env.spec.n_enemies
    x, y, kind = (env.battles[name][:, :count] for name in ("x", "y", "kind"))
    alive = env.battles["alive"][:, :count].astype(bool)
    apart = np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None])
    pairs = alive[:, :, None] & alive[:, None] & ~np.eye(count, dtype=bool)
    floor, body = (env.units[0][name][kind] for name in ("floor", "body"))
    least = np.where(floor[:, :, None] == floor[:, None], body[:, :, None] + body[:, None], 0.0)
    return np.where(pairs, apart, np.inf), np.where(pairs, least, 0.0)
