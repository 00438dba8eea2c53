"""Each algorithm beats random on a small fight of the real engine within seconds; one that never updates does not.

Two marines and a marauder meet two marines that come for them. A random team loses because it wanders; what must be
learned is to attack once they are near. Everything is seeded; the margins come from several run seeds (see below).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from statistics import fmean
from typing import NamedTuple

import numba
import pytest
import torch

import envs
import envs.registry
from algorithms import registry
from algorithms.protocol import Algorithm, Decision, Observation, PolicyState
from harness.policies.evaluate import Evaluation, evaluate_greedily
from harness.runs.rollout import Rollout

FIGHT = envs.Scenario(
    race="terran", n_agents=3, n_enemies=2, unit_types=("marine", "marauder"), start="reflect", episode_limit=40,
    ally_team=("marine", "marine", "marauder"), enemy_team=("marine", "marine"),
)  # fmt: skip
BUILT_IN = [  # the controls take the same road and a minute more
    pytest.param(id, marks=[] if id in ("qmix", "kalei", "k24") else [pytest.mark.long]) for id in registry.ids()
]
ENV_STEPS, NUM_ENVS, BATCH_SIZE, SEED = 6400, 16, 32, 0
TEST_EVERY, TESTS = 640, 4
TEST_BATTLES, TEST_SEED = 64, 1
SETTINGS = {
    "batch_size": BATCH_SIZE,
    "buffer_size": 2000,
    "episodes_per_update": 1,
    "target_update_interval": 40,
    "epsilon_anneal_time": ENV_STEPS // 2,
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Tensors and batches are tiny, and a compiled loop on two threads would also set torch back to two."""
    counts = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(counts[0])
    numba.set_num_threads(counts[1])


@pytest.fixture(autouse=True)
def _scenario() -> Iterator[None]:
    with envs.registry.scenarios.preserved():
        envs.register("small_fight", scenario=FIGHT)
        yield


class Random:
    """A policy of uniformly random legal actions, as ``evaluate`` asks for one."""

    def __init__(self, made: Algorithm) -> None:
        self.spec, self.device, self.initial_state, self._made = made.spec, made.device, made.initial_state, made

    def act(self, observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        return self._made.act(observation, state, explore=True)  # a fresh learner explores with epsilon 1


class Fought(NamedTuple):
    """Win rate and mean return on the evaluation battles."""

    win_rate: float
    mean_return: float


def fought(found: list[Evaluation]) -> Fought:
    """The mean of some evaluations."""
    return Fought(fmean(each.win_rate.estimate for each in found), fmean(each.mean_return for each in found))


def make(id: str) -> Algorithm:
    """A fresh learner with small settings."""
    config_class = registry.config_class(id)
    known = {field.name for field in dataclasses.fields(config_class)}
    config = config_class(**{name: value for name, value in SETTINGS.items() if name in known and id != "mappo"})
    spec = envs.make("small_fight", 1, seed=0).spec
    return registry.make(id, spec, config, total_env_steps=ENV_STEPS, seed=SEED)


def train(id: str, *, learning: bool = True) -> Fought:
    """Train, and give the mean of the last evaluations, since one alone catches a policy on its way."""
    made, env = make(id), envs.make("small_fight", NUM_ENVS, seed=SEED)
    test_env = envs.make("small_fight", TEST_BATTLES, seed=TEST_SEED)
    env.reset()
    rollout = Rollout(env, made)
    found = []
    for env_steps in range(NUM_ENVS, ENV_STEPS + 1, NUM_ENVS):
        for episode in rollout.step():
            made.observe(episode)
        while learning and made.learn(env_steps) is not None:
            pass
        made.advance(env_steps)
        if env_steps > ENV_STEPS - TESTS * TEST_EVERY and env_steps % TEST_EVERY == 0:
            found.append(evaluate_greedily(made, test_env, episodes=TEST_BATTLES, seed=TEST_SEED))
    assert len(found) == TESTS
    return fought(found)


@cache
def by_chance() -> Fought:
    """A random legal policy on the same battles."""
    test_env = envs.make("small_fight", TEST_BATTLES, seed=TEST_SEED)
    return fought([evaluate_greedily(Random(make("qmix")), test_env, episodes=TEST_BATTLES, seed=TEST_SEED)])


def beats_random(found: Fought) -> bool:
    """Compare with random play."""
    # Seen over run seeds, as win rate and return, both means of the last four evaluations: random play 0.00–0.03 and
    # 2.7–3.3; qmix (8 seeds) 0.45–0.75 and 11.1–16.1; kalei (8) 0.44–0.63 and 11.0–14.4; k24 (5) 0.41–0.70 and
    # 10.4–15.4. A network without training mostly wins nothing, as with the seed used here, but four of 24 drawn ones
    # attacked by luck and won 0.3 to 0.55.
    assert by_chance().win_rate < 0.1
    return found.win_rate > by_chance().win_rate + 0.25 and found.mean_return > by_chance().mean_return + 5


@pytest.mark.parametrize("id", BUILT_IN)
def test_beats_random(id: str) -> None:
    found = train(id)
    assert beats_random(found), found


@pytest.mark.parametrize("id", BUILT_IN)
def test_without_updates_nobody_does(id: str) -> None:
    """The broken twin: the same battles and schedules, but nothing is learned."""
    found = train(id, learning=False)
    assert not beats_random(found), found
