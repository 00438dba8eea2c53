"""Foreign worlds behind the batch contract: padding, masks, ends, rewards, repetition, mistakes."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

import envs
from envs.parallel_batch import ParallelBatch
from envs.protocol import BatchedEnv
from envs.registry import make_options, scenarios
from tests.conformance.test_envs import SHAPES, check_sizes
from tests.envs.foreign import Turns, Uneven
from tests.envs.play import Player, begun

SPREAD = "mpe2/simple_spread_v3"
needs_mpe2 = pytest.mark.skipif(importlib.util.find_spec("mpe2") is None, reason="needs the package mpe2")


def uneven(
    num_envs: int = 1, *, seed: int = 3, first_slot: int = 0, limit: int = 9, team_reward: Any = "sum", **changes: Any
) -> ParallelBatch:
    where = dict(num_envs=num_envs, seed=seed, first_slot=first_slot, episode_limit=limit)
    made = ParallelBatch(lambda: Uneven(**changes), id="uneven", team_reward=team_reward, **where)
    made.reset()
    return made


def test_sizes_are_those_of_the_largest_agent() -> None:
    env = uneven(2)
    assert isinstance(env, BatchedEnv)
    check_sizes(env)
    spec = env.spec
    assert (spec.n_agents, spec.obs_size, spec.state_size, spec.n_actions) == (3, 4, 12, 4)
    assert (spec.episode_limit, spec.unit_types, spec.can_be_won, spec.n_mask_groups) == (9, (), False, 3)
    assert set(env.state_dict()["arrays"]) == set(SHAPES)


def test_views_are_padded_and_masked() -> None:
    env = uneven()
    drawn = env.obs[0, 0, 0]
    assert env.obs[0].tolist() == [[drawn, 0, -drawn, 0], [drawn, 0, 0, 0], [drawn, 0, 0, 0]]
    masks = [[False, True, True, False], [True, True, True, False], [True, False, False, False]]
    assert env.action_mask[0].tolist() == masks
    assert np.array_equal(env.state[0], env.obs[0].ravel())


def test_an_agent_that_left_stays_as_an_empty_slot() -> None:
    env = uneven()
    for t in range(1, 4):
        env.step(np.array([[2, 1 if t <= 2 else 0, (t - 1) % 2]]))
        assert env.dead_allies[0] == (t >= 2)
        assert env.obs[0, 1].any() == (t < 2)
        assert env.action_mask[0, 1].tolist() == ([True, True, True, False] if t < 2 else [True, False, False, False])
    assert not env.terminated[0]
    env.step(np.array([[1, 0, 1]]))
    assert env.terminated[0]
    assert not env.truncated[0]
    assert env.dead_allies[0] == 1
    assert env.final_obs[0, 0, 1] == 4
    assert not env.final_obs[0, 1].any()
    assert (env.battle_id[0], env.obs[0, 0, 1], env.obs[0, 1].any()) == (1, 0, True), "the next episode is shown"


def test_rewards_of_those_who_act_become_one() -> None:
    total, average = uneven(), uneven(team_reward="mean")
    for env in (total, average):
        env.step(np.array([[2, 2, 0]]))
    assert (total.reward[0], average.reward[0]) == (4.0, pytest.approx(4 / 3))
    for env in (total, average):
        env.step(np.array([[1, 1, 1]]))
        env.step(np.array([[2, 0, 0]]))
    assert (total.reward[0], average.reward[0]) == (2.0, 1.0), "b has left and counts no more"


@pytest.mark.parametrize(
    ("length", "how", "limit", "terminated", "truncated", "after"),
    [(4, "terminated", 9, True, False, 4), (4, "truncated", 9, False, True, 4), (20, "terminated", 6, False, True, 6)],
    ids=["all terminate", "one is cut", "our own limit"],
)
def test_termination_and_truncation(
    length: int, how: str, limit: int, terminated: bool, truncated: bool, after: int
) -> None:
    env = uneven(length=length, how=how, limit=limit)
    for t in range(1, after + 1):
        env.step(np.where(env.action_mask, 1, 0).argmax(2))
        assert (bool(env.terminated[0]), bool(env.truncated[0])) == (
            (terminated, truncated) if t == after else (False, False)
        )
    assert env.final_obs[0, 0, 1] == after
    assert not env.battle_won[0]


def played(env: BatchedEnv, steps: int, slots: slice = slice(None), first_slot: int = 0) -> list[Any]:
    """Arrays after each step of random legal play that depends on the slot alone."""
    player = Player(5, env.num_envs, first_slot, attacks=0.0)
    seen = []
    for _ in range(steps):
        env.step(player(env.action_mask))
        seen.append([getattr(env, name)[slots].copy() for name in SHAPES])
    return seen


def same(a: list[Any], b: list[Any]) -> bool:
    return all(np.array_equal(x, y) for one, other in zip(a, b, strict=True) for x, y in zip(one, other, strict=True))


def test_an_episode_is_the_same_alone_and_in_a_batch_and_another_seed_differs() -> None:
    batch, alone = uneven(3), uneven(1, first_slot=2)
    assert same(played(batch, 12, slice(2, 3)), played(alone, 12, first_slot=2))
    assert not same(played(uneven(1), 5), played(uneven(1, seed=4), 5))
    assert len({float(x) for x in uneven(3).obs[:, 0, 0]}) == 3


def test_reset_goes_on_or_starts_again() -> None:
    env = uneven()
    first = env.obs.copy()
    env.reset()
    assert env.battle_id[0] == 1
    assert not np.array_equal(env.obs, first)
    env.reset(seed=3)
    assert env.battle_id[0] == 0
    assert np.array_equal(env.obs, first)


def test_a_saved_batch_goes_on_as_if_it_had_not_stopped() -> None:
    whole = uneven(2)
    played(whole, 6)
    saved = whole.state_dict()
    ahead = played(whole, 7)
    resumed = uneven(2, seed=99)
    resumed.load_state_dict(saved)
    for name in SHAPES:
        assert np.array_equal(getattr(resumed, name), saved["arrays"][name]), name
    assert same(played(resumed, 7), ahead)


class Forgetful(Uneven):
    """Its draw does not follow from the seed."""

    draws = iter(range(1000))

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        return super().reset(seed=next(self.draws))


def test_mistakes() -> None:
    env = uneven(2)
    with pytest.raises(ValueError, match=re.escape("illegal action 0 of a in episode 1; legal now: 1, 2; mask your")):
        env.step(np.array([[1, 0, 0], [0, 0, 0]]))
    with pytest.raises(ValueError, match="illegal action 9 of b in episode 0; legal now: 0, 1, 2"):
        env.step(np.array([[1, 9, 0], [1, 0, 0]]))
    with pytest.raises(
        ValueError, match=re.escape("actions have shape (3,) and type int64, expected integers of shape")
    ):
        env.step(np.array([1, 0, 0]))
    assert not any(env._played), "nothing was played"
    other = uneven(1)
    with pytest.raises(ValueError, match="the saved state is of 2 episodes of 'uneven', this environment has 1 of"):
        other.load_state_dict(env.state_dict())
    fresh = ParallelBatch(Uneven, id="u", num_envs=1, seed=0, episode_limit=5)
    with pytest.raises(ValueError, match=r"no episode has started yet; call reset\(\) first"):
        fresh.step(np.zeros((1, 3), int))
    forgetful = ParallelBatch(Forgetful, id="forgetful", num_envs=1, seed=0, episode_limit=5)
    forgetful.reset()
    with pytest.raises(ValueError, match="'forgetful' does not repeat itself from its seed"):
        forgetful.load_state_dict(forgetful.state_dict())

    class Continuous(Uneven):
        def action_space(self, agent: str) -> Any:
            return Box(-1, 1, (2,))

    with pytest.raises(ValueError, match=r"a acts in Box.*value learning needs actions 0, 1, 2, … \(Discrete\)"):
        ParallelBatch(Continuous, id="c", num_envs=1, seed=0, episode_limit=5)


def test_an_agent_that_waits_for_its_turn() -> None:
    """In a game of turns the mask of who waits allows nothing; the slot may take action 0, which the world ignores."""
    env = ParallelBatch(Turns, id="turns", num_envs=2, seed=0, episode_limit=9)
    env.reset()
    assert env.action_mask.tolist() == [[[True, True, True], [True, False, False]]] * 2
    env.step(np.array([[1, 0], [2, 0]]))
    assert env.reward.tolist() == [1.0, 0.0]
    assert env.action_mask.tolist() == [[[True, False, False], [True, True, True]]] * 2
    with pytest.raises(ValueError, match="illegal action 1 of a in episode 0; legal now: 0;"):
        env.step(np.array([[1, 1], [0, 1]]))
    for _ in range(12):
        env.step(env.action_mask.argmax(-1))
    assert env.battle_id.tolist() == [2, 2]


def test_an_aec_world_given_by_mistake() -> None:
    aec = parallel_to_aec(Turns())
    with pytest.raises(ValueError, match=r"t: .* is an AEC world.*needed is a ParallelEnv.*turn_based_aec_to_parallel"):
        ParallelBatch(lambda: aec, id="t", num_envs=1, seed=0, episode_limit=5)
    again = ParallelBatch(lambda: aec_to_parallel(aec), id="t", num_envs=1, seed=0, episode_limit=5)
    assert again.spec.n_agents == 2


def test_a_world_of_another_interface() -> None:
    class Lonely(gymnasium.Env):
        observation_space, action_space = Box(0, 1, (1,)), Discrete(2)

    for world, says in (
        (Lonely(), "it lacks possible_agents; a Gymnasium world has one"),
        (3, "lacks possible_agents"),
    ):
        with pytest.raises(ValueError, match=f"t: .* is not a PettingZoo ParallelEnv, .*{says}"):
            ParallelBatch(lambda world=world: world, id="t", num_envs=1, seed=0, episode_limit=5)


def test_a_world_that_derives_from_nothing() -> None:
    """It has what a parallel world needs; a global state and ``close`` are no part of that."""

    class Plain:
        def __init__(self) -> None:
            self._world = Turns()

        def __getattr__(self, name: str) -> Any:
            if name in ("state", "close"):
                raise AttributeError(name)
            return getattr(self._world, name)

    env = ParallelBatch(Plain, id="t", num_envs=1, seed=0, episode_limit=5)
    env.reset()
    env.close()


def test_worlds_are_closed_once() -> None:
    env = uneven(2)
    worlds = list(env._worlds)
    env.close()
    env.close()
    assert [world.closed for world in worlds] == [1, 1]
    for use in (env.reset, lambda: env.step(np.zeros((2, env.spec.n_agents), np.int64))):
        with pytest.raises(ValueError, match="the batch is closed; make another"):
            use()


def test_a_batch_is_saved_before_its_first_episode() -> None:
    saved = uneven(2).state_dict()
    other = uneven(2, seed=9)
    other.load_state_dict(saved)
    assert other.seed == 3
    other.reset()
    expected = uneven(2)
    expected.reset()
    np.testing.assert_array_equal(other.obs, expected.obs)


def test_our_own_battles_through_pettingzoo_and_back() -> None:
    """The adapter around the door that leads out gives what the engine gives, wins and deaths included."""
    id, slot = "terran_5_vs_5", 1
    where = dict(num_envs=1, seed=7, first_slot=slot, episode_limit=200)
    around = ParallelBatch(lambda: envs.parallel_env(id), id="around", team_reward="mean", **where)
    around.reset()
    assert around.spec.can_be_won
    own_seed = int(np.random.SeedSequence([7, slot, 0]).generate_state(1, np.uint32)[0] >> 1)
    plain = begun(id, 1, seed=own_seed)
    player = Player(1)
    while not (plain.terminated | plain.truncated)[0]:
        for name in ("obs", "state", "action_mask"):
            assert np.array_equal(getattr(around, name), getattr(plain, name)), name
        actions = player(plain.action_mask)
        around.step(actions)
        plain.step(actions)
        assert around.reward[0] == pytest.approx(plain.reward[0])
    for name in ("terminated", "truncated", "battle_won", "battle_lost", "final_obs", "final_state"):
        assert np.array_equal(getattr(around, name), getattr(plain, name)), name


@needs_mpe2
def test_simple_spread() -> None:
    env = envs.make(SPREAD, 2, seed=1)
    env.reset()
    check_sizes(env)
    assert (env.spec.n_agents, env.spec.n_actions, env.spec.obs_size, env.spec.state_size) == (3, 5, 18, 54)
    assert not env.spec.can_be_won
    for t in range(1, 26):
        env.step(np.full((2, 3), t % 5))
        assert (env.truncated == (t == 25)).all()
        assert not env.terminated.any()
        assert (env.reward < 0).all()
    assert (env.battle_id == 1).all()
    small = envs.make(SPREAD, 1, seed=1, n_agents=2, max_cycles=4)
    assert (small.spec.n_agents, small.spec.episode_limit) == (2, 4)


@needs_mpe2
def test_simple_spread_repeats_itself() -> None:
    def made(num_envs: int, **where: int) -> BatchedEnv:
        env = envs.make(SPREAD, num_envs, seed=5, **where)
        env.reset()
        return env

    batch = made(3)
    first = played(batch, 30, slice(1, 2))
    assert same(first, played(made(1, first_slot=1), 30, first_slot=1))
    saved = batch.state_dict()
    ahead = played(batch, 40)
    resumed = made(3)
    resumed.load_state_dict(saved)
    assert same(played(resumed, 40), ahead)


def test_options_and_missing_packages_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="option n_agents is 0, allowed is 1 to 1000"):
        make_options(SPREAD, {"n_agents": 0})
    with pytest.raises(ValueError, match=r"option local_ratio is 2\.0, allowed is 0 to 1"):
        make_options(SPREAD, {"local_ratio": 2.0})
    with pytest.raises(ValueError, match="unknown option 'cycles' of mpe2/simple_spread_v3: did you mean max_cycles"):
        make_options(SPREAD, {"cycles": 3})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=f"scenario '{SPREAD}' needs the package mpe2, which is not installed; pip inst"
    ):
        envs.make(SPREAD)
    with scenarios.preserved():
        envs.register("far", entry_point="a:b", requires="no_such_package.part")
        monkeypatch.undo()
        with pytest.raises(ValueError, match=r"needs the package no_such_package\.part, which is not installed"):
            envs.make("far")
