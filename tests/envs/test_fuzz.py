"""Random legal play over every registered scenario keeps every invariant; each invariant fails on a corrupted record.

    python -m pytest tests/envs/test_fuzz.py -m long

plays a million actions and prints how many of which kind were checked.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import envs
from envs.battle.engine import BattleEnv
from envs.battle.smacv2.orders import NO_OP, STOP, WEST
from envs.battle.state import MOVE
from tests.envs.invariants import INVARIANTS, Moment, check, step
from tests.envs.play import Player, begun, make

BUILT_IN = [id for id in envs.ids() if envs.registry.entry(id).entry_point == envs.registry.BATTLE]
A_MILLION = 1_000_000


def fuzz(id: str, *, actions: int, num_envs: int, seed: int) -> Counter[str]:
    """Play until so many actions of living agents were carried out; what happened, by name.

    Half the slots go for targets, the others wander; now and then an illegal action is tried, which must raise and
    change nothing.
    """
    env = make(id, num_envs, seed=seed)
    half = num_envs // 2
    players = (Player(seed, half, 0, attacks=0.9), Player(seed, num_envs - half, half, attacks=0.0))
    dice, seen = np.random.default_rng(seed), Counter[str]()
    env.reset()
    while seen["actions"] < actions:
        mask = env.action_mask  # type: ignore[attr-defined]
        chosen = np.concatenate([players[0](mask[:half]), players[1](mask[half:])])
        if seen["env steps"] % (16 * num_envs) == 0:
            try_illegal(env, chosen, dice)
            seen["illegal actions refused"] += 1
        moment = step(env, chosen)
        check(moment)
        count(moment, seen)
    return seen


def count(m: Moment, seen: Counter[str]) -> None:
    alive = m.actions != NO_OP
    seen["actions"] += int(alive.sum())
    seen["stops"] += int((m.actions == STOP).sum())
    seen["moves"] += int(((m.actions > STOP) & (m.actions <= WEST)).sum())
    seen["attacks and heals"] += int((m.actions > WEST).sum())
    seen["env steps"] += len(m.actions)
    seen["battles"] += int(m.over.sum())
    seen["won"] += int(m.env.views.battle_won.sum())
    seen["deaths"] += int((m.was("alive").sum(1) - np.where(m.over, 0, m.now("alive").sum(1)))[~m.over].sum())


def try_illegal(env: BattleEnv, legal: np.ndarray, dice: np.random.Generator) -> None:
    """One illegal action among legal ones."""
    mask = env.views.action_mask
    e, i, action = dice.permutation(np.argwhere(~mask))[0]
    wrong, before = legal.copy(), env.battles.tobytes()
    wrong[e, i] = action
    with pytest.raises(ValueError, match=f"illegal action {action} of agent {i} in battle {e}"):
        env.step(wrong)
    assert env.battles.tobytes() == before, "a refused step changed the battle"


@pytest.mark.parametrize("id", BUILT_IN)
def test_random_play_keeps_every_invariant(id: str) -> None:
    seen = fuzz(id, actions=2500, num_envs=8, seed=1)
    for kind in ("stops", "moves", "attacks and heals", "deaths", "illegal actions refused"):
        assert seen[kind] > 0, f"no {kind}: too little was played"


@pytest.mark.long
def test_a_million_actions(capsys: pytest.CaptureFixture[str]) -> None:
    total = Counter[str]()
    for number, id in enumerate(BUILT_IN):
        total += fuzz(id, actions=-(-A_MILLION // len(BUILT_IN)), num_envs=32, seed=100 + number)
    with capsys.disabled():
        held = ", ".join(invariant.__name__ for invariant in INVARIANTS)
        print(f"\n{len(BUILT_IN)} scenarios; after every env step held: {held}")
        print("\n".join(f"{number:>12,} {kind}" for kind, number in total.items()))
    assert total["actions"] >= A_MILLION
    assert total["battles"] > 1000


# What each invariant says of a corrupted moment: (where, name, place, value) of every entry that is overwritten.
CORRUPTIONS: dict[str, list[tuple[str, str, Any, Any]]] = {
    "finite: facing_x": [("now", "facing_x", (1, 0), np.nan)],
    "finite: reward": [("shown", "reward", 0, np.inf)],
    "health_in_bounds: hp": [("now", "hp", (0, 2), 1000.0)],
    "health_in_bounds: alive without life": [("now", "hp", (0, 2), 0.0)],
    "on_the_map: on a cliff": [("now", "x", (0, 1), 1.0)],
    "on_the_map: y off the grid": [("now", "y", (0, 1), 16 + 1 / 8192)],
    "bodies_apart: ": [("now", "x", (0, [0, 1]), 16.0), ("now", "y", (0, [0, 1]), 16.0)],
    "dead_stay_dead: came back": [("before", "alive", (0, 4), 0), ("before", "hp", (0, 4), 0.0)],
    "dead_stay_dead: a dead unit has an order": [
        *((where, name, (0, 4), 0) for where in ("before", "now") for name in ("alive", "hp")),
        ("now", "order", (0, 4), MOVE),
    ],
    "mask_of_the_living: no-op": [("shown", "action_mask", (0, 0, NO_OP), True)],
    "mask_of_the_living: a target that is not there": [
        *(("now", name, (0, 9), 0) for name in ("alive", "hp")),
        ("shown", "action_mask", (0, 0, -1), True),
    ],
    "orders_follow: action 10 of agent 0": [
        ("seen", "action_mask", (0, 0, 10), False),  # a target that the order cannot name
        ("played", "actions", (0, 0), 10),
    ],
    r"orders_follow: action \d moves by": [("setup", "move_amount", 0, 3.0), ("played", "actions", (0, 0), WEST)],
    "reward_in_bounds: reward": [("shown", "reward", 0, 100.0)],
    "reward_in_bounds: a penalty": [("shown", "reward", 0, -0.1)],
    "reward_in_bounds: max_reward changed": [("now", "max_reward", 0, 1.0)],
    "ends_counted: terminated and truncated": [("shown", name, 0, True) for name in ("terminated", "truncated")],
    "ends_counted: battle_id": [("shown", "battle_id", 0, 1)],
    "clock_runs: tick": [("now", "tick", 0, 0)],
    "features_in_bounds: obs": [("shown", "obs", (0, 0, 5), 1.001)],
}


def array_of(m: Moment, where: str, name: str) -> Any:
    """A field of a record or an array of views."""
    holders = dict(now=m.env.battles, before=m.before, setup=m.env.setup, shown=m.env.views, seen=m.views, played=m)
    holder: Any = holders[where]
    return holder[name] if isinstance(holder, np.ndarray) else getattr(holder, name)


@pytest.mark.parametrize("says", CORRUPTIONS)
def test_a_corrupted_record_is_noticed(says: str) -> None:
    """The first step of some battles, where everybody lives; before it is corrupted it keeps every invariant."""
    env = begun("protoss_5_vs_5", 4, seed=3)
    moment = step(env, Player(3, 4)(env.views.action_mask))
    check(moment)
    for where, name, place, value in CORRUPTIONS[says]:
        array_of(moment, where, name)[place] = value
    with pytest.raises(AssertionError, match=says):
        check(moment)


def test_every_invariant_is_corrupted() -> None:
    assert {says.split(":")[0] for says in CORRUPTIONS} == {invariant.__name__ for invariant in INVARIANTS}
