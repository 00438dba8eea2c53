"""Stable-Baselines3's PPO, one network shared by all agents, on SuperSuit's vector of battles.

pip install -e '.[ecosystem]'
python examples/sb3_ppo.py

PPO knows no masks, so an illegal action is no order here. ``sb3_maskable_ppo.py`` uses the masks.
"""

from __future__ import annotations

import argparse

import supersuit
from stable_baselines3 import PPO

import envs


def main(scenario: str, steps: int, battles: int) -> None:
    """Train for a while; every agent of every battle is one row of the vector."""
    world = envs.parallel_env(scenario, flat_observations=True, illegal_actions="noop")
    vector = supersuit.concat_vec_envs_v1(
        supersuit.pettingzoo_env_to_vec_env_v1(world), battles, base_class="stable_baselines3"
    )
    vector.venv.reset(seed=0)  # copies of one world have one seed; from here on each has its own
    model = PPO("MlpPolicy", vector, n_steps=64, batch_size=256, device="cpu", seed=None, verbose=1)
    model.learn(steps)
    print(f"trained for {model.num_timesteps} steps of single agents, {vector.num_envs} at a time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="3m")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--battles", type=int, default=4)
    flags = parser.parse_args()
    main(flags.scenario, flags.steps, flags.battles)
