"""The whole team as one agent of Gymnasium: its own checker, the same battles as PettingZoo's door, mistakes."""

from __future__ import annotations

import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs
from envs.gymnasium_env import CentralisedBattle
from tests.envs.play import begun


def made(name: str, **options: Any) -> CentralisedBattle:
    battle = gymnasium.make(name, **options).unwrapped
    assert isinstance(battle, CentralisedBattle)
    return battle


# The checker finds bounds of infinity "probably" wrong; the features have no useful ones (distances with full sight).
@pytest.mark.filterwarnings("ignore:.*A Box observation space m.* value is.*infinity:UserWarning")
@pytest.mark.parametrize("name", ["k24/3m-v0", "k24/terran_5_vs_5-v0", "k24/MMM2-v0"])
@pytest.mark.parametrize("observation", ["state", "agents"])
def test_gymnasiums_own_checker(name: str, observation: str) -> None:
    check_env(made(name, observation=observation), skip_render_check=True)  # which would open a window


def test_pictures() -> None:
    battle = made("k24/3m-v0", render_mode="rgb_array")
    battle.reset(seed=0)
    before = battle.render()
    assert before.ndim == 3
    battle.step(np.full(3, 2))
    assert not np.array_equal(before, battle.render())


def test_videos_run_as_fast_as_the_game() -> None:
    for step_mul, rate in ((8, 2), (4, 4), (16, 1)):
        battle = made("k24/3m-v0", step_mul=step_mul, render_mode="rgb_array")
        assert battle.get_wrapper_attr("metadata")["render_fps"] == rate


def test_every_battle_is_registered() -> None:
    battles = {id for id in envs.ids() if envs.registry.entry(id).entry_point == envs.registry.BATTLE}
    found = {name.removeprefix("k24/").removesuffix("-v0") for name in gymnasium.registry if name.startswith("k24/")}
    assert battles <= found
    assert "mpe2/simple_spread_v3" not in found


def test_a_map_of_ones_own_is_registered_as_well() -> None:
    with envs.registry.scenarios.preserved():
        for _ in range(2):  # a notebook's cell that runs twice does not warn
            with envs.registry.scenarios.preserved():
                envs.register("my_map", scenario=envs.registry.entry("3m").scenario)
        envs.register("my_map", scenario=envs.registry.entry("3m").scenario)
        assert made("k24/my_map-v0").action_space.shape == (3,)
    gymnasium.registry.pop("k24/my_map-v0")


@pytest.mark.parametrize("observation", ["state", "agents"])
def test_it_plays_the_battles_of_pettingzoos_door(observation: str) -> None:
    battle, world = made("k24/terran_5_vs_5-v0", observation=observation), envs.parallel_env("terran_5_vs_5")
    shown, info = battle.reset(seed=4)
    rows, _ = world.reset(seed=4)
    over, won, steps = False, False, 0
    while not over:
        expected = (
            world.state() if observation == "state" else np.concatenate([r["observation"] for r in rows.values()])
        )
        assert np.array_equal(shown, expected)
        mask = np.stack([row["action_mask"] for row in rows.values()])
        assert np.array_equal(info["action_mask"], mask)
        assert np.array_equal(battle.action_masks(), mask.ravel().astype(bool))
        action = mask.shape[1] - 1 - mask[:, ::-1].argmax(1)
        shown, reward, terminated, truncated, info = battle.step(action)
        rows, rewards, ends, cuts, infos = world.step(dict(zip(world.possible_agents, action, strict=True)))
        assert (reward, terminated, truncated) == (rewards["ally_0"], ends["ally_0"], cuts["ally_0"])
        over, won, steps = terminated or truncated, info["battle_won"], steps + 1
    assert won == infos["ally_0"]["battle_won"]
    assert steps > 5


def test_illegal_actions() -> None:
    """Wrappers of single agents know no masks: what is illegal is no order; who wants an error asks for it."""
    battle = made("k24/3m-v0")
    battle.reset(seed=0)
    battle.step(np.zeros(3, int))
    strict = made("k24/3m-v0", illegal_actions="raise")
    strict.reset(seed=0)
    with pytest.raises(ValueError, match="illegal action 0 of agent 0"):
        strict.step(np.zeros(3, int))


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (np.ones(2, int), "step: action has shape (2,), expected 3 integers, one each"),
        (1, "step: action has shape (), expected 3 integers"),
        (np.ones(3), "the action of ally_0 is np.float64(1.0), it must be a whole number"),
    ],
)
def test_mistakes(action: Any, says: str) -> None:
    battle = made("k24/3m-v0")
    battle.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape(says)):
        battle.step(action)
    with pytest.raises(ValueError, match="observation is 'pixels', allowed: state, agents"):
        CentralisedBattle("3m", observation="pixels")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown option 'conic_fow' of 3m"):
        CentralisedBattle("3m", conic_fow=True)


def test_options_of_the_other_doors() -> None:
    with pytest.raises(ValueError, match="takes no flat_observations: its observations are flat already"):
        gymnasium.make("k24/3m-v0", flat_observations=True)
    battle = gymnasium.make("k24/terran_5_vs_5-v0", seed=1, first_slot=3)
    second = begun("terran_5_vs_5", 1, seed=1, first_slot=3)
    np.testing.assert_array_equal(battle.reset()[0], second.state[0])
