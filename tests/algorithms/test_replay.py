"""Replay: real lengths in, padded batches out, the oldest forgotten, nothing shared with the caller."""

import dataclasses

import numpy as np
import pytest
import torch

from algorithms.episode import Episode, collate
from algorithms.replay.replay import EpisodeReplay
from tests.algorithms.worlds import SPEC, episode


def filled_replay(capacity: int = 10, inserts: int = 6, seed: int = 0) -> tuple[EpisodeReplay, list[Episode]]:
    rng = np.random.default_rng(5)
    episodes = [episode(rng, int(rng.integers(1, 12))) for _ in range(inserts)]
    replay = EpisodeReplay(capacity, seed)
    for e in episodes:
        replay.insert(e)
    return replay, episodes


def test_padding() -> None:
    rng = np.random.default_rng(0)
    short, long = episode(rng, 2), episode(rng, 5)
    made = collate([short, long])
    assert made.obs.shape == (2, 6, SPEC.n_agents, SPEC.obs_size)
    assert made.filled.tolist() == [[True, True, False, False, False], [True] * 5]
    assert np.array_equal(made.obs[0, :3].numpy(), short.obs)
    assert not made.obs[0, 3:].any()
    assert not made.state[0, 3:].any()
    assert made.action_mask[0, 3:, :, 0].all()
    assert not made.action_mask[0, 3:, :, 1:].any()
    assert made.terminated[0].tolist() == [False, short.terminated, False, False, False]
    assert made.actions.dtype == torch.int64


def test_inserting_copies() -> None:
    rng = np.random.default_rng(0)
    mine = episode(rng, 3)
    expected = mine.obs.copy()
    replay = EpisodeReplay(1, 0)
    replay.insert(mine)
    mine.obs[:] = 99
    assert np.array_equal(replay.sample(1).obs[0].numpy(), expected)


def test_same_seed_same_samples_and_saving_continues_them() -> None:
    a, _ = filled_replay()
    b, _ = filled_replay()
    assert torch.equal(a.sample(3).reward, b.sample(3).reward)
    resumed = EpisodeReplay(10, seed=9)
    resumed.load_state_dict(a.state_dict(contents=True))
    assert torch.equal(a.sample(3).reward, resumed.sample(3).reward)
    other, _ = filled_replay(seed=1)
    first, second = a.sample(4).reward, other.sample(4).reward
    assert first.shape != second.shape or not torch.equal(first, second)


def test_without_contents_a_restored_replay_is_empty() -> None:
    a, _ = filled_replay()
    resumed = EpisodeReplay(10, seed=9)
    resumed.load_state_dict(a.state_dict())
    assert len(resumed) == 0
    assert not resumed.can_sample(1)


def test_errors_say_what_to_do() -> None:
    replay, _ = filled_replay()
    with pytest.raises(ValueError, match=r"7 episodes were asked for and 6 are held; wait until can_sample\(7\)"):
        replay.sample(7)
    with pytest.raises(ValueError, match="capacity is 0 episodes, it must be at least 1"):
        EpisodeReplay(0, 0)
    rng = np.random.default_rng(0)
    good = episode(rng, 3)
    with pytest.raises(ValueError, match=r"give L ≥ 1 rewards and actions, and L \+ 1 of the others"):
        Episode(**{**vars(good), "obs": good.obs[:-1]})


def test_batches_equal_those_of_a_plain_list_of_episodes() -> None:
    """Filled, overwritten more than twice, sampled all the while without replacement; then it moves to another."""
    capacity, rng, draw = 9, np.random.default_rng(1), np.random.default_rng(np.random.SeedSequence([4, 1]))
    replay: EpisodeReplay = EpisodeReplay(capacity, seed=4)
    plain: list[Episode] = []
    for number in range(31):
        made = episode(rng, int(rng.integers(1, 12)))
        made.obs[rng.random(made.obs.shape) < 0.6] = 0
        replay.insert(made)
        if len(plain) < capacity:
            plain.append(made)
        else:
            plain[number % capacity] = made
        assert len(replay) == len(plain)
        if number in (5, 20):
            saved = replay.state_dict(contents=True)
            replay = EpisodeReplay(capacity, seed=99)
            replay.load_state_dict(saved)
        if len(plain) < 4:
            continue
        expected = collate([plain[i] for i in draw.choice(len(plain), size=4, replace=False)])
        sampled = replay.sample(4)
        for field in dataclasses.fields(expected):
            torch.testing.assert_close(
                getattr(sampled, field.name), getattr(expected, field.name), rtol=0, atol=0, msg=field.name
            )


def test_saved_contents_are_a_copy() -> None:
    replay, _ = filled_replay(capacity=4)
    saved = replay.state_dict(contents=True)
    before = saved["bytes"].clone()
    for _ in range(8):
        replay.insert(episode(np.random.default_rng(8), 11))
    assert torch.equal(saved["bytes"], before)


def test_an_episode_of_another_world_is_refused() -> None:
    replay, _ = filled_replay()
    other = dataclasses.replace(SPEC, n_agents=1)
    with pytest.raises(ValueError, match=r"an episode of another world: .*n_agents=1.* give each world a replay"):
        replay.insert(episode(np.random.default_rng(0), 3, other))
