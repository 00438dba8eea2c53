"""sb3-contrib's MaskablePPO commands the whole team through Gymnasium: one action for each unit (centralised control).

pip install -e '.[ecosystem]'
python examples/gymnasium_maskable_ppo.py
"""

from __future__ import annotations

import argparse

import gymnasium
from sb3_contrib import MaskablePPO

import envs


def main(scenario: str, steps: int) -> None:
    """Train for a while on ``k24/<scenario>-v0``, whose ``action_masks`` MaskablePPO finds by itself."""
    assert scenario in envs.ids(), f"one of {', '.join(envs.ids())}"
    model = MaskablePPO("MlpPolicy", gymnasium.make(f"k24/{scenario}-v0"), n_steps=256, device="cpu", verbose=1)
    model.learn(steps)
    print(f"trained for {model.num_timesteps} steps")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="3m")
    parser.add_argument("--steps", type=int, default=20_000)
    flags = parser.parse_args()
    main(flags.scenario, flags.steps)
