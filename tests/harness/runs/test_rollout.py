"""Episodes come out whole, in order, and each battle starts with a clean memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from algorithms.episode import Episode
from algorithms.protocol import Decision, Observation, PolicyState
from harness.runs.rollout import Rollout
from tests.harness.fake_algorithm import RuleAlgorithm, rule
from tests.harness.fake_env import LIMIT, N_ACTIONS, N_AGENTS, FakeEnv


def start(num_envs: int = 4, seed: int = 0, *, abort_every: int = 0) -> tuple[FakeEnv, RuleAlgorithm, Rollout]:
    env = FakeEnv(num_envs, seed, abort_every=abort_every)
    env.reset()
    algorithm = rule(env)
    return env, algorithm, Rollout(env, algorithm)


def finished(rollout: Rollout, steps: int) -> Iterator[Episode]:
    """Copies, because the rollout's own arrays change with its next step."""
    for _ in range(steps):
        yield from (copy.deepcopy(episode) for episode in rollout.step())


def drawn(seed: int, slot: int, battle: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Length, targets and unit types of a battle, drawn as the fake world draws them."""
    rng = np.random.default_rng((seed, slot, battle))
    length = int(rng.integers(3, LIMIT + 1))
    return length, rng.integers(1, N_ACTIONS, (LIMIT + 1, N_AGENTS)), rng.integers(0, 2, N_AGENTS)


def test_every_episode_is_the_battle_that_was_drawn() -> None:
    env, _, rollout = start()
    seen = []
    for _ in range(40):
        battles = env.battle_id.copy()
        episodes = [copy.deepcopy(episode) for episode in rollout.step()]
        slots = np.flatnonzero(env.terminated | env.truncated)
        for slot, episode in zip(slots, episodes, strict=True):
            length, targets, unit_type = drawn(0, int(slot), int(battles[slot]))
            one_hot = np.eye(N_ACTIONS, dtype=np.float32)[targets[: length + 1]]
            np.testing.assert_array_equal(episode.actions, targets[:length])
            np.testing.assert_array_equal(episode.obs[..., :N_ACTIONS], one_hot)
            np.testing.assert_array_equal(episode.obs[:, 0, N_ACTIONS + 1], np.arange(length + 1))
            assert (episode.obs[..., N_ACTIONS] == battles[slot]).all(), "the last view belongs to the same battle"
            np.testing.assert_array_equal(episode.state, one_hot.reshape(length + 1, -1))
            np.testing.assert_array_equal(episode.unit_type, unit_type)
            np.testing.assert_allclose(episode.reward, 1.0)
            np.testing.assert_array_equal(episode.record["age"][:, 0], np.arange(length))
            assert episode.action_mask.shape == (length + 1, N_AGENTS, N_ACTIONS)
            assert (episode.terminated, episode.truncated) == (length < LIMIT, length == LIMIT)
            seen.append((int(slot), int(battles[slot])))
    assert sorted(seen) == [(slot, battle) for slot in range(4) for battle in range(env.battle_id[slot])]


def test_a_new_battle_remembers_nothing() -> None:
    env, algorithm, rollout = start()
    fresh = np.ones(4, bool)
    for _ in range(20):
        age = env.t.copy()
        rollout.step()
        shown = algorithm.shown[-1]
        np.testing.assert_array_equal(shown["hidden"][:, 0, 0].numpy(), age)
        assert (shown["last_action"][fresh] == -1).all()
        assert (shown["last_action"][~fresh] > 0).all()
        fresh = env.terminated | env.truncated


def test_aborted_battles_are_not_learned_from() -> None:
    everything, kept, none = (len(list(finished(start(abort_every=every)[2], 60))) for every in (0, 3, 1))
    assert everything > kept > 0
    assert none == 0


def check_that_it_goes_on(env: FakeEnv, rollout: Rollout, *, steps: int) -> int:
    """Save both, load them into another pair, and compare the episodes of the next steps; return how many."""
    saved = copy.deepcopy((env.state_dict(), rollout.state_dict()))
    expected = list(finished(rollout, steps))
    other_env, _, other = start(num_envs=env.num_envs, seed=99)
    list(finished(other, 3))
    other_env.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    arrived = list(finished(other, steps))
    for mine, theirs in zip(arrived, expected, strict=True):
        for name in ("obs", "state", "action_mask", "actions", "reward", "unit_type"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
        np.testing.assert_array_equal(mine.record["age"], theirs.record["age"])
    return len(arrived)


def test_a_saved_rollout_goes_on_in_mid_battle() -> None:
    env, _, rollout = start()
    list(finished(rollout, 7))
    assert env.t.max() > 0, "some battle must be under way"
    assert check_that_it_goes_on(env, rollout, steps=15) > 4


def test_arrays_are_read_where_they_lie() -> None:
    env, algorithm, rollout = start()
    pointers = []
    act = algorithm.act

    def spy(observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        pointers.append(observation.obs.data_ptr())
        return act(observation, state, explore=explore)

    algorithm.act = spy  # type: ignore[method-assign]
    rollout.step()
    assert pointers == [env.obs.ctypes.data]


def test_a_rollout_saved_where_every_slot_begins_a_battle_goes_on() -> None:
    """Battles of one length end together, and a checkpoint may lie there: nothing is recorded yet."""
    env, _, rollout = start(num_envs=1)
    while rollout.step() == []:
        pass
    assert rollout.state_dict()["record"]["age"].shape[1] == 0
    assert check_that_it_goes_on(env, rollout, steps=12) > 0
