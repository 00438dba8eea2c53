"""What is drawn for each agent and battle: attack probability, health level, enemy mask."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import envs
from envs import GameUnits, Memory
from envs.battle.engine import BattleEnv
from envs.battle.scenarios import Scenario
from envs.battle.state import ATTACK, NONE
from tests.envs.play import Player, begun, make, unregistered


def duel(agents: int = 1, x: float = 14.0, hp: float | None = None, **memory: Any) -> BattleEnv:
    """Marines in a row against one marine, three cells east of the first."""
    scenario = Scenario(race="terran", n_agents=agents, n_enemies=1, unit_types=("marine",), healers=False)
    env = unregistered(scenario, **dict.fromkeys(memory.pop("switches"), True))
    places = [x - i for i in range(agents)]
    units = GameUnits(
        unit_type=["marine"] * (agents + 1),
        owner=[1] * agents + [2],
        x=[*places, x + 3.0],
        y=[16.0] * (agents + 1),
        hp=None if hp is None else [hp] * agents + [45.0],
    )
    env.load_game_state(units, Memory(**memory))
    return env


def test_draws_are_uniform_within_their_bounds_and_stay_for_the_battle() -> None:
    options = dict(
        **dict(stochastic_attack=True, attack_lower_bound=0.2, attack_upper_bound=0.6),
        **dict(stochastic_health=True, health_lower_bound=0.1, health_upper_bound=0.3),
        **dict(mask_enemies=True, mask_probability=0.8),
    )
    env = begun("zerg_5_vs_5", 200, seed=2, **options)
    attack, level = env.battles["attack_probability"][:, :5].copy(), env.battles["health_level"][:, :5].copy()
    for values, low, high in ((attack, 0.2, 0.6), (level, 0.1, 0.3)):
        assert low <= values.min() < low + 0.01
        assert high - 0.01 < values.max() < high
        assert abs(values.mean() - (low + high) / 2) < 0.01
    hidden = np.mean([env.game_state(battle=e)[1].enemy_mask for e in range(200)])
    assert abs(hidden - 0.2) < 0.02, "mask_probability is that of being shown"
    battle = env.battle_id.copy()
    env.step(Player(1, 200)(env.action_mask))
    same = env.battle_id == battle
    assert (env.battles["attack_probability"][same, :5] == attack[same]).all()
    first = env.battles["attack_probability"][0, :5].copy()
    env.reset()
    assert (env.battles["attack_probability"][0, :5] != first).all(), "another battle, other draws"


@pytest.mark.parametrize(("probability", "slack"), [(0.0, 0), (1.0, 0), (0.3, 30)])
def test_an_attack_is_sent_with_its_probability(probability: float, slack: int) -> None:
    assert abs(count_attacks(probability) - 300 * probability) <= slack


def count_attacks(probability: float) -> int:
    """Of 300 attack actions with other keys, how many became an order; the others leave the agent idle."""
    env, sent = duel(switches=["stochastic_attack"], attack_probability=[probability]), 0
    units, _ = env.game_state()
    for key in range(300):
        env.load_game_state(units, Memory(attack_probability=[probability], key=key))
        env.follow_game(units, [6])
        assert env.battles[0]["order"][0] in (ATTACK, NONE)
        sent += int(env.battles[0]["order"][0] == ATTACK)
        assert env.battles[0]["last_action"][0] == 6, "the action counts as taken either way"
    return sent


def test_an_agent_below_its_level_dies_two_ticks_before_the_end_of_a_step() -> None:
    env = duel(agents=2, x=5.0, hp=22.0, switches=["stochastic_health"], health_level=[0.5, 0.4])
    env.battles[0]["x"][2] = 28.0  # far from everybody: nobody is shot
    env.step(np.array([[1, 1]]))
    assert env.battles[0]["alive"][:2].tolist() == [0, 1], "22 of 45 is below 0.5 and above 0.4"
    assert env.dead_allies[0] == 1


def test_a_level_counts_from_the_health_at_the_start_of_the_step() -> None:
    env = duel(hp=23.0, switches=["stochastic_health"], health_level=[0.5])
    env.step(np.array([[1]]))
    assert 0 < env.battles[0]["hp"][0] / 45 < 0.5, "shot below its level within the step"
    assert env.battles[0]["alive"][0]
    env.step(np.array([[1]]))
    assert env.battle_lost[0], "it dies in the step after"


def test_health_counts_from_the_level() -> None:
    env = duel(agents=2, hp=36.0, switches=["stochastic_health"], health_level=[0.6, 0.0])
    # 36 of 45 is 0.8: halfway from 0.6 to 1, and 0.8 of the way from 0.
    ally, own = env.obs[0, 0, 9:15], env.obs[0, 0, 15:]
    np.testing.assert_allclose(ally[[0, 4, 5]], [1.0, 0.8, 0.0], atol=1e-6)
    np.testing.assert_allclose(own[:2], [0.5, 0.6], atol=1e-6)
    np.testing.assert_allclose(env.state[0, :5], [0.5, 0.0, -2 / 32, 0.0, 0.6], atol=1e-6)


def test_a_mask_hides_health_and_type_alone() -> None:
    shown = duel(switches=["mask_enemies"], enemy_mask=[[0]]).obs[0, 0, 4:9]
    hidden = duel(switches=["mask_enemies"], enemy_mask=[[1]]).obs[0, 0, 4:9]
    np.testing.assert_allclose(shown, [1, 3 / 9, 3 / 9, 0, 1], rtol=1e-6)
    np.testing.assert_allclose(hidden, [1, 3 / 9, 3 / 9, 0, 0], rtol=1e-6)


PACKAGE_CONFIG: dict[str, Any] = {
    "n_units": 5,
    "n_enemies": 5,
    "team_gen": {"dist_type": "weighted_teams", "observe": False},
    "start_positions": {"dist_type": "surrounded_and_reflect", "p": 0.5},
    "attack": {"dist_type": "per_agent_uniform", "lower_bound": [0.3], "upper_bound": [0.9], "observe": True},
    "health": {"dist_type": "per_agent_uniform", "lower_bound": 0.1, "upper_bound": 0.2, "observe": False},
    "enemy_mask": {"dist_type": "mask", "mask_probability": 0.25},
}


def test_the_packages_own_config_means_options() -> None:
    assert envs.capability_options(PACKAGE_CONFIG) == dict(
        **dict(stochastic_attack=True, observe_attack_probs=True, attack_lower_bound=0.3, attack_upper_bound=0.9),
        **dict(stochastic_health=True, observe_teammate_health=False, health_lower_bound=0.1, health_upper_bound=0.2),
        **dict(mask_enemies=True, mask_probability=0.25, observe_teammate_types=False),
    )
    assert make("terran_5_vs_5", **envs.capability_options(PACKAGE_CONFIG)).options.mask_probability == 0.25
    assert envs.capability_options({}) == {}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"range": {}}, "unknown capability 'range', allowed: attack, health, enemy_mask, team_gen"),
        ({"attack": {"dist_type": "fixed"}}, "attack has dist_type 'fixed', the engine draws from 'per_agent_uniform'"),
        ({"enemy_mask": {"dist_type": "mask"}}, "enemy_mask lacks mask_probability"),
        ({"health": {"dist_type": "per_agent_uniform"}}, "health lacks lower_bound, upper_bound, observe"),
        (
            {"attack": {**PACKAGE_CONFIG["attack"], "lower_bound": [0.1, 0.2]}},
            "lower_bound of attack is [0.1, 0.2], it must be one number",
        ),
    ],
)
def test_a_config_that_means_nothing_here(config: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        envs.capability_options(config)
