"""The unmodified ``smacv2`` package plays on the stand-in, where its code is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("websockets", reason="the websocket library (package websockets) is not installed")
pytest.importorskip("pysc2.run_configs", reason="pysc2 or what it needs is not installed; see docs/sc2_protocol.md")
pytest.importorskip("smacv2", reason="smacv2's own code is not here; see docs/sc2_protocol.md")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
    pytest.mark.usefixtures("stand_in"),
]
CAPABILITIES = {
    "n_units": 5,
    "n_enemies": 5,
    "team_gen": {
        "dist_type": "weighted_teams",
        "unit_types": ["marine", "marauder", "medivac"],
        "exception_unit_types": ["medivac"],
        "weights": [0.45, 0.45, 0.1],
        "observe": True,
    },
    "start_positions": {
        "dist_type": "surrounded_and_reflect", "p": 0.5, "n_enemies": 5, "map_x": 32, "map_y": 32,
    },
}  # fmt: skip


def make(map_name: str) -> Any:
    if map_name == "10gen_terran":
        from smacv2.env.starcraft2.wrapper import StarCraftCapabilityEnvWrapper

        return StarCraftCapabilityEnvWrapper(
            capability_config=CAPABILITIES, map_name=map_name, use_unit_ranges=True, min_attack_range=2
        )
    from smacv2.env import StarCraft2Env

    return StarCraft2Env(map_name=map_name, seed=3)


@pytest.mark.parametrize("map_name", ["10gen_terran", "MMM"])
def test_random_agents_play_two_episodes(map_name: str) -> None:
    env = make(map_name)
    rng = np.random.default_rng(1)
    n_agents = env.get_env_info()["n_agents"]
    for _ in range(2):
        env.reset()
        ended, total = False, 0.0
        while not ended:
            masks = [env.get_avail_agent_actions(i) for i in range(n_agents)]
            reward, ended, info = env.step([int(rng.choice(np.flatnonzero(mask))) for mask in masks])
            total += reward
        assert np.isfinite(total)
        assert set(info) >= {"battle_won", "dead_allies", "dead_enemies"}
        assert env.get_state().shape == (env.get_env_info()["state_shape"],)
    env.save_replay()
    folder = Path(getattr(env, "env", env)._run_config.replay_dir)
    assert [path.stat().st_size > 500 for path in folder.glob("*.SC2Replay")] == [True]
    env.close()
