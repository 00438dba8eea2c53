"""Every mistake a user can make with a battle, and the text that answers it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from envs import EnvSpec, Scenario
from envs.battle.options import BattleOptions
from envs.battle.state import BATTLE, record
from envs.battle.unit_types import kind_of
from tests.envs.play import begun, make

GOOD = dict(race="terran", n_agents=2, n_enemies=2, unit_types=("marine", "marauder"))
MARINES = dict(ally_team=("marine",) * 2, enemy_team=("marine",) * 2)
MIXED = dict(ally_team=("marine", "marauder"), enemy_team=("marine",) * 2)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(race="human"), "unknown race 'human', allowed: terran, protoss, zerg"),
        (dict(enemy_race="human"), "unknown enemy_race 'human', allowed: terran, protoss, zerg"),
        (dict(start="sky"), "unknown start 'sky', allowed: surrounded_and_reflect, surrounded, reflect, points"),
        (dict(map="hills"), "unknown map 'hills', allowed: T, corridor, flat"),
        (dict(type_order=("marauder",)), "type_order lacks marine; it is marauder"),
        (dict(enemy_type_order=("marauder",)), "enemy_type_order lacks marine; it is marauder"),
        (dict(enemy_type_order=("marine", "ghost")), "unknown terran unit type 'ghost', allowed: marine, marauder"),
        (dict(unit_types=("marine", "marine")), "unit_types names marine more than once"),
        (dict(type_bits=-1), "type_bits is -1, it must be at least 0"),
        (dict(n_agents=0), "n_agents is 0, allowed is 1 to 64"),
        (dict(n_enemies=65), "n_enemies is 65, allowed is 1 to 64"),
        (dict(n_agents=41, n_enemies=40), "41 agents and 40 enemies are more than the 80 units that the engine holds"),
        (dict(episode_limit=0), "episode_limit is 0, it must be at least 1"),
        (dict(episode_limit=10**20), f"scenario: episode_limit is {10**20}, it must be at most 1000000"),
        (dict(episode_limit=1.5), "scenario: episode_limit is 1.5, it must be a whole number"),
        (dict(n_agents="2"), "scenario: n_agents is '2', it must be a whole number"),
        (dict(race=3), "scenario: race is 3, it must be a string"),
        (dict(unit_types="marine"), "scenario: unit_types is 'marine', it must be a list"),
        (dict(weights=("0.5", "0.5")), "weights is ('0.5', '0.5'), it must be a list in which each is a number"),
        (dict(start_p=float("nan")), "scenario: start_p is nan, it must be a finite number"),
        (dict(ally_point=(1,)), "scenario: ally_point is (1,), it must be a list of 2"),
        (dict(unit_types=()), "unit_types is empty; terran has marine, marauder, medivac"),
        (dict(unit_types=("zealot",)), "unknown terran unit type 'zealot', allowed: marine, marauder, medivac"),
        (dict(exceptions=("ghost",)), "unknown terran unit type 'ghost'"),
        (dict(weights=(1.0,)), "1 weights for 2 unit_types"),
        (dict(weights=(0.5, 0.6)), "weights (0.5, 0.6) must be at least 0 and sum to 1"),
        (dict(weights=(1.5, -0.5)), "weights (1.5, -0.5) must be at least 0 and sum to 1"),
        (dict(start_p=1.5), "start_p is 1.5, a probability lies in 0..1"),
        (dict(exceptions=("marine", "marauder")), "every unit type is an exception, so no team could ever be drawn"),
        (dict(weights=(1.0, 0.0), exceptions=("marine",)), "every unit type is an exception, so no team could ever"),
        (dict(ally_team=("marine", "marine")), "give both ally_team and enemy_team, or neither"),
        (dict(ally_team=("marine",), enemy_team=("marine", "marine")), "a fixed team has 1 units, the scenario says 2"),
        (
            MARINES | dict(ally_team=("medivac", "marine")),
            "ally_team has types outside unit_types ('marine', 'marauder')",
        ),
        (MARINES | dict(enemy_team=("zergling",) * 2), "enemy_type_order lacks zergling; it is marine, marauder"),
        (MIXED | dict(type_order=("marine",)), "type_order lacks marauder; it is marine"),
        (
            MIXED | dict(type_bits=1),
            "type_bits is 1, type_order has 2 types: marine, marauder; allowed is 0 or 2 and more",
        ),
        (dict(ally_point=(33.0, 5.0)), "ally_point is (33.0, 5.0), coordinates must lie in 0..32"),
        (dict(enemy_point=(3.0, -5.0)), "enemy_point is (3.0, -5.0), coordinates must lie in 0..32"),
    ],
)
def test_scenario(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Scenario(**{**GOOD, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(rules="2022"), "option rules is '2022', allowed: 2024, 2023"),
        (dict(max_reward_from="last"), "option max_reward_from is 'last', allowed: first_battle, each_battle"),
        (dict(illegal_actions="ignore"), "option illegal_actions is 'ignore', allowed: raise, noop"),
        (dict(unit_order="index"), "option unit_order is 'index', allowed: simultaneous, random"),
        (dict(enemy_medivacs="flee"), "option enemy_medivacs is 'flee', allowed: approach, follow, hover"),
        (dict(prob_obs_enemy=1.5), "option prob_obs_enemy is 1.5, allowed is 0 to 1"),
        (dict(mask_probability=-0.5), "option mask_probability is -0.5, allowed is 0 to 1"),
        (
            dict(attack_lower_bound=0.7, attack_upper_bound=0.6),
            "options attack_lower_bound and attack_upper_bound are 0.7 and 0.6, allowed is 0 <= lower <= upper <= 1",
        ),
        (dict(health_lower_bound=float("nan")), "option health_lower_bound is nan, it must be a finite number"),
        (dict(health_upper_bound=1.0), "option health_upper_bound is 1, it must be below: at 1 nobody could live"),
        (
            dict(stochastic_health=True, reward_only_positive=False),
            "option stochastic_health needs reward_only_positive=True",
        ),
        (
            dict(stochastic_health=True, kill_unit_step_mul=8),
            "option kill_unit_step_mul is 8, with stochastic_health it must lie in 1..7, below step_mul",
        ),
        (
            dict(obs_starcraft=False),
            "option obs_starcraft=False leaves an empty observation; set obs_timestep_number=True as well",
        ),
        (
            dict(obs_pathing_grid=True, move_amount=1.5),
            "option obs_pathing_grid looks at cells whole moves away: move_amount is 1.5, it must be a whole number",
        ),
        (dict(obs_terrain_height=True, move_amount=2.5), "option obs_terrain_height looks at cells whole moves away"),
        (dict(step_mul=0), "option step_mul is 0, allowed is 1 to 1000"),
        (dict(num_fov_actions=0), "option num_fov_actions is 0, allowed is 1 to 360"),
        (dict(move_amount=0.0), "option move_amount is 0.0, allowed is above 0 to 64"),
        (dict(move_amount=float("nan")), "option move_amount is nan, it must be a finite number"),
        (dict(reward_scale_rate=-1), "option reward_scale_rate is -1.0, allowed is above 0 to 1000000"),
        (dict(obs_timestep_number=10**9), "option obs_timestep_number is 1000000000, it must be True or False"),
        (dict(conic_fov="x"), "option conic_fov is 'x', it must be True or False"),
        (dict(step_mul=2.0), "option step_mul is 2.0, it must be a whole number"),
        (dict(step_mul=True), "option step_mul is True, it must be a whole number"),
        (dict(reward_win="1"), "option reward_win is '1', it must be a number"),
        (dict(reward_win=[1] * 99), f"option reward_win is [{'1, ' * 19}1…"),
        (dict(rules=2024), "option rules is 2024, it must be a string"),
        (dict(min_attack_range=-1.0), "option min_attack_range is -1.0, allowed is 0 to 64"),
        (
            dict(rules="2023", prob_obs_enemy=0.5),
            'option prob_obs_enemy needs the sighting tags of rules="2024"; leave it at 1.0 with rules="2023"',
        ),
    ],
)
def test_options(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        BattleOptions(**wrong)


@pytest.mark.parametrize("field", dataclasses.fields(BattleOptions), ids=lambda field: field.name)
@pytest.mark.parametrize("wrong", [None, "x", 10**30, 1.5, [], {}, object(), np.ones(3), float("inf"), b"x", 1j])
def test_no_option_takes_any_value(field: dataclasses.Field[Any], wrong: Any) -> None:
    """Each either is refused with the option's name, or is one of its values."""
    try:
        made = BattleOptions(**{field.name: wrong})
    except ValueError as error:
        assert f"option {field.name} " in str(error)  # noqa: PT017 - whichever of the texts it is
    else:
        assert (type(getattr(made, field.name)), wrong) == (float, 1.5)


def test_numbers_of_numpy_become_plain_ones() -> None:
    made = BattleOptions(
        step_mul=np.int32(4), move_amount=np.float32(1.5), conic_fov=np.bool_(True), reward_win=np.int64(100)
    )
    assert repr(made) == repr(BattleOptions(step_mul=4, move_amount=1.5, conic_fov=True, reward_win=100.0))


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "4", True, [1]])
def test_seed(seed: Any) -> None:
    says = re.escape(f"seed is {seed!r}, it must")
    with pytest.raises(ValueError, match=says):
        make("terran_5_vs_5", seed=seed)
    with pytest.raises(ValueError, match=says):
        make("terran_5_vs_5", seed=1).reset(seed=seed)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((5,), "int64"), ((2, 4), "int64"), ((2, 5), "float64"), ((2, 5), "bool")]
)
def test_actions_of_the_wrong_form(shape: tuple[int, ...], dtype: str) -> None:
    says = re.escape(f"actions have shape {shape} and type {dtype}, expected integers of shape (2, 5)")
    with pytest.raises(ValueError, match=says):
        begun("terran_5_vs_5", 2, seed=1).step(np.ones(shape, dtype))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint16, np.int64])
def test_any_integers_will_do(dtype: type) -> None:
    env = begun("terran_5_vs_5", 2, seed=1)
    env.step(np.ones((2, 5), dtype))
    assert (env.battles["step"] == 1).all()


def test_a_step_before_the_first_battle() -> None:
    with pytest.raises(ValueError, match=re.escape("no battle has started yet; call reset() first")):
        make("terran_5_vs_5", 2).step(np.ones((2, 5), int))


def test_an_illegal_action_names_the_legal_ones() -> None:
    """Everybody stands in the middle: the no-op is for the dead only."""
    env = begun("terran_5_vs_5", 2, seed=1)
    env.action_mask[1, 3] = False
    env.action_mask[1, 3, [1, 2, 5, 6]] = True
    actions = np.ones((2, 5), int)
    actions[1, 3] = 0
    says = "illegal action 0 of agent 3 in battle 1; legal now: 1 (stop), 2 (north), 5 (west), 6 ("
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        env.step(actions)
    assert 'mask your policy with action_mask, or make the environment with illegal_actions="noop"' in str(error.value)
    assert (env.battles["step"] == 0).all()  # nothing has moved


@pytest.mark.parametrize("action", [-1, 11, 2**40])
def test_an_action_out_of_range(action: int) -> None:
    env = begun("terran_5_vs_5", 1, seed=1)
    with pytest.raises(ValueError, match=f"illegal action {action} of agent 2 in battle 0"):
        env.step(np.array([[1, 1, action, 1, 1]]))


def test_names_of_actions() -> None:
    env = begun("terran_5_vs_5", 1, seed=1, conic_fov=True)
    env.battles["kind"][0, :2] = [kind_of("marine"), kind_of("medivac")]
    names = [env.action_name(0, 0, action) for action in (0, 1, 2, 3, 4, 5, 6, 17, 18)]
    assert names == ["no-op", "stop", "north", "south", "east", "west", "look 0", "look 11", "attack enemy 0"]
    assert env.action_name(0, 1, 22) == "heal ally 4"


def test_a_saved_state_of_something_else() -> None:
    saved = make("terran_5_vs_5", 2, seed=1).state_dict()
    says = "the saved state is of 2 battles of 'terran_5_vs_5', this environment has 3 of 'terran_5_vs_5'"
    with pytest.raises(ValueError, match=says):
        make("terran_5_vs_5", 3).load_state_dict(saved)
    with pytest.raises(ValueError, match="this environment has 2 of 'zerg_5_vs_5'"):
        make("zerg_5_vs_5", 2).load_state_dict(saved)
    without = {name: part for name, part in saved.items() if name != "version"}
    with pytest.raises(ValueError, match="the saved state is of another version of the engine; start the run again"):
        make("terran_5_vs_5", 2).load_state_dict(without)
    with pytest.raises(ValueError, match=r"is of BattleOptions\(.*step_mul=8.*this environment has .*step_mul=4"):
        make("terran_5_vs_5", 2, step_mul=4).load_state_dict(saved)


def test_a_unit_type_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="unknown unit type 'ghost': registered: baneling, colossus"):
        kind_of("ghost")


def test_a_record_with_a_missing_field() -> None:
    with pytest.raises(ValueError, match="fields differ from the record's"):
        record(BATTLE, {"key": 1})


@pytest.mark.parametrize("name", ["n_agents", "n_actions", "obs_size", "state_size", "episode_limit"])
def test_a_spec_without_size(name: str) -> None:
    sizes = dict(n_agents=1, n_actions=1, obs_size=1, state_size=1, episode_limit=1)
    with pytest.raises(ValueError, match=f"EnvSpec 'x': {name} is 0, it must be at least 1"):
        EnvSpec(id="x", n_enemies=1, **{**sizes, name: 0})


def test_a_scenario_may_have_fields_of_its_own() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Named(Scenario):
        author: str = "ann"

    assert Named(**GOOD, author="bob").author == "bob"
    with pytest.raises(ValueError, match="scenario: author is 3, it must be a string"):
        Named(**GOOD, author=3)


@pytest.mark.parametrize("win", [-165.0, -1000.0])
def test_rewards_that_cannot_be_scaled(win: float) -> None:
    with pytest.raises(ValueError, match=r"3m: a flawless battle returns -?\d+ with these rewards"):
        make("3m", 2, reward_win=win).reset()
    make("3m", 2, reward_win=win, reward_scale=False).reset()
