"""sb3-contrib's MaskablePPO on SuperSuit's vector of battles: illegal actions are never chosen.

pip install -e '.[ecosystem]'
python examples/sb3_maskable_ppo.py
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import supersuit
from sb3_contrib import MaskablePPO
from stable_baselines3.common.vec_env import VecEnvWrapper

import envs


class WithMasks(VecEnvWrapper):
    """Answers ``action_masks`` from the infos, where flat observations leave the mask."""

    def reset(self) -> Any:
        observations = self.venv.reset()
        self._infos = self.venv.reset_infos
        return observations

    def step_wait(self) -> Any:
        observations, rewards, dones, self._infos = self.venv.step_wait()
        return observations, rewards, dones, self._infos

    def has_attr(self, attr_name: str) -> bool:
        return attr_name == "action_masks" or super().has_attr(attr_name)

    def env_method(self, method_name: str, *args: Any, **kwargs: Any) -> list[Any]:
        if method_name == "action_masks":
            return [np.asarray(info["action_mask"], bool) for info in self._infos]
        return super().env_method(method_name, *args, **kwargs)


def main(scenario: str, steps: int, battles: int) -> None:
    """Train for a while; the world raises on illegal actions, so each one that is played was legal."""
    world = envs.parallel_env(scenario, flat_observations=True)
    vector = supersuit.concat_vec_envs_v1(
        supersuit.pettingzoo_env_to_vec_env_v1(world), battles, base_class="stable_baselines3"
    )
    vector.venv.reset(seed=0)  # copies of one world have one seed; from here on each has its own
    model = MaskablePPO("MlpPolicy", WithMasks(vector), n_steps=64, batch_size=256, device="cpu", verbose=1)
    model.learn(steps)
    print(f"trained for {model.num_timesteps} steps of single agents, {vector.num_envs} at a time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="3m")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--battles", type=int, default=4)
    flags = parser.parse_args()
    main(flags.scenario, flags.steps, flags.battles)
