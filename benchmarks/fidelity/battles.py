"""Many battles of one policy that does not learn, under any options of the engine."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

import envs
from benchmarks.engine import draw_actions
from envs.battle.options import BattleOptions

MOST_SLOTS = 256
STATISTICS = ("length", "return", "win", "dead_allies", "dead_enemies")
POLICIES: dict[str, dict[str, Any]] = {
    "random": {},  # every legal action equally likely
    "scripted": {"heuristic_ai": True},  # smacv2's own: attack the nearest until it dies
}

Battles = dict[str, NDArray[np.float64]]
"""(N,) values of every statistic by battle; two sets of options meet the same starts in the same order."""


def play_battles(scenario: str, policy: str, battles: int, *, seed: int = 0, **options: Any) -> Battles:
    """Play ``battles`` battles to their ends.

    Args:
        scenario: a registered id.
        policy: a name of ``POLICIES``.
        battles: how many; rounded up to a multiple of the number played side by side.
        seed: which battles.
        options: fields of ``BattleOptions``.
    """
    slots = min(battles, MOST_SLOTS)
    env = envs.make(scenario, slots, seed=seed, **(POLICIES[policy] | options))
    env.reset()
    each = -(-battles // slots)
    found = np.full((len(STATISTICS), slots, each), np.nan)
    played = np.zeros(slots, np.int64)
    lengths, returns = np.zeros(slots), np.zeros(slots)
    actions = np.zeros((slots, env.spec.n_agents), np.int64)
    key = seed << 32
    while (played < each).any():
        draw_actions(env.action_mask, np.uint64(key), actions)
        env.step(actions)
        key += 1
        lengths += 1
        returns += env.reward
        over = env.terminated | env.truncated
        for slot in np.flatnonzero(over & (played < each)):
            won, allies, enemies = env.battle_won[slot], env.dead_allies[slot], env.dead_enemies[slot]
            found[:, slot, played[slot]] = lengths[slot], returns[slot], won, allies, enemies
        played += over
        lengths[over] = returns[over] = 0
    env.close()
    return dict(zip(STATISTICS, found.reshape(len(STATISTICS), -1), strict=True))


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """Read ``name=value`` by the type of the option's default.

    Raises:
        SystemExit: an unknown name or a value of another type.
    """
    known = {field.name: field.default for field in dataclasses.fields(BattleOptions)}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in known:
            raise SystemExit(f"unknown option {name!r}; the engine has {', '.join(sorted(known))}")
        try:
            values[name] = read_value(text, known[name])
        except (KeyError, ValueError):
            kind = type(known[name]).__name__
            raise SystemExit(f"option {name} is {text!r}, expected a value of type {kind}") from None
    try:
        BattleOptions(**values)
    except ValueError as mistake:
        raise SystemExit(str(mistake)) from None
    return values


def read_value(text: str, default: Any) -> Any:
    if isinstance(default, bool):
        return {"true": True, "false": False}[text.lower()]
    return type(default)(text)
