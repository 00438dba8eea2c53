"""Each algorithm learns a task that needs the memory, the mixer and the agents' differences, within seconds."""

import numpy as np
import pytest
import torch

from algorithms.episode import Episode
from algorithms.q_learning.learner import QLearner
from algorithms.replay.replay import EpisodeReplay
from envs.spec import EnvSpec
from tests.algorithms.worlds import learner

SIGNAL = EnvSpec(
    id="remember_the_signal", n_agents=2, n_enemies=0, n_actions=3, obs_size=4, state_size=4, episode_limit=2,
    unit_types=("plain", "contrary"),
)  # fmt: skip
"""Step 0 shows each agent a bit; on step 1 a plain unit is rewarded for action 1 + bit, a contrary one for 2 − bit."""
UPDATES, BATTLES = 300, 32


def play(made: QLearner, rng: np.random.Generator, epsilon: float) -> tuple[list[Episode], float]:
    """Play a batch of episodes; give them and the mean reward."""
    bit, unit_type = rng.integers(0, 2, (2, BATTLES, 2))
    obs = np.zeros((3, BATTLES, 2, 4), np.float32)
    obs[..., 2] = unit_type
    obs[0, ..., 3] = 1
    obs[0, ..., 0] = bit
    state = obs[..., :2, [0, 2]].reshape(3, BATTLES, 4)
    legal = np.ones((3, BATTLES, 2, 3), np.bool_)
    actions = np.full((2, BATTLES, 2), -1)
    hidden = made.initial_state(BATTLES)["hidden"]
    for t in range(2):
        last = torch.from_numpy(actions[t - 1] if t else actions[0])
        chosen, hidden = made.choose_actions(
            torch.from_numpy(obs[t]),
            last,
            torch.from_numpy(legal[t]),
            torch.from_numpy(unit_type),
            hidden,
            epsilon=epsilon,
        )
        actions[t] = chosen.numpy()
    right = actions[1] == np.where(unit_type == 0, 1 + bit, 2 - bit)
    reward = np.stack([np.zeros(BATTLES), right.mean(1)], 1).astype(np.float32)
    episodes = [
        Episode(
            obs=obs[:, e],
            state=state[:, e],
            action_mask=legal[:, e],
            actions=actions[:, e],
            reward=reward[e],
            terminated=True,
            truncated=False,
            unit_type=unit_type[e],
        )
        for e in range(BATTLES)
    ]
    return episodes, float(reward.sum(1).mean())


@pytest.mark.parametrize("id", ["qmix", "kalei", "k24"])
def test_learns_to_remember_the_signal(id: str) -> None:
    rng = np.random.default_rng(0)
    made = learner(id, SIGNAL, total_env_steps=UPDATES * BATTLES * 2, lr=5e-3, batch_size=64, rnn_hidden_dim=32)
    replay = EpisodeReplay(1000, seed=0)
    _, random_reward = play(made, rng, 1.0)
    assert 0.1 < random_reward < 0.6  # a third of the actions is right
    env_steps = 0
    for _ in range(UPDATES):
        episodes, _ = play(made, rng, made.epsilon(env_steps))
        for episode in episodes:
            replay.insert(episode)
        env_steps += BATTLES * 2
        made.advance(env_steps)
        if replay.can_sample(64):
            made.update(replay.sample(64), env_steps)
    _, greedy_reward = play(made, rng, 0.0)
    assert greedy_reward > 0.9
