"""TorchRL plays a battle through its own PettingZoo wrapper, and checks the environment's specs.

pip install -e '.[ecosystem]'
python examples/torchrl_rollout.py
"""

from __future__ import annotations

import argparse

from torchrl.envs.libs.pettingzoo import PettingZooWrapper
from torchrl.envs.utils import check_env_specs

import envs


def main(scenario: str, steps: int) -> None:
    """Roll out random legal actions; agents are one group, "ally", whose tensors have the shape (steps, N, ...)."""
    world = PettingZooWrapper(envs.parallel_env(scenario, seed=0), use_mask=True, return_state=True)
    check_env_specs(world)
    steps_played = world.rollout(steps, break_when_any_done=False)
    reward = steps_played["next", "ally", "reward"]
    print(
        f"{len(reward)} steps, return of the team {reward[:, 0].sum():.2f}, state {tuple(steps_played['state'].shape)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="terran_5_vs_5")
    parser.add_argument("--steps", type=int, default=300)
    flags = parser.parse_args()
    main(flags.scenario, flags.steps)
