"""Random legal play over every registered scenario keeps every invariant; each invariant fails on a corrupted record.

    python -m pytest tests/envs/test_fuzz.py -m long

plays a million actions and prints how many of which kind were checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

import envs
from envs.battle.engine import BattleEnv
from envs.battle.smacv2.orders import NO_OP, STOP, WEST
from envs.battle.state import MOVE
from tests.envs.invariants import INVARIANTS, Moment, check, step
from tests.envs.play import Player, make

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


def nan_in_the_record(m: Moment) -> None:
    m.env.battles["facing_x"][1, 0] = np.nan


def infinite_reward(m: Moment) -> None:
    m.env.views.reward[0] = np.inf


def too_healthy(m: Moment) -> None:
    m.env.battles["hp"][0, 2] += 1000.0


def alive_without_life(m: Moment) -> None:
    m.env.battles["hp"][0, 2] = 0.0


def into_the_wall(m: Moment) -> None:
    m.env.battles["x"][0, 1] = 1.0


def off_the_grid(m: Moment) -> None:
    m.env.battles["y"][0, 1] += 1.0 / 8192


def on_top_of_another(m: Moment) -> None:
    for name in ("x", "y"):
        m.env.battles[name][0, 1] = m.env.battles[name][0, 0]


def back_to_life(m: Moment) -> None:
    m.before["alive"][0, 4], m.before["hp"][0, 4] = 0, 0.0


def the_dead_walk(m: Moment) -> None:
    for record in (m.before, m.env.battles):
        record["alive"][0, 4], record["hp"][0, 4] = 0, 0.0
    m.env.battles["order"][0, 4] = MOVE


def the_dead_choose(m: Moment) -> None:
    m.env.views.action_mask[0, 0, NO_OP] = True


def a_target_that_is_gone(m: Moment) -> None:
    m.env.battles["alive"][0, 9], m.env.battles["hp"][0, 9] = 0, 0.0
    m.env.views.action_mask[0, 0, -1] = True


def too_long_a_step(m: Moment) -> None:
    m.env.setup["move_amount"] = 3.0
    m.actions[:] = np.where(m.views.action_mask[..., WEST], WEST, m.actions)


def attacks_on_nobody(m: Moment) -> None:
    """The mask offers a target that the order cannot name."""
    m.actions[0, 0] = m.env.spec.n_actions - 1
    m.views.action_mask[0, 0, -1] = False


def overpaid(m: Moment) -> None:
    m.env.views.reward[0] = 100.0


def fined(m: Moment) -> None:
    m.env.views.reward[0] = -0.1


def another_scale(m: Moment) -> None:
    m.env.battles["max_reward"][0] += 1.0


def two_ends(m: Moment) -> None:
    m.env.views.terminated[0] = m.env.views.truncated[0] = True


def uncounted(m: Moment) -> None:
    m.env.views.battle_id[0] += 1


def lost_time(m: Moment) -> None:
    m.env.battles["tick"][0] -= 1


def beyond_sight(m: Moment) -> None:
    m.env.views.obs[0, 0, 5] = 1.001


TWINS: tuple[tuple[Callable[[Moment], None], str], ...] = (
    (nan_in_the_record, "finite: facing_x"),
    (infinite_reward, "finite: reward"),
    (too_healthy, "health_in_bounds: hp"),
    (alive_without_life, "health_in_bounds: alive without life"),
    (into_the_wall, "on_the_map: on a cliff"),
    (off_the_grid, "on_the_map: y off the grid"),
    (on_top_of_another, "bodies_apart: "),
    (back_to_life, "dead_stay_dead: came back"),
    (the_dead_walk, "dead_stay_dead: a dead unit has an order"),
    (the_dead_choose, "mask_of_the_living: no-op"),
    (a_target_that_is_gone, "mask_of_the_living: a target that is not there"),
    (too_long_a_step, r"orders_follow: action \d moves by"),
    (attacks_on_nobody, "orders_follow: action"),
    (overpaid, "reward_in_bounds: reward"),
    (fined, "reward_in_bounds: a penalty"),
    (another_scale, "reward_in_bounds: max_reward changed"),
    (two_ends, "ends_counted: terminated and truncated"),
    (uncounted, "ends_counted: battle_id"),
    (lost_time, "clock_runs: tick"),
    (beyond_sight, "features_in_bounds: obs"),
)


def a_moment() -> Moment:
    """The first step of some battles of marines and the like, where everybody lives."""
    env = make("protoss_5_vs_5", 4, seed=3)
    env.reset()
    return step(env, Player(3, 4)(env.views.action_mask))


@pytest.mark.parametrize(("corrupt", "says"), TWINS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_corrupted_record_is_noticed(corrupt: Callable[[Moment], None], says: str) -> None:
    moment = a_moment()
    check(moment)
    corrupt(moment)
    with pytest.raises(AssertionError, match=says):
        check(moment)


def test_every_invariant_has_a_twin() -> None:
    assert {says.split(":")[0] for _, says in TWINS} == {invariant.__name__ for invariant in INVARIANTS}
