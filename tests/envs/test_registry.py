"""A map of one's own in a few lines, and what the registry says to mistakes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import envs
from envs import registry
from tests.envs.play import Player, begun

BUILTIN = [f"{race}_{size}" for race in ("protoss", "terran", "zerg")
           for size in ("5_vs_5", "10_vs_10", "10_vs_11", "20_vs_20", "20_vs_23")]  # fmt: skip


def register_ambush() -> None:
    """All that a user's own file needs."""
    envs.register(
        "ambush",
        scenario=envs.Scenario(
            race="zerg", n_agents=3, n_enemies=2, unit_types=("zergling", "baneling"), start="points", episode_limit=60,
            ally_team=("zergling", "zergling", "baneling"), enemy_team=("baneling", "zergling"),
        ),
        summary="three against two",
    )  # fmt: skip


def test_a_map_of_ones_own() -> None:
    register_ambush()
    assert envs.ids()[-1] == "ambush"
    env = begun("ambush", num_envs=2, seed=1)
    assert (env.spec.n_agents, env.spec.n_enemies, env.spec.unit_types) == (3, 2, ("zergling", "baneling"))
    # 4 moves + 2 enemies × (4 + health + 2 type bits) + 2 allies × the same + own health, place and type
    assert env.spec.obs_size == 4 + 2 * 7 + 2 * 7 + 1 + 2 + 2
    assert env.spec.n_actions == 6 + 2
    player, ended = Player(1, 2), 0
    for _ in range(80):
        env.step(player(env.action_mask))
        ended += int((env.terminated | env.truncated).sum())
    assert ended >= 2
    assert np.array_equal(env.unit_type, [[1, 0, 0]] * 2)  # alphabetical: the baneling first, its bit second


def test_it_is_a_pettingzoo_world_as_well() -> None:
    register_ambush()
    world = envs.parallel_env("ambush", seed=1)
    _, infos = world.reset()
    assert world.agents == ["ally_0", "ally_1", "ally_2"]
    types = [world.unit_types[infos[agent]["unit_type"]] for agent in world.agents]
    assert types == ["baneling", "zergling", "zergling"]


def test_the_fifteen_are_there() -> None:
    assert set(BUILTIN) <= set(envs.ids())
    for id in BUILTIN:
        row = registry.entry(id)
        n, m = (int(count) for count in id.split("_", 1)[1].split("_vs_"))
        assert row.scenario is not None
        assert (row.scenario.n_agents, row.scenario.n_enemies) == (n, m)
        assert row.scenario.race == id.split("_")[0]
        assert row.summary
        assert row.source


@pytest.mark.parametrize("id", BUILTIN)
def test_each_has_a_variant_of_extended_partial_observability(id: str) -> None:
    row, variant = registry.entry(id), registry.entry(f"{id}-epo")
    assert variant.scenario == row.scenario
    made = registry.make_options(f"{id}-epo", {})
    assert (made.conic_fov, made.prob_obs_enemy, made.action_mask) == (True, 0.0, False)
    assert registry.make_options(id, {}) != made
    assert registry.make_options(id, dict(conic_fov=True, prob_obs_enemy=0.0, action_mask=False)) == made


def test_a_callers_option_wins_over_the_variants() -> None:
    plain, package = envs.make("zerg_5_vs_5-epo", seed=1), envs.make("zerg_5_vs_5-epo", seed=1, conic_fov=False)
    assert plain.spec.n_actions == 6 + 12 + 5
    assert package.spec.n_actions == 6 + 5


def test_a_variant_of_ones_own_in_one_line() -> None:
    scenario = registry.entry("terran_5_vs_5").scenario
    envs.register("terran_5_vs_5-blind", scenario=scenario, defaults=dict(obs_all_health=False))
    assert registry.make_options("terran_5_vs_5-blind", {}).obs_all_health is False


def test_another_spelling() -> None:
    register_ambush()
    registry.scenarios.alias("trap", "ambush")
    assert registry.canonical_id("trap") == registry.canonical_id("ambush") == "ambush"
    assert registry.entry("trap") is registry.entry("ambush")
    assert "trap" not in envs.ids()


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (register_ambush, "scenario 'ambush' is already registered; choose another id"),
    (
        lambda: envs.register("trap", scenario=registry.entry("ambush").scenario),
        "scenario 'trap' is already registered (another spelling of 'ambush'); choose another id",
    ),
    (lambda: registry.scenarios.alias("trap", "3m"), "'trap' is already registered (another spelling of 'ambush')"),
    (lambda: registry.scenarios.alias("pit", "ambushh"), "unknown scenario 'ambushh': did you mean ambush"),
    (lambda: envs.make("3s6zz"), "unknown scenario '3s6zz': did you mean 3s6z"),
    (lambda: envs.register("empty"), "the built-in engine needs scenario=envs.Scenario"),
    (lambda: envs.make("teran_5_vs_5"), "unknown scenario 'teran_5_vs_5': did you mean terran_5_vs_5"),
    (lambda: envs.parallel_env("qqq"), "unknown scenario 'qqq': registered: "),
    (
        lambda: envs.make("3m", conic_fow=1),
        "unknown option 'conic_fow' of 3m: did you mean conic_fov? allowed: unit_order, ",
    ),
    (lambda: envs.make("typo"), "unknown option 'conic_fow' of typo: did you mean conic_fov"),
]


@pytest.mark.parametrize(("wrong", "says"), MISTAKES, ids=[says for _, says in MISTAKES])
def test_mistakes(wrong: Callable[[], object], says: str) -> None:
    """With a scenario, another spelling of it, and one whose defaults the world does not know."""
    register_ambush()
    registry.scenarios.alias("trap", "ambush")
    envs.register("typo", scenario=registry.entry("3m").scenario, defaults=dict(conic_fow=True))
    with pytest.raises(ValueError, match=re.escape(says)):
        wrong()


def test_an_unknown_id_lists_all() -> None:
    with pytest.raises(ValueError, match=r"unknown scenario 'teran_5_vs_5'.*registered: .*zerg_20_vs_23"):
        envs.make("teran_5_vs_5")


@pytest.mark.parametrize("id", ["3m", "mpe2/simple_spread_v3"])
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(num_envs=0), "num_envs is 0, it must be at least 1"),
        (dict(num_envs=-1), "num_envs is -1, it must be at least 1"),
        (dict(num_envs="4"), "num_envs is '4', it must be a whole number from 1 to 65536"),
        (dict(num_envs=2.0), "num_envs is 2.0, it must be a whole number from 1 to 65536"),
        (dict(num_envs=10**12), "num_envs is 1000000000000, it must be at most 65536"),
        (dict(seed=1.5), "seed is 1.5, it must be a whole number in 0..2**64-1, or None to draw one"),
        (dict(seed=-1), "seed is -1, it must lie in 0..2**64-1"),
        (dict(first_slot=2**63), f"first_slot is {2**63}, it must be at most 2**62"),
        (dict(first_slot=-1), "first_slot is -1, it must be at least 0"),
        (dict(first_slot=None), "first_slot is None, it must be a whole number from 0 to 2**62"),
        (dict(backend=["sc2"]), "unknown backend ['sc2'], allowed: battle, sc2"),
    ],
)
def test_numbers_are_checked_at_the_door(id: str, wrong: dict[str, Any], says: str) -> None:
    if registry.entry(id).requires:
        pytest.importorskip(registry.entry(id).requires)
    with pytest.raises(ValueError, match=re.escape(says)):
        envs.make(id, **{"seed": 0, **wrong})


@pytest.mark.parametrize("seed", [1.5, -1, "x"])
def test_a_seed_at_reset(seed: Any) -> None:
    with pytest.raises(ValueError, match=r"seed is .* it must"):
        envs.make("3m", seed=0).reset(seed=seed)
    with pytest.raises(ValueError, match=r"seed is .* it must"):
        envs.parallel_env("3m", seed=0).reset(seed=seed)


def test_numbers_of_numpy_are_numbers() -> None:
    one, other = (
        begun("3m", np.int64(2), seed=np.uint64(3), first_slot=np.int32(1)),
        begun("3m", 2, seed=3, first_slot=1),
    )
    assert np.array_equal(one.obs, other.obs)


@pytest.mark.parametrize("action", [1.0, 1.7, "1", None, np.float32(1), np.ones(2, int)])
def test_an_action_that_is_no_whole_number(action: Any) -> None:
    world = envs.parallel_env("3m", seed=0)
    world.reset()
    with pytest.raises(ValueError, match=r"step: the action of ally_1 is .*, it must be a whole number"):
        world.step({"ally_0": 1, "ally_1": action, "ally_2": 1})
    for good in (1, np.int8(1), np.array(1), np.array([1])):
        world.step(dict.fromkeys(world.agents, good))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (dict(flat_observations="no"), "parallel_env: flat_observations is 'no', it must be True or False"),
        (dict(render_mode=3), "parallel_env: render_mode is 3, it must be a string or None"),
        (dict(fields_of_view="ab"), "parallel_env: fields_of_view is 'ab', it must be a list"),
        (dict(seed=1.5), "parallel_env: seed is 1.5, it must be a whole number or None"),
        (dict(num_envs=3), "parallel_env is one battle and takes no num_envs"),
    ],
)
def test_the_door_of_pettingzoo(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        envs.parallel_env("3m", **wrong)


def test_an_action_that_no_array_can_hold() -> None:
    world = envs.parallel_env("3m", seed=0)
    world.reset()
    with pytest.raises(ValueError, match=r"the action of ally_0 is 1180591620717411303424, no agent has so many"):
        world.step(dict.fromkeys(world.agents, 2**70))
