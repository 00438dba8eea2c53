"""A unit type of one's own in one call: its numbers, its place in the order, its battles, and mistakes."""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import Any

import numpy as np
import pytest

import envs
from envs import registry
from envs.battle.state import MAX_KINDS
from envs.battle.unit_types import facts, kind_of, unit_types
from envs.battle.units import unit_table
from tests.envs.play import Player, begun


def register_sniper() -> None:
    """All that a user's own file needs: a unit, and a map that has it."""
    envs.register_unit("ancient_sniper", like="marine", hp=60, weapons=[dict(range=9, damage=20, period_loops=30)])
    envs.register(
        "snipers",
        scenario=envs.Scenario(
            race="terran", n_agents=3, n_enemies=3, unit_types=("marine", "ancient_sniper"), weights=(0.5, 0.5)
        ),
    )


def test_what_is_not_said_is_the_models() -> None:
    register_sniper()
    table, sniper, marine = unit_table()[0], kind_of("ancient_sniper"), kind_of("marine")
    assert (table["hp"][sniper], table["hp"][marine]) == (60, 45)
    assert table["speed"][sniper] == table["speed"][marine]
    assert (table["range"][sniper, 0], table["period"][sniper, 0]) == (9, 30)
    assert table["damage"][sniper, 0, marine] == 20
    assert table["can_attack"][sniper, kind_of("medivac")]
    setup = envs.make("snipers", seed=0).setup[0]  # type: ignore[attr-defined]
    assert setup["shoot_range"][sniper] == 9, "the mask's range follows the weapon's"
    assert setup["sight_range"][sniper] == setup["sight_range"][marine] == 9


def test_types_keep_the_order_of_registration() -> None:
    """Not the alphabet's: "ancient_sniper" comes after "zergling", and everything that was there keeps its number."""
    before = list(facts())
    register_sniper()
    envs.register_unit("aaa", like="zealot")
    assert list(facts()) == [*before, "ancient_sniper", "aaa"]
    env = begun("snipers", 50, seed=3)
    assert env.spec.unit_types == ("marine", "ancient_sniper")
    assert (np.diff(env.unit_type) >= 0).all(), "agents are numbered by type, the game's own first"
    assert set(np.unique(env.unit_type)) == {0, 1}


def test_its_battles_are_played_to_the_end() -> None:
    register_sniper()
    env, player, ended = begun("snipers", 8, seed=1), Player(1, 8), 0
    for _ in range(150):
        env.step(player(env.action_mask))
        ended += int((env.terminated | env.truncated).sum())
    assert ended >= 4
    world = envs.parallel_env("snipers", seed=1, render_mode="rgb_array")
    _, infos = world.reset()
    assert world.unit_types == ("marine", "ancient_sniper")
    assert {infos[agent]["unit_type"] for agent in world.agents} <= {0, 1}
    assert world.render().ndim == 3  # type: ignore[union-attr]


def test_a_longer_range_wins() -> None:
    """Three against three of one kind, both scripted: only the range differs."""
    envs.register_unit("far_marine", like="marine", weapons=[dict(range=12, scan_range=12)], sight_range=14)
    for name, team in (("near", "marine"), ("far", "far_marine")):
        scenario = envs.Scenario(
            race="terran", n_agents=3, n_enemies=3, unit_types=(team,), ally_team=(team,) * 3, start="points",
            enemy_team=("marine",) * 3, enemy_type_order=("marine",),
        )  # fmt: skip
        envs.register(name, scenario=scenario, defaults=dict(heuristic_ai=True))
    won = {}
    for name in ("near", "far"):
        env = begun(name, 16, seed=0)
        wins = battles = 0
        for _ in range(120):
            env.step(np.ones((16, 3), int))
            wins += int(env.battle_won.sum())
            battles += int((env.terminated | env.truncated).sum())
        won[name] = wins / battles
    assert won["far"] > won["near"] + 0.3, won


def test_what_a_run_depends_on_holds_its_numbers() -> None:
    register_sniper()
    scenario = registry.entry("snipers").scenario
    assert scenario is not None
    data = registry.own_data(scenario)
    assert list(data["units"]) == ["ancient_sniper"]
    assert data["units"]["ancient_sniper"]["hp"] == 60
    json.dumps(data)  # as it is stored
    assert registry.own_data(registry.entry("terran_5_vs_5").scenario) == {}  # type: ignore[arg-type]


def test_a_healer_of_ones_own() -> None:
    envs.register_unit("nurse", like="medivac", heal=dict(hp_per_loop=2.0), energy_start=200)
    table = unit_table()[0]
    assert (table["heal_rate"][kind_of("nurse")], table["energy_start"][kind_of("nurse")]) == (2.0, 200)
    assert table["heal_range"][kind_of("nurse")] == table["heal_range"][kind_of("medivac")]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(name="marine"), "unit type 'marine' is already registered; choose another id"),
        (dict(name=""), "an id must be a non-empty string"),
        (dict(like="ghost"), "unknown unit type 'ghost': registered: baneling, colossus"),
        (dict(like="marin"), "unknown unit type 'marin': did you mean marine"),
        (dict(magic=3), "unit type 'x' has no field 'magic': allowed: race, hp, shield"),
        (dict(shild=3), "unit type 'x' has no field 'shild': did you mean shield? allowed:"),
        (dict(hp=0), "hp of unit type 'x' is 0, allowed is above 0 to 100000"),
        (dict(hp="many"), "option hp of unit type 'x' is 'many', it must be a number"),
        (dict(hp=float("nan")), "option hp of unit type 'x' is nan, it must be a finite number"),
        (dict(radius=9), "radius of unit type 'x' is 9, allowed is above 0 to 2"),
        (dict(race="human"), "race of unit type 'x' is 'human', allowed: terran, protoss, zerg"),
        (dict(planes=[]), "planes of unit type 'x' is [], allowed: ground, air"),
        (dict(planes="sky"), "planes of unit type 'x' is 'sky', allowed: ground, air"),
        (dict(planes=["ground", 3]), "planes of unit type 'x' is ['ground', 3], allowed: ground, air"),
        (dict(collides_with_ground=1), "collides_with_ground of unit type 'x' is 1, it must be True or False"),
        (dict(sight_range=-1), "sight_range of unit type 'x' is -1, allowed is above 0 to 64"),
        (dict(sight_range=0), "sight_range of unit type 'x' is 0, allowed is above 0 to 64"),
        (dict(planes="air"), "unit type 'x': planes ['air'] go with collides_with_ground=False"),
        (
            dict(weapons=[dict(delivery="missile")]),
            "delivery 'missile' needs a missile_speed_per_loop with which 9 cells",
        ),
        (
            dict(weapons=[dict(delivery="missile", missile_speed_per_loop=0.1)]),
            "weapon 0 of unit type 'x': delivery 'missile' needs a missile_speed_per_loop with which 9 cells are flown",
        ),
        (dict(weapons=[dict(delivery="burst")]), "delivery 'burst' needs second_hit_loops above 0"),
        (dict(weapons=[dict(delivery="explosion")]), "delivery 'explosion' needs a splash_radius above 0"),
        (
            dict(like="baneling", weapons=[dict(hits_air=True, hits_ground=False)]),
            "delivery 'explosion' needs hits_ground=True and hits_air=False",
        ),
        (
            dict(weapons=[dict(hits_air=False), dict(hits_ground=False, range=5)]),
            "unit type 'x': the second weapon is for ground targets that are near",
        ),
        (dict(weapons=[{}] * 3), "unit type 'x': weapons must be a list of at most 2 mappings"),
        (dict(weapons=dict(range=3)), "unit type 'x': weapons must be a list of at most 2 mappings"),
        (dict(weapons=[dict(rang=3)]), "weapon 0 of unit type 'x' has no field 'rang': did you mean range"),
        (dict(weapons=[dict(delivery="magic")]), "delivery of weapon 0 of unit type 'x' is 'magic', allowed: instant"),
        (dict(heal=dict(range=3)), "heal={'range': 3}, but marine does not heal; use like='medivac'"),
    ],
)
def test_mistakes(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        envs.register_unit(**{"name": "x", "like": "marine", **wrong})
    assert "x" not in unit_types


def test_a_full_table() -> None:
    for number in range(len(unit_types), MAX_KINDS):
        envs.register_unit(f"unit_{number}", like="marine")
    with pytest.raises(ValueError, match=f"the engine holds {MAX_KINDS} types, all of them are registered"):
        envs.register_unit("one_more", like="marine")


def test_another_race_does_not_draw_it() -> None:
    register_sniper()
    with pytest.raises(ValueError, match="unknown zerg unit type 'ancient_sniper', allowed: zergling, hydralisk"):
        envs.Scenario(race="zerg", n_agents=1, n_enemies=1, unit_types=("ancient_sniper",))


def test_one_word_stands_for_a_list_of_it() -> None:
    flies = dict(planes="air", collides_with_ground=False)
    envs.register_unit("glider", like="marine", attributes=["light", "mechanical"], **flies)
    assert unit_types.get("glider")["planes"] == ["air"]
    assert unit_types.get("glider")["attributes"] == ["light", "mechanical"]


def test_a_battle_without_it_is_saved_and_goes_on() -> None:
    """A command with ``--import`` resumes runs of the game's own maps that were begun without."""
    with closing(envs.make("3m", 1, seed=1)) as before:
        before.reset()
        saved = before.state_dict()
    register_sniper()
    with closing(envs.make("3m", 1, seed=2)) as after:
        after.load_state_dict(saved)
        np.testing.assert_array_equal(after.obs, before.obs)
