"""A battle set by hand shows what was set, follows a fight played elsewhere, and refuses what cannot be."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs import GameUnits, Memory
from envs.battle.engine import BattleEnv
from envs.battle.state import NONE
from tests.envs.play import Player, begun, make

VIEWS = ("obs", "state", "action_mask", "unit_type")
FLAGS = ("reward", "terminated", "truncated", "battle_won", "battle_lost", "dead_allies", "dead_enemies")
SWITCHED_ON = (
    *("stochastic_attack", "stochastic_health", "mask_enemies", "conic_fov", "obs_last_action"),
    *("obs_timestep_number", "obs_pathing_grid", "obs_terrain_height", "state_timestep_number"),
)
EVERYTHING: dict[str, Any] = dict.fromkeys(SWITCHED_ON, True) | dict(prob_obs_enemy=0.5, action_mask=False)
FRESH = dict(hp=None, energy=None)


def moment() -> GameUnits:
    """Two marines and a medivac against two marauders, the owners mixed."""
    return GameUnits(
        unit_type=["marauder", "marine", "marine", "marauder", "medivac"],
        owner=[2, 1, 1, 2, 1],
        x=[20.0, 10.0, 12.0, 15.0, 11.0],
        y=[16.0, 16.0, 18.0, 16.0, 16.0],
        hp=[125.0, 45.0, 22.5, 50.0, 0.0],
        energy=[0.0, 0.0, 0.0, 0.0, 50.0],
        cooldown=[0.0, 3.0, 0.0, 1.0, 0.0],
    )


def small(**options: Any) -> BattleEnv:
    env = make("terran_5_vs_5", 2, seed=1)
    scenario = replace(env.scenario, n_agents=3, n_enemies=2)
    chosen = replace(env.options, **{"rules": "2023", **options})
    return BattleEnv(id="small", scenario=scenario, num_envs=2, seed=1, first_slot=0, options=chosen)


def test_a_moment_by_hand() -> None:
    env = small()
    env.load_game_state(moment(), Memory(step=7, last_action=[2, -1, 1]), battle=1)
    assert env.unit_type[1].tolist() == [0, 0, 2]
    own = env.obs[1, 0, -6:]  # health, x, y, three type bits
    np.testing.assert_allclose(own, [1.0, 10 / 32, 16 / 32, 1, 0, 0])
    enemy_0, enemy_1 = env.obs[1, 0, 4:12], env.obs[1, 0, 12:20]
    assert not enemy_0.any(), "ten cells away, a marine sees nine"
    np.testing.assert_allclose(enemy_1, [1, 5 / 9, 5 / 9, 0, 50 / 125, 0, 1, 0], rtol=1e-6)
    assert not env.obs[1, 2].any(), "a dead agent sees nothing"
    np.testing.assert_allclose(env.state[1, :7], [1.0, 3 / 15, -6 / 32, 0, 1, 0, 0])
    assert env.state[1, 3 * 7 + 2 * 6 :].reshape(3, -1).argmax(axis=1).tolist() == [2, 0, 1]
    assert env.action_mask[1, 0].tolist() == [False, True, True, True, True, True, False, True, False]
    assert env.action_mask[1, 2].tolist() == [True] + [False] * 8
    assert (env.dead_allies[1], env.dead_enemies[1]) == (1, 0)
    assert env.reward[1] == 0
    assert not env.obs[0].any(), "the other battle is left alone"


def test_reward_and_end_by_hand() -> None:
    env = small()
    units = replace(moment(), hp=[0.0, 45.0, 22.5, 0.0, 0.0])
    # Enemies had 20 and 30 life; both died: 50 points, 10 for each death, 200 for the win, scaled by 20 / 500.
    before = [45.0, 45.0, 0.0, 20.0, 30.0]  # agents first, in their order
    env.load_game_state(units, Memory(step=9, previous_health=before, max_reward=500.0))
    assert env.reward[0] == np.float32((50 + 20 + 200) * 20 / 500)
    assert (env.terminated[0], env.truncated[0], env.battle_won[0], env.battle_lost[0]) == (True, False, True, False)


def test_max_reward_is_worked_out() -> None:
    env = small()
    env.load_game_state(moment())
    assert env.game_state()[1].max_reward == 2 * 125 + 2 * 10 + 200


def test_what_is_left_out_is_fresh() -> None:
    env = small()
    env.load_game_state(GameUnits(unit_type=["marine"] * 2 + ["medivac"] + ["marine"] * 2, owner=[1] * 3 + [2] * 2,
                                  x=[4.0] * 5, y=[4.0] * 5))  # fmt: skip
    units, memory = env.game_state()
    assert np.asarray(units.hp).tolist() == [45, 45, 150, 45, 45]
    assert np.asarray(units.energy)[2] == 50
    assert memory.step == 0
    assert np.asarray(memory.tag).tolist() == [-1, -1]
    assert memory.previous_health is None


@pytest.mark.parametrize("options", [dict(rules="2023"), dict(prob_obs_enemy=0.0, conic_fov=True), EVERYTHING])
@pytest.mark.parametrize("race", ["terran", "protoss", "zerg"])
def test_following_a_fight_shows_what_the_fight_shows(race: str, options: dict[str, Any]) -> None:
    """Reward, end and every view, bit for bit, one battle after the other."""
    # Both begin: the first moment has been looked at once.
    game, follower = (begun(f"{race}_5_vs_5", 1, seed=3, **options) for _ in range(2))
    player, steps, ends = Player(5, attacks=0.5), 0, 0
    while ends < 2:
        actions = player(game.action_mask)
        units, _ = game.game_state()
        for name in VIEWS:
            np.testing.assert_array_equal(getattr(follower, name), getattr(game, name), err_msg=f"{name}, {steps}")
        game.step(actions)
        steps += 1
        over = game.terminated[0] or game.truncated[0]
        if over:  # what the last moment was like is gone; go on with the new battle
            ends += 1
            follower.reset()
            continue
        units, _ = game.game_state()
        follower.follow_game(units, actions[0])
        for name in FLAGS:
            assert getattr(follower, name)[0] == getattr(game, name)[0], f"{name}, step {steps}"
    assert steps > 20


@pytest.mark.parametrize(
    "options", [dict(rules="2023"), dict(prob_obs_enemy=0.0), {**EVERYTHING, "prob_obs_enemy": 0.0}]
)
def test_what_is_read_can_be_loaded(options: dict[str, Any]) -> None:
    """Into a fresh environment; sightings are never shared here, so that the second look shows what the first did."""
    game, other = begun("protoss_5_vs_5", 1, seed=3, **options), make("protoss_5_vs_5", 1, seed=9, **options)
    player = Player(5)
    for _ in range(25):
        game.step(player(game.action_mask))
        other.load_game_state(*game.game_state())
        for name in (*VIEWS, *(FLAGS if game.battles[0]["step"] else ())):
            np.testing.assert_array_equal(getattr(other, name), getattr(game, name), err_msg=name)


@pytest.mark.parametrize("id", ["3m", "corridor", "2c_vs_64zg"])
def test_enemies_of_a_loaded_moment_have_the_order_of_their_map(id: str) -> None:
    """Those that live, as at the spawn: a march or an attack."""
    game, other = begun(id, 1, seed=3), make(id, 1, seed=9)
    units, memory = game.game_state()
    n = game.spec.n_agents
    hp = np.array(units.hp)
    hp[-1] = 0.0
    other.load_game_state(replace(units, hp=hp), memory)
    for name in ("order", "marches", "dest_x", "dest_y"):
        spawned, loaded = (env.battles[name][0, n : len(hp) - 1] for env in (game, other))
        np.testing.assert_array_equal(loaded, spawned, err_msg=name)
    assert other.battles["order"][0, len(hp) - 1] == NONE


def test_play_goes_on_from_a_loaded_moment() -> None:
    env = small()
    env.load_game_state(moment())
    env.load_game_state(moment(), battle=1)
    for _ in range(10):
        env.step(np.where(env.action_mask[:, :, 7], 7, np.where(env.action_mask[:, :, 0], 0, 1)))
    assert (env.battles["hp"][:, 4] < 50).all(), "the near marauder was shot at"
    assert (env.battles["hp"][0] == env.battles["hp"][1]).all(), "the same key, the same fight"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(unit_type=["marine"] * 4), "4 units, the scenario has 3 agents and 2 enemies; list the dead as well"),
        (dict(unit_type=["ghost"] * 5), "unknown unit type 'ghost': registered: baneling"),
        (
            dict(unit_type=["marine"] * 4 + ["zealot"], **FRESH),
            "agent 2 is a zealot, small has marauder, marine, medivac",
        ),
        (
            dict(unit_type=["zealot"] + ["marine"] * 4, **FRESH),
            "enemy 0 is a zealot, small has marauder, marine, medivac",
        ),
        (dict(owner=[1, 1, 1, 1, 2]), "4 units have owner 1, the scenario has 3 agents"),
        (dict(owner=[0, 1, 1, 2, 2]), "owner[0] is 0, allowed is 1..2"),
        (dict(owner=[1.5, 1, 1, 2, 2]), "owner must be whole numbers"),
        (dict(x=[1.0] * 4), "x has shape (4,), expected is (5,)"),
        (dict(x=["a"] * 5), "x must be numbers of shape (5,)"),
        (dict(y=[1.0, 33.0, 1.0, 1.0, 1.0]), "y[1] is 33, allowed is 0..32"),
        (dict(hp=[1.0, 46.0, 1.0, 1.0, 1.0]), "hp[1] is 46, allowed is 0..45"),
        (dict(hp=[1.0, float("nan"), 1.0, 1.0, 1.0]), "hp[1] is nan, allowed is 0..45"),
        (dict(shield=[1.0] * 5), "shield[0] is 1, allowed is 0..0"),
        (dict(energy=[0.0, 0.0, 0.0, 0.0, 201.0]), "energy[4] is 201, allowed is 0..200"),
        (dict(cooldown=[-1.0] * 5), "cooldown[0] is -1, allowed is 0..inf"),
    ],
)
def test_units_that_cannot_be(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        small().load_game_state(replace(moment(), **wrong))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(step=-1), "step[] is -1, allowed is 0..200"),
        (dict(step=201), "step[] is 201, allowed is 0..200"),
        (dict(last_action=[0, 1, 9]), "last_action[2] is 9, allowed is -1..8"),
        (dict(last_action=[0, 1]), "last_action has shape (2,), expected is (3,)"),
        (dict(look=[(2.0, 0.0)] * 3), "look[0, 0] is 2, allowed is -1..1"),
        (dict(tag=[3, 0]), "tag[0] is 3, allowed is -1..2"),
        (dict(sighted=[[1, 0, 2], [0, 0, 0]]), "sighted[0, 2] is 2, allowed is 0..1"),
        (dict(previous_health=[-1.0] * 5), "previous_health[0] is -1, allowed is 0..inf"),
        (dict(max_reward=0.0), "max_reward is 0.0, it must be above 0"),
        (dict(attack_probability=[0.5, 0.5, 1.5]), "attack_probability[2] is 1.5, allowed is 0..1"),
        (dict(health_level=[0.5, 0.5, 1.0]), "health_level[2] is 1, allowed is 0..1"),
        (dict(enemy_mask=[[0, 1]]), "enemy_mask has shape (1, 2), expected is (3, 2)"),
        (dict(key=2**64), "key is 18446744073709551616, it must lie in 0..2**64-1"),
    ],
)
def test_memories_that_cannot_be(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        small().load_game_state(moment(), Memory(**wrong))


def test_what_is_refused_changes_nothing() -> None:
    env = small()
    env.load_game_state(moment())
    before = env.battles.tobytes()
    with pytest.raises(ValueError, match="last_action"):
        env.load_game_state(moment(), Memory(last_action=[99] * 3))
    with pytest.raises(ValueError, match="illegal action 6 of agent 0 in battle 0"):
        env.follow_game(replace(moment(), shield=[0.0] * 5), [6, 1, 0])
    assert env.battles.tobytes() == before


def test_no_such_battle() -> None:
    env = small()
    says = re.escape("battle 2 does not exist; this environment has battles 0..1")
    for call in (
        lambda: env.load_game_state(moment(), battle=2),
        lambda: env.follow_game(moment(), [1, 1, 0], battle=2),
        lambda: env.game_state(battle=2),
    ):
        with pytest.raises(ValueError, match=says):
            call()


def test_nothing_to_follow_or_to_read() -> None:
    env = small()
    with pytest.raises(ValueError, match=re.escape("call reset() or load_game_state() first")):
        env.follow_game(moment(), [1, 1, 0])
    with pytest.raises(ValueError, match=re.escape("no battle has started yet; call reset() first")):
        env.game_state()


@pytest.mark.parametrize(
    ("units", "actions", "says"),
    [
        (dict(), [1, 1, 0], "follow: the units lack shield; every moment after the first needs them"),
        (dict(hp=[125.0, 45.0, 22.5, 50.0, 9.0]), [1, 1, 0], "follow: unit 2 has 9 hp, it was dead before"),
        (
            dict(unit_type=["marauder", "marine", "marauder", "marauder", "medivac"]),
            [1, 1, 0],
            "follow: unit 1 is a marauder, it was a marine before; units keep their numbers",
        ),
        (dict(), [1, 1], "follow: actions have shape (2,) and type int64, expected 3 integers"),
        (dict(), [1.0, 1.0, 0.0], "follow: actions have shape (3,) and type float64, expected 3 integers"),
    ],
)
def test_moments_that_do_not_follow(units: dict[str, Any], actions: list[Any], says: str) -> None:
    env = small()
    env.load_game_state(moment())
    given = replace(moment(), **({} if "lack" in says else dict(shield=[0.0] * 5)))
    with pytest.raises(ValueError, match=re.escape(says)):
        env.follow_game(replace(given, **units), actions)


def test_a_batch_of_which_one_battle_was_loaded_is_not_stepped() -> None:
    env = small(illegal_actions="noop")
    env.load_game_state(moment(), Memory(step=7), battle=0)
    with pytest.raises(ValueError, match="no battle has started yet"):
        env.step(np.ones((2, 3), int))
