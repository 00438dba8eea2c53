"""From scenario and options to the package's arguments, and what it cannot play."""

from __future__ import annotations

import re
from typing import Any

import pytest

import envs
from envs.registry import make_options
from envs.sc2.options import map_file, map_name, package_arguments

PLAYED = [
    id
    for id in envs.ids()
    if envs.registry.entry(id).scenario is not None and not envs.registry.entry(id).summary.startswith("extra")
]


def arguments(id: str, **options: Any) -> dict[str, Any]:
    scenario = envs.registry.entry(id).scenario
    assert scenario is not None
    return package_arguments(id, scenario, make_options(id, options, "sc2"))


def test_a_generated_scenario() -> None:
    given = arguments("terran_10_vs_11")
    assert given["capability_config"] == {
        "n_units": 10,
        "n_enemies": 11,
        "team_gen": {
            "dist_type": "weighted_teams",
            "unit_types": ["marine", "marauder", "medivac"],
            "weights": [0.45, 0.45, 0.1],
            "exception_unit_types": ["medivac"],
            "observe": True,
        },
        "start_positions": {"dist_type": "surrounded_and_reflect", "p": 0.5, "map_x": 32, "map_y": 32},
    }
    assert (given["map_name"], map_file(given["map_name"])) == ("10gen_terran", "32x32_flat")
    assert given["continuing_episode"] is True
    assert isinstance(given["move_amount"], int), "smacv2 indexes grids with it"
    assert not {"rules", "unit_order", "illegal_actions", "step_timeout", "mask_probability"} & given.keys()


def test_a_fixed_map_has_its_own_defaults() -> None:
    given = arguments("2s3z")
    assert given["capability_config"] == {"n_units": 5, "n_enemies": 5}
    assert (given["use_unit_ranges"], given["obs_own_pos"]) == (False, False)
    assert map_file(given["map_name"]) == "2s3z"


def test_extended_partial_observability() -> None:
    given = arguments("zerg_5_vs_5-epo")
    assert (given["conic_fov"], given["prob_obs_enemy"], given["action_mask"]) == (True, 0.0, False)


def test_capabilities() -> None:
    config = arguments(
        "6h_vs_8z", stochastic_attack=True, stochastic_health=True, health_upper_bound=0.3, mask_enemies=True
    )["capability_config"]
    assert config["attack"] == dict(dist_type="per_agent_uniform", lower_bound=[0.0], upper_bound=[1.0], observe=True)
    assert config["health"] == dict(dist_type="per_agent_uniform", lower_bound=[0.0], upper_bound=[0.3], observe=True)
    assert config["enemy_mask"] == dict(dist_type="mask", mask_probability=0.5)


@pytest.mark.parametrize("id", PLAYED)
def test_every_published_scenario_can_be_played(id: str) -> None:
    assert arguments(id)["map_name"] in (id, *(f"10gen_{race}" for race in ("terran", "protoss", "zerg")))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (dict(map="ring"), 'random teams meet on 32x32_flat only: map="flat"'),
        (dict(script="none"), 'script="attack_closest"'),
        (dict(enemy_race="zerg"), "random teams are of one race"),
        (dict(unit_types=("marine", "medivac"), type_bits=3), "those of marine, marauder, medivac, in this order"),
        (dict(type_order=("medivac", "marauder", "marine")), "in this order and from the first on"),
        (dict(enemy_type_order=("marauder", "marine", "medivac")), "in this order and from the first on"),
        (dict(healers=False), "catalog and healers are the built-in engine's alone"),
        (dict(catalog="bane_vs_hM"), "catalog and healers are the built-in engine's alone"),
        (dict(start="points", ally_point=(3.0, 3.0)), "start is one of surrounded_and_reflect, surrounded, reflect"),
        (
            dict(ally_team=("marine",) * 2, enemy_team=("marine",) * 2, n_agents=2, n_enemies=2),
            "teams are fixed only on SMAC's maps: 3m, 8m,",
        ),
    ],
)
def test_what_the_package_cannot_play(changes: dict[str, Any], why: str) -> None:
    given = dict(race="terran", n_agents=5, n_enemies=5, unit_types=("marine", "marauder", "medivac")) | changes
    with pytest.raises(ValueError, match="scenario 'mine' cannot be played by smacv2: ") as raised:
        map_name("mine", envs.Scenario(**given), make_options("terran_5_vs_5", {}, "sc2"))
    assert why in str(raised.value)
    assert 'play it with backend="battle"' in str(raised.value)


def test_other_starts() -> None:
    """Without a distribution smacv2 puts teams at the map's points."""
    for start, expected in (("reflect", "reflect_position"), ("surrounded", "surrounded"), ("points", None)):
        scenario = envs.Scenario(race="zerg", n_agents=2, n_enemies=2, unit_types=("zergling",), start=start)
        config = package_arguments("mine", scenario, make_options("zerg_5_vs_5", {}, "sc2"))["capability_config"]
        assert config.get("start_positions", {}).get("dist_type") == expected
        assert ("start_positions" in config) == (expected is not None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (dict(rules="2023"), "option rules='2023' is the built-in engine's alone (the package plays its own release"),
        (dict(unit_order="random"), "option unit_order='random' is the built-in engine's alone"),
        (dict(enemy_medivacs="follow"), 'leave it out, or play with backend="battle"'),
        (dict(difficulty="B"), "option difficulty is 'B', allowed: 1, 2"),
        (dict(game_version="5.0"), "option game_version is '5.0', allowed: 4.10, latest"),
        (dict(step_timeout=0.0), "option step_timeout is 0.0, allowed is above 0 to 86400"),
        (dict(max_failures=0), "option max_failures is 0, allowed is 1 to 1000000"),
        (dict(backoff=-1.0), "option backoff is -1.0, allowed is 0 to 3600"),
        (dict(step_mull=4), "unknown option 'step_mull' of terran_5_vs_5: did you mean step_mul"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        envs.make("terran_5_vs_5", backend="sc2", **options)


def test_types_are_drawn_only_where_teams_are() -> None:
    with pytest.raises(ValueError, match="hides types that are drawn, and this map's are fixed"):
        arguments("2s3z", observe_teammate_types=False)


def test_other_worlds_and_other_backends() -> None:
    with pytest.raises(ValueError, match="unknown backend 'sc3', allowed: battle, sc2"):
        envs.make("terran_5_vs_5", backend="sc3")
    with pytest.raises(ValueError, match="'mpe2/simple_spread_v3' is a world of its own, which backend sc2 does not"):
        envs.registry.options_class("mpe2/simple_spread_v3", "sc2")
