"""Many battles of one policy that does not learn, under any options of the engine."""

from __future__ import annotations

from contextlib import closing
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

import envs
from benchmarks.engine.speed import draw_actions
from envs.battle.options import BattleOptions
from envs.protocol import BatchedEnv
from harness.cli.errors import UsageError
from harness.cli.overrides import parse_setting, resolve_config
from harness.policies.evaluate import play

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
    keys = count(seed << 32)

    def draw(env: BatchedEnv) -> NDArray[np.int64]:
        actions = np.zeros(env.action_mask.shape[:2], np.int64)
        draw_actions(env.action_mask, np.uint64(next(keys)), actions)
        return actions

    with closing(envs.make(scenario, slots, seed=seed, **(POLICIES[policy] | options))) as env:
        played = play(draw, env, episodes=-(-battles // slots) * slots, seed=seed)
    found = [
        (each.outcome.length, each.outcome.episode_return, each.outcome.won, each.dead_allies, each.dead_enemies)
        for each in played
    ]
    return dict(zip(STATISTICS, np.array(found, np.float64).T, strict=True))


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
