"""Many battles of one policy that does not learn, under any options of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import envs
from benchmarks.engine.speed import draw_actions
from envs.battle.options import BattleOptions
from harness.cli.errors import UsageError
from harness.cli.overrides import parse_setting, resolve_config

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
    """Read ``name=value`` as options of the engine.

    Raises:
        SystemExit: an unknown name or a value that is not allowed.
    """
    settings = [parse_setting(f"env.{pair}") for pair in pairs]
    try:
        options, _ = resolve_config("env", BattleOptions, settings, {})
    except UsageError as mistake:
        raise SystemExit(str(mistake)) from None
    return {setting.key: getattr(options, setting.key) for setting in settings}
