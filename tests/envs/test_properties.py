"""What holds of every battle: reproducible, alone as in a batch, the same in a mirror; ``test_fuzz`` has the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.battle.engine import BattleEnv
from envs.battle.smacv2.orders import EAST, NO_OP, WEST
from envs.battle.step import step_in_parallel, step_one_by_one
from tests.envs.invariants import check, step
from tests.envs.play import Player, begun, bits, make

RACES = ("terran", "protoss", "zerg")
by_race = pytest.mark.parametrize("race", RACES)


def trace(env: BattleEnv, player: Player, steps: int) -> list[bytes]:
    """Slot 0 after each of the next steps."""
    seen = []
    for _ in range(steps):
        env.step(player(env.action_mask))
        seen.append(bits(env, 0))
    return seen


@by_race
def test_a_battle_of_a_batch_is_that_battle_alone(race: str) -> None:
    """Through the ends of battles and restarts; five battles run in parallel, one runs on this thread."""
    id = f"{race}_5_vs_5"
    batch, player = begun(id, 5, seed=11), Player(1, 5)
    alone = [(begun(id, 1, seed=11, first_slot=e), Player(1, 1, e)) for e in (0, 3, 4)]
    for _ in range(120):
        batch.step(player(batch.action_mask))
        for env, own in alone:
            env.step(own(env.action_mask))
            e = env._first_slot
            assert bits(env, 0) == bits(batch, e)
    assert all(env.battle_id[0] >= 1 for env, _ in alone)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**64 - 1), slot=st.integers(0, 2**40), size=st.integers(1, 9), race=st.sampled_from(RACES))
def test_any_seed_any_slot(seed: int, slot: int, size: int, race: str) -> None:
    id = f"{race}_5_vs_5"
    batch, alone = begun(id, size, seed=seed, first_slot=slot), begun(id, 1, seed=seed, first_slot=slot + size - 1)
    player, own = Player(2, size, slot), Player(2, 1, slot + size - 1)
    for _ in range(10):
        batch.step(player(batch.action_mask))
        alone.step(own(alone.action_mask))
    assert bits(batch, size - 1) == bits(alone, 0)


def test_threads_change_nothing() -> None:
    parallel, serial = begun("protoss_10_vs_11", 8, seed=5), begun("protoss_10_vs_11", 8, seed=5)
    player = Player(3, 8)
    for _ in range(60):
        actions = player(parallel.action_mask)
        step_in_parallel(parallel.battles, parallel.units, parallel.setup, parallel.views, actions)
        step_one_by_one(serial.battles, serial.units, serial.setup, serial.views, actions)
        assert all(bits(parallel, e) == bits(serial, e) for e in range(8))


@by_race
def test_seeds(race: str) -> None:
    def played(seed: int) -> list[bytes]:
        env = begun(f"{race}_5_vs_5", seed=seed)
        return trace(env, Player(4), 30)

    assert played(7) == played(7)
    assert played(7)[0] != played(8)[0]


def test_a_reset_with_the_seed_replays() -> None:
    def shown(env: BattleEnv) -> list[bytes]:
        player, seen = Player(4), []
        for _ in range(20):
            env.step(player(env.action_mask))
            seen += [array.tobytes() for array in (env.obs, env.state, env.action_mask, env.reward, env.battle_id)]
        return seen

    env = begun("zerg_5_vs_5", seed=7)
    first = shown(env)
    env.reset()  # without one: the slot's next battle
    assert env.battle_id[0] == 1
    assert shown(env) != first
    env.reset(seed=7)
    assert env.battle_id[0] == 0
    assert shown(env) == first


def test_unseeded_battles_differ() -> None:
    a, b = make("terran_5_vs_5"), make("terran_5_vs_5")
    assert a.seed != b.seed


PLACES, DIRECTIONS = ("x", "dest_x", "anchor_x", "missile_x", "start_x"), ("facing_x", "sweep_x", "look_x", "side")


def mirror(env: BattleEnv) -> None:
    """Reflect a battle in x. Draws stay with their units, because the key stays."""
    for name in PLACES:
        env.battles[name] = 32 - env.battles[name]
    for name in DIRECTIONS:
        env.battles[name] = -env.battles[name]


def mirrored_actions(actions: np.ndarray) -> np.ndarray:
    return np.where(actions == EAST, WEST, np.where(actions == WEST, EAST, actions))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", ["5_vs_5", "10_vs_11"])
@by_race
def test_a_mirrored_fight_ends_mirrored(race: str, size: str, seed: int) -> None:
    """To the last bit, over the whole battle.

    Walls are half-open, who stood exactly on one would differ; so would who walks north in the very middle of the map
    and has to pass somebody exactly ahead.
    """
    env, twin = begun(f"{race}_{size}", seed=seed), begun(f"{race}_{size}", seed=seed)
    for battle in (env, twin):
        battle.battles["x"] += 1 / 4096
    mirror(twin)
    twin.action_mask[..., [EAST, WEST]] = twin.action_mask[..., [WEST, EAST]]
    count, player = env.spec.n_agents + env.spec.n_enemies, Player(seed)
    same = ("y", "hp", "shield", "energy", "alive", "order", "target", "cooldown", "swing", "burst", "facing_y")
    steps = 0
    while env.battle_id[0] == 0 and steps < 100:
        actions = player(env.action_mask)
        env.step(actions)
        twin.step(mirrored_actions(actions))
        steps += 1
        for name in ("reward", "terminated", "truncated", "battle_won", "battle_lost", "dead_allies", "dead_enemies"):
            assert getattr(env, name)[0] == getattr(twin, name)[0]
        if env.battle_id[0] == 0:
            a, b = env.battles[0], twin.battles[0]
            np.testing.assert_array_equal(a["x"][:count], 32 - b["x"][:count])
            for name in same:
                np.testing.assert_array_equal(a[name][:count], b[name][:count], err_msg=f"{name}, step {steps}")
            np.testing.assert_array_equal(env.action_mask[..., EAST], twin.action_mask[..., WEST])
    assert steps >= 10


@pytest.mark.parametrize(
    "options",
    [
        dict(unit_order="random"),
        dict(enemy_medivacs="follow", rules="2023"),
        dict(conic_fov=True, prob_obs_enemy=0.0, action_mask=False),
        dict(step_mul=3, move_amount=3.5, use_unit_ranges=False),
        dict(reward_only_positive=False, max_reward_from="each_battle", obs_last_action=True),
    ],
    ids=str,
)
@by_race
def test_play_under_other_options_keeps_every_invariant(race: str, options: dict[str, object]) -> None:
    env = begun(f"{race}_10_vs_11", 6, seed=2, **options)
    alone = begun(f"{race}_10_vs_11", seed=2, first_slot=2, **options)
    player, own = Player(6, 6), Player(6, 1, 2)
    for _ in range(40):
        check(step(env, player(env.action_mask)))
        alone.step(own(alone.action_mask))
        assert bits(alone, 0) == bits(env, 2)


@by_race
def test_state_dict_continues_bit_for_bit(race: str) -> None:
    env = begun(f"{race}_5_vs_5", seed=9)
    trace(env, Player(7), 70)
    saved = env.state_dict()
    onwards = trace(env, Player(8), 70)
    other = make(f"{race}_5_vs_5", seed=1, first_slot=3)
    arrays = [id(array) for array in other.views]
    other.load_state_dict(saved)
    assert [id(array) for array in other.views] == arrays
    assert trace(other, Player(8), 70) == onwards
    env.load_state_dict(saved)
    assert trace(env, Player(8), 70) == onwards


@settings(max_examples=20, deadline=None, derandomize=True)
@given(actions=st.lists(st.integers(-(2**62), 2**62) | st.integers(-1, 14), min_size=10, max_size=10))
def test_illegal_actions_as_noop(actions: list[int]) -> None:
    """Whatever comes, an illegal action is no order: the battle goes on as if the agent had kept its order."""
    env, twin = (begun("terran_5_vs_5", 2, seed=3, illegal_actions="noop") for _ in range(2))
    given_actions = np.array(actions).reshape(2, 5)
    legal = np.zeros((2, 5), bool)
    inside = (given_actions >= 0) & (given_actions < env.spec.n_actions)
    legal[inside] = env.action_mask[inside, given_actions[inside]]
    env.step(given_actions)
    twin.step(np.where(legal, given_actions, NO_OP))
    for name in ("x", "y", "hp", "order", "target", "cooldown"):
        np.testing.assert_array_equal(env.battles[name], twin.battles[name])
