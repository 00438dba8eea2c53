"""Tianshou collects battles through its own PettingZoo environment: masked random play by all agents.

pip install -e '.[ecosystem]'
python examples/tianshou_collect.py
"""

from __future__ import annotations

import argparse

from pettingzoo.utils.conversions import parallel_to_aec
from tianshou.algorithm.multiagent.marl import MultiAgentOffPolicyAlgorithm
from tianshou.algorithm.random import MARLRandomDiscreteMaskedOffPolicyAlgorithm
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.env.pettingzoo_env import PettingZooEnv

import envs


def world(scenario: str, seed: int) -> PettingZooEnv:
    """One battle in Tianshou's form: agents step one after the other, the battle moves on after the last."""
    return PettingZooEnv(parallel_to_aec(envs.parallel_env(scenario, seed=seed)))


def main(scenario: str, episodes: int, battles: int) -> None:
    """Collect episodes; replace the random algorithms by learning ones, one for each agent."""
    vector = DummyVectorEnv([lambda seed=seed: world(scenario, seed) for seed in range(battles)])
    example = world(scenario, 0)
    random = [MARLRandomDiscreteMaskedOffPolicyAlgorithm(example.action_space) for _ in example.agents]
    team = MultiAgentOffPolicyAlgorithm(algorithms=random, env=example)
    collector = Collector(team, vector, VectorReplayBuffer(20_000, battles))
    collector.reset()
    stats = collector.collect(n_episode=episodes)
    print(f"{stats.n_collected_episodes} battles, {stats.n_collected_steps} actions of single agents")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="3m")
    parser.add_argument("--episodes", type=int, default=8)
    parser.add_argument("--battles", type=int, default=4)
    flags = parser.parse_args()
    main(flags.scenario, flags.episodes, flags.battles)
