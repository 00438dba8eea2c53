"""Policies that do not learn: the table of their names, and the three that come with the harness.

A policy is called with a batch and returns an action for every agent; what it remembers between calls is its
own affair. ``Greedy`` in ``harness.policies.evaluate`` makes one of a trained algorithm.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import envs
from common.registry import Registry, UnknownIdError, load
from envs.battle.engine import BattleEnv
from envs.battle.smacv2.heuristic import choose_all_legally
from envs.battle.smacv2.orders import NO_OP, STOP
from envs.battle.state import NOBODY
from envs.protocol import BatchedEnv
from harness.cli.errors import UsageError


class Policy(Protocol):
    """Chooses for a whole batch."""

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """Legal actions (E, N) for the battles as they stand."""


@dataclass(frozen=True, kw_only=True)
class ScriptedPolicy:
    """One registered policy."""

    id: str
    """Name on the command line."""
    entry_point: str
    """``module:callable``, called with ``seed`` when a policy is made."""
    summary: str
    """One line for ``--help`` and the docs."""
    env_options: dict[str, Any] = field(default_factory=dict)
    """Options of the world that it needs, for ``envs.make``."""
    reads_engine: bool = False
    """Whether it reads the built-in engine's own record, so that it cannot play another world."""


class UnknownPolicyError(UnknownIdError, UsageError):
    """No policy is registered under this name; the message lists near matches and all names."""


_policies: Registry[ScriptedPolicy] = Registry(
    "policy", hint="harness.policies.scripted.register(...), in a file named by --import", error=UnknownPolicyError
)


def register(
    id: str, *, entry_point: str, summary: str, env_options: dict[str, Any] | None = None, reads_engine: bool = False
) -> None:
    """Add a policy under a new name; the arguments are the fields of ``ScriptedPolicy``.

    Raises:
        ValueError: the name is taken, or the entry point is not of the form ``module:callable``.
    """
    if not all(entry_point.partition(":")):
        raise ValueError(f"entry_point of {id!r} is {entry_point!r}, it must be 'module:callable', e.g. 'mine:Policy'")
    row = ScriptedPolicy(
        id=id, entry_point=entry_point, summary=summary, env_options=env_options or {}, reads_engine=reads_engine
    )
    _policies.register(id, row)


def ids() -> list[str]:
    """Return the registered names, in order of registration."""
    return _policies.ids()


def entry(id: str) -> ScriptedPolicy:
    """Return the table's row.

    Raises:
        UnknownPolicyError: an unknown name; near ones and all others are listed.
    """
    return _policies.get(id)


def make(id: str, seed: int = 0) -> Policy:
    """Make a policy. The world it plays must be made with ``**entry(id).env_options``.

    Args:
        id: a registered policy.
        seed: of its random draws, if it makes any.

    Raises:
        UnknownPolicyError: an unknown name.
    """
    made: Policy = load(entry(id).entry_point)(seed=seed)
    return made


def missing(id: str, scenario: str, backend: str = "battle") -> list[str]:
    """What a policy needs and the world in which a scenario is played does not have; empty: it can play."""
    row = entry(id)
    if row.reads_engine and envs.registry.played_by(scenario, backend)[0] != envs.registry.BATTLE:
        return ["the built-in engine"]
    known = {option.name for option in dataclasses.fields(envs.registry.options_class(scenario, backend))}
    return [f"the option {name}" for name in row.env_options if name not in known]


def check_plays(id: str, scenario: str, backend: str = "battle") -> None:
    """Refuse a policy that cannot play a scenario's world.

    Raises:
        UsageError: what it needs and the world does not have, or an unknown name.
    """
    lacking = missing(id, scenario, backend)
    if lacking:
        raise UsageError(
            f"policy {id} needs {', '.join(lacking)}, which {scenario!r} does not have; "
            "leave one of them out; policy random plays any world"
        )


class NewBattles:
    """Tells which slots play another battle than at the last call."""

    def __init__(self) -> None:
        self._seen: NDArray[np.int64] | None = None

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """Slot numbers; all of them at the first call."""
        before = np.full_like(env.battle_id, -1) if self._seen is None else self._seen
        self._seen = env.battle_id.copy()
        return np.flatnonzero(self._seen != before)


class Random:
    """Every legal action is equally likely, for each agent on its own."""

    def __init__(self, seed: int = 0) -> None:
        self._dice = np.random.default_rng(seed)

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """The legal action on which the highest of independent draws falls."""
        chosen: NDArray[np.int64] = np.where(
            env.action_mask, self._dice.random(env.action_mask.shape, np.float32), -1.0
        ).argmax(axis=2)
        return chosen


class Nearest:
    """Attack the nearest by legal actions alone, reading places and health from the engine's own record.

    Source: smacv2's ``heuristic_ai`` with ``heuristic_rest``. Deviations: where a step along the longer axis is barred
    it tries the shorter one, then stops; it turns its field of view; an attack without effect counts as out of range.
    """

    def __init__(self, seed: int = 0) -> None:
        self._new_battles = NewBattles()
        self._held = np.zeros((0, 0), np.int64)

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """Keep to the target of the step before, or take the nearest.

        Raises:
            TypeError: the world is not the built-in engine, so there is no record to read.
        """
        if not isinstance(env, BattleEnv):
            raise TypeError(
                f"policy nearest reads the built-in engine's record, but {env.spec.id!r} is played by "
                f"{type(env).__name__}; policy random plays any world"
            )
        actions = np.zeros(env.action_mask.shape[:2], np.int64)
        new = self._new_battles(env)
        if self._held.shape != actions.shape:
            self._held = np.full_like(actions, NOBODY)
        self._held[new] = NOBODY
        choose_all_legally(env.battles, env.units, env.setup, env.action_mask, self._held, actions)
        return actions


class NearestFree:
    """smacv2's ``heuristic_ai``: the world itself acts, and what is given here is replaced."""

    def __init__(self, seed: int = 0) -> None:
        """Nothing is drawn."""

    def __call__(self, env: BatchedEnv) -> NDArray[np.int64]:
        """Actions that do nothing.

        Raises:
            ValueError: the world was made without the option that acts.
        """
        if not getattr(getattr(env, "options", None), "heuristic_ai", False):
            raise ValueError(
                "policy nearest-free acts through an option of the world, which is off here; make the world with "
                "envs.make(…, **policies.entry('nearest-free').env_options), that is heuristic_ai=True"
            )
        return np.where(env.action_mask[..., NO_OP], NO_OP, STOP)


register("random", entry_point="harness.policies.scripted:Random", summary="every legal action is equally likely")
register(
    "nearest",
    entry_point="harness.policies.scripted:Nearest",
    summary="attack the nearest by legal actions; out of range walk towards it (smacv2's heuristic_rest)",
    reads_engine=True,
)
register(
    "nearest-free",
    entry_point="harness.policies.scripted:NearestFree",
    summary="attack the nearest whatever the distance, unbound by the action mask (smacv2's heuristic_ai)",
    env_options={"heuristic_ai": True},
)
