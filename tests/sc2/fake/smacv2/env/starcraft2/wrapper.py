"""The wrapper's outside, and distributions that draw from the three places that smacv2's draw from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from smacv2.env.starcraft2.starcraft2 import StarCraft2Env


class Teams:
    def __init__(self, config: dict[str, Any]) -> None:
        self.config, self.rng = config, np.random.default_rng()

    def generate(self) -> dict[str, Any]:
        team = [str(name) for name in self.rng.choice(self.config["unit_types"], self.config["n_units"])]
        random.shuffle(team)
        return {"team_gen": {"ally_team": team, "enemy_team": team}}


class StarCraftCapabilityEnvWrapper:
    def __init__(self, **kwargs: Any) -> None:
        config = kwargs["capability_config"]
        self.env_key_to_distribution_map = {}
        if "team_gen" in config:
            counts = {name: config[name] for name in ("n_units", "n_enemies")}
            self.env_key_to_distribution_map["team_gen"] = Teams({**config["team_gen"], **counts})
        self.env = StarCraft2Env(**kwargs)
