"""Policies that do not learn: legal, what they say they are, and refused with a clear word where they cannot play."""

from __future__ import annotations

import numpy as np
import pytest

import envs
from envs.battle.engine import BattleEnv
from envs.battle.smacv2.orders import NO_OP
from harness.cli.errors import UsageError
from harness.policies import scripted as policies
from harness.policies.evaluate import play
from harness.policies.scripted import NearestFree, NewBattles
from tests.harness.fake_env import FakeEnv


def world(id: str, policy: str, num_envs: int = 4, **options: object) -> BattleEnv:
    env = envs.make(id, num_envs, seed=3, **options, **policies.entry(policy).env_options)
    assert isinstance(env, BattleEnv)
    return env


@pytest.mark.parametrize("policy", policies.ids())
@pytest.mark.parametrize("id", ["terran_5_vs_5", "protoss_10_vs_11", "zerg_5_vs_5"])
def test_every_policy_plays_legally(id: str, policy: str) -> None:
    env, made = world(id, policy), policies.make(policy)
    env.reset()
    for _ in range(60):
        actions = made(env)  # type: ignore[arg-type]
        assert actions.shape == env.views.action_mask.shape[:2]
        assert np.take_along_axis(env.views.action_mask, actions[..., None], axis=2).all()
        env.step(actions)
    assert env.views.battle_id.any()


@pytest.mark.parametrize("options", [{}, dict(conic_fov=True, prob_obs_enemy=0.0, action_mask=False)], ids=str)
def test_nearest_wins_what_random_loses(options: dict[str, object]) -> None:
    """In 512 battles: random none, nearest 0.34 and 0.27 (with the cone), free of the mask 0.60."""
    won = {}
    for policy in policies.ids():
        env = world("protoss_5_vs_5", policy, 32, **options)
        battles = play(policies.make(policy), env, episodes=64, seed=5)  # type: ignore[arg-type]
        won[policy] = sum(battle.outcome.won for battle in battles)
    assert won["random"] == 0
    assert won["nearest"] >= 8
    assert won["nearest-free"] >= 24


@pytest.mark.parametrize("id", ["terran_10_vs_11", "protoss_5_vs_5", "zerg_20_vs_20"])
def test_nearest_does_what_the_benchmarks_heuristic_does_where_that_is_legal(id: str) -> None:
    """The world acts by heuristic_rest; the policy, watching, would have done the same."""
    env = envs.make(id, 8, seed=4, heuristic_ai=True, heuristic_rest=True)
    env.reset()
    watching, compared, barred = policies.make("nearest"), 0, 0
    for _ in range(80):
        mask, alive = env.action_mask.copy(), ~env.action_mask[..., NO_OP]
        ours = watching(env)
        theirs = ours.copy()
        env.step(theirs)
        legal = np.take_along_axis(mask, theirs[..., None], axis=2)[..., 0] & alive
        idle = alive & (theirs == NO_OP)  # nobody to heal: the policy must say something, it stops
        np.testing.assert_array_equal(ours[legal], theirs[legal])
        compared += int(legal.sum())
        barred += int((alive & ~legal & ~idle).sum())
    assert compared > 1000
    assert barred < 0.05 * compared, "walls matter more than they should"


def test_random_is_uniform_over_the_legal_actions() -> None:
    env, made = world("terran_5_vs_5", "random", 16), policies.make("random", 7)
    env.reset()
    seen = np.zeros(env.views.action_mask.shape)
    for _ in range(2000):
        seen[np.arange(16)[:, None], np.arange(5), made(env)] += 1  # type: ignore[arg-type]
    share = seen / 2000 * env.views.action_mask.sum(2, keepdims=True)
    # 5 actions a unit: a share of 1/5 has a standard error of 0.009 in 2,000 draws, 4.5% of itself; 400 shares.
    np.testing.assert_allclose(share[env.views.action_mask], 1.0, atol=0.2)
    assert not seen[~env.views.action_mask].any()


def test_seeds_of_random() -> None:
    env = world("terran_5_vs_5", "random")
    env.reset()
    first, again, other = (policies.make("random", seed)(env) for seed in (1, 1, 2))  # type: ignore[arg-type]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_new_battles() -> None:
    env, new_battles = FakeEnv(3, 0), NewBattles()
    env.reset()
    assert new_battles(env).tolist() == [0, 1, 2]
    assert new_battles(env).tolist() == []
    env.battle_id[1] += 1
    assert new_battles(env).tolist() == [1]


def test_an_unknown_policy() -> None:
    says = r"unknown policy 'neerest': did you mean nearest.*registered: random, nearest, "
    with pytest.raises(UsageError, match=says):
        policies.make("neerest")


def test_a_policy_of_ones_own() -> None:
    with policies._policies.preserved():
        policies.register("mine", entry_point="harness.policies.scripted:Random", summary="also random")
        assert policies.ids()[-1] == "mine"
        assert isinstance(policies.make("mine"), policies.Random)
        with pytest.raises(ValueError, match=r"policy 'mine' is already registered; choose an"):
            policies.register("mine", entry_point="harness.policies.scripted:Random", summary="again")
        with pytest.raises(ValueError, match=r"entry_point of 'bad' is 'mine.Policy', it must be 'module:callable'"):
            policies.register("bad", entry_point="mine.Policy", summary="")


def test_a_world_without_what_the_policy_needs() -> None:
    policies.check_plays("random", "fake")
    policies.check_plays("nearest", "zerg_5_vs_5")
    needs = r"policy nearest needs the built-in engine, which 'fake' .* policy random plays any world"
    with pytest.raises(UsageError, match=needs):
        policies.check_plays("nearest", "fake")
    reads = "policy nearest reads the built-in engine's record, but 'fake' is played by Fake"
    with pytest.raises(TypeError, match=reads):
        policies.make("nearest")(FakeEnv(2, 0))


def test_nearest_free_in_a_world_that_does_not_act() -> None:
    env = envs.make("zerg_5_vs_5", 1, seed=0)
    env.reset()
    with pytest.raises(ValueError, match=r"acts through an option of the world, which is off here.* heuristic_ai=True"):
        NearestFree()(env)
