"""Each of the 26 maps with fixed teams, beside what the benchmark publishes about it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

import envs
from envs.battle.engine import BattleEnv
from envs.battle.unit_types import facts
from envs.registry import entry
from tests.envs.play import begun, make

RACES = {"T": "terran", "P": "protoss", "Z": "zerg"}


class Row(NamedTuple):
    """From SMAC's ``map_param_registry``; the sizes are those of its ``get_obs_size`` and ``get_state_size``."""

    limit: int
    races: str
    """Agents', enemies'."""
    bits: int
    """``unit_type_bits``."""
    n_actions: int
    obs_size: int
    state_size: int
    allies: dict[str, int]
    enemies: dict[str, int]


MAPS = {
    "3m": Row(60, "TT", 0, 9, 30, 48, {"marine": 3}, {"marine": 3}),
    "8m": Row(120, "TT", 0, 14, 80, 168, {"marine": 8}, {"marine": 8}),
    "25m": Row(150, "TT", 0, 31, 250, 950, {"marine": 25}, {"marine": 25}),
    "5m_vs_6m": Row(70, "TT", 0, 12, 55, 98, {"marine": 5}, {"marine": 6}),
    "8m_vs_9m": Row(120, "TT", 0, 15, 85, 179, {"marine": 8}, {"marine": 9}),
    "10m_vs_11m": Row(150, "TT", 0, 17, 105, 243, {"marine": 10}, {"marine": 11}),
    "27m_vs_30m": Row(180, "TT", 0, 36, 285, 1170, {"marine": 27}, {"marine": 30}),
    "MMM": Row(150, "TT", 3, 16, 160, 290, {"marine": 7, "marauder": 2, "medivac": 1},
               {"marine": 7, "marauder": 2, "medivac": 1}),
    "MMM2": Row(180, "TT", 3, 18, 176, 322, {"marine": 7, "marauder": 2, "medivac": 1},
                {"marine": 8, "marauder": 3, "medivac": 1}),
    "2s3z": Row(120, "PP", 2, 11, 80, 120, {"stalker": 2, "zealot": 3}, {"stalker": 2, "zealot": 3}),
    "3s5z": Row(150, "PP", 2, 14, 128, 216, {"stalker": 3, "zealot": 5}, {"stalker": 3, "zealot": 5}),
    "3s5z_vs_3s6z": Row(170, "PP", 2, 15, 136, 230, {"stalker": 3, "zealot": 5}, {"stalker": 3, "zealot": 6}),
    "3s_vs_3z": Row(150, "PP", 0, 9, 36, 54, {"stalker": 3}, {"zealot": 3}),
    "3s_vs_4z": Row(200, "PP", 0, 10, 42, 61, {"stalker": 3}, {"zealot": 4}),
    "3s_vs_5z": Row(250, "PP", 0, 11, 48, 68, {"stalker": 3}, {"zealot": 5}),
    "1c3s5z": Row(180, "PP", 3, 15, 162, 270, {"colossus": 1, "stalker": 3, "zealot": 5},
                  {"colossus": 1, "stalker": 3, "zealot": 5}),
    "2m_vs_1z": Row(150, "TP", 0, 7, 16, 26, {"marine": 2}, {"zealot": 1}),
    "corridor": Row(400, "PZ", 0, 30, 156, 282, {"zealot": 6}, {"zergling": 24}),
    "6h_vs_8z": Row(150, "ZP", 0, 14, 78, 140, {"hydralisk": 6}, {"zealot": 8}),
    "2s_vs_1sc": Row(300, "PZ", 0, 7, 17, 27, {"stalker": 2}, {"spine_crawler": 1}),
    "so_many_baneling": Row(100, "PZ", 0, 38, 202, 397, {"zealot": 7}, {"baneling": 32}),
    "bane_vs_bane": Row(200, "ZZ", 2, 30, 336, 984, {"zergling": 20, "baneling": 4}, {"zergling": 20, "baneling": 4}),
    "2c_vs_64zg": Row(400, "PZ", 0, 70, 332, 342, {"colossus": 2}, {"zergling": 64}),
    "1o_10b_vs_1r": Row(50, "ZZ", 2, 7, 84, 148, {"overlord": 1, "baneling": 10}, {"roach": 1}),
    "1o_2r_vs_4r": Row(50, "ZZ", 2, 10, 49, 68, {"overlord": 1, "roach": 2}, {"reaper": 4}),
    "bane_vs_hM": Row(30, "ZT", 2, 8, 35, 52, {"baneling": 3}, {"hydralisk": 1, "medivac": 1}),
}  # fmt: skip
by_map = pytest.mark.parametrize("id", MAPS)


@cache
def first_battle(id: str) -> BattleEnv:
    return begun(id, seed=1)


def test_all_26_are_there_and_no_others() -> None:
    fixed = [id for id in envs.ids() if (scenario := entry(id).scenario) and scenario.ally_team]
    assert fixed == list(MAPS)


@by_map
def test_sizes(id: str) -> None:
    """SMAC has no own position in the observation, and these maps are made as it was published."""
    row = MAPS[id]
    spec = first_battle(id).spec
    assert (spec.n_agents, spec.n_enemies) == (sum(row.allies.values()), sum(row.enemies.values()))
    assert (spec.episode_limit, spec.n_actions) == (row.limit, row.n_actions)
    assert (spec.obs_size, spec.state_size) == (row.obs_size, row.state_size)
    assert make(id, obs_own_pos=True).spec.obs_size == row.obs_size + 2


@by_map
def test_who_fights(id: str) -> None:
    row, env = MAPS[id], first_battle(id)
    scenario = env.scenario
    assert (scenario.race, scenario.enemy_race or scenario.race) == tuple(RACES[race] for race in row.races)
    assert scenario.n_type_bits == row.bits
    names = np.array(list(facts()))[env.battles["kind"][0, : env.spec.n_agents + env.spec.n_enemies]]
    assert Counter(names[: env.spec.n_agents].tolist()) == row.allies
    assert Counter(names[env.spec.n_agents :].tolist()) == row.enemies


@by_map
def test_agents_are_numbered_by_type(id: str) -> None:
    """In the alphabetical order of the learning units' names, and so are their types."""
    env = first_battle(id)
    names = [env.spec.unit_types[type] for type in env.unit_type[0]]
    assert env.spec.unit_types == tuple(sorted(MAPS[id].allies))
    assert names == sorted(names)


@by_map
def test_a_flawless_battle_is_worth_20(id: str) -> None:
    """All health and shields of the enemies, 10 for each and 200 for the win, scaled."""
    env = first_battle(id)
    health = sum((facts()[name]["hp"] + facts()[name]["shield"]) * count for name, count in MAPS[id].enemies.items())
    assert env.battles["max_reward"][0] == health + 10 * env.spec.n_enemies + 200


def test_another_spelling() -> None:
    """Papers write 3s6z; the environment is the registered one, under its own name."""
    assert "3s6z" not in envs.ids()
    env = envs.make("3s6z", seed=1)
    assert env.spec == envs.make("3s5z_vs_3s6z", seed=1).spec
    assert env.spec.id == "3s5z_vs_3s6z"
    assert envs.parallel_env("3s6z").metadata["name"] == "3s5z_vs_3s6z"
