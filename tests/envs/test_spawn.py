"""How battles start: team and place draws against the benchmark's distributions, and what must never happen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.battle.basics.rng import battle_key
from envs.battle.engine import BattleEnv
from envs.battle.jit import kernel
from envs.battle.scenarios import Scenario
from envs.battle.spawn import draw_places, draw_teams, start_battle
from envs.battle.unit_types import facts
from envs.battle.units import IN_THE_AIR
from tests.envs.play import begun, hard_distances, make, unregistered

NAMES = np.array(list(facts()))  # by kind, alphabetical
BATTLES = 3000
WEIGHTS = {
    "terran": {"marine": 0.45, "marauder": 0.45, "medivac": 0.1},
    "protoss": {"stalker": 0.45, "zealot": 0.45, "colossus": 0.1},
    "zerg": {"zergling": 0.45, "hydralisk": 0.45, "baneling": 0.1},
}


@kernel
def draw_all(battles, units, setup):
    """Wished-for teams and places only."""
    for e in range(len(battles)):
        battles[e].key = battle_key(setup[0].seed, e, 0)
        draw_teams(battles[e], setup[0])
        draw_places(battles[e], setup[0])


@kernel
def start_without_a_tick(battles, units, setup):
    for e in range(len(battles)):
        start_battle(battles[e], units[0], setup[0], e)


def drawn(id: str, num_envs: int = BATTLES) -> BattleEnv:
    env = make(id, num_envs, seed=1)
    draw_all(env.battles, env.units, env.setup)
    return env


def started(env: BattleEnv) -> BattleEnv:
    start_without_a_tick(env.battles, env.units, env.setup)
    return env


def sides(env: BattleEnv, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A field of all allies (E, N) and all enemies (E, M)."""
    n, m = env.spec.n_agents, env.spec.n_enemies
    return env.battles[name][:, :n], env.battles[name][:, n : n + m]


@pytest.mark.parametrize("race", WEIGHTS)
def test_types_come_by_their_weights(race: str) -> None:
    allies, _ = sides(drawn(f"{race}_5_vs_5"), "kind")
    names = NAMES[allies.astype(int)]
    assert set(names.ravel()) == set(WEIGHTS[race])
    for type, weight in WEIGHTS[race].items():
        # 15,000 draws: a standard deviation is at most 0.0041.
        assert (names == type).mean() == pytest.approx(weight, abs=0.02)
        for i in range(5):  # at every place of the team; 3,000 draws: 0.0091
            assert (names[:, i] == type).mean() == pytest.approx(weight, abs=0.04)


@pytest.mark.parametrize("race", WEIGHTS)
def test_enemy_i_is_of_the_type_of_ally_i(race: str) -> None:
    allies, enemies = sides(drawn(f"{race}_10_vs_11", 300), "kind")
    np.testing.assert_array_equal(allies, enemies[:, :10])
    allies, enemies = sides(started(make(f"{race}_10_vs_11", 300, seed=1)), "kind")
    np.testing.assert_array_equal(np.sort(allies), np.sort(enemies[:, :10]))


@pytest.mark.parametrize(("race", "exception"), [("terran", "medivac"), ("zerg", "baneling"), ("protoss", None)])
def test_the_one_extra_enemy_is_never_an_exception(race: str, exception: str | None) -> None:
    """A team of one that is an exception is a team of exceptions only, and drawn again."""
    _, enemies = sides(drawn(f"{race}_10_vs_11"), "kind")
    extra = NAMES[enemies[:, 10].astype(int)]
    seen = {type: (extra == type).mean() for type in WEIGHTS[race]}
    total = sum(weight for type, weight in WEIGHTS[race].items() if type != exception)
    for type, weight in WEIGHTS[race].items():
        assert seen[type] == (0 if type == exception else pytest.approx(weight / total, abs=0.04))


def test_three_extra_enemies_may_be_exceptions() -> None:
    _, enemies = sides(drawn("terran_20_vs_23"), "kind")
    extra = NAMES[enemies[:, 20:].astype(int)] == "medivac"
    assert not extra.all(axis=1).any()
    assert extra.mean() == pytest.approx(0.1, abs=0.02)


def test_no_team_is_all_exceptions() -> None:
    """With medivacs at 0.9 a team of two would be all medivacs in 81% of all draws."""
    scenario = Scenario(
        race="terran", n_agents=2, n_enemies=2, unit_types=("marine", "medivac"), weights=(0.1, 0.9),
        exceptions=("medivac",),
    )  # fmt: skip
    env = unregistered(scenario, 2000, seed=1)
    draw_all(env.battles, env.units, env.setup)
    medivacs = (NAMES[sides(env, "kind")[0].astype(int)] == "medivac").sum(axis=1)
    assert medivacs.max() == 1
    assert (medivacs == 1).mean() == pytest.approx(0.18 / 0.19, abs=0.03)


def test_half_of_all_battles_are_surrounded() -> None:
    env = drawn("zerg_5_vs_5")
    (x, _), (y, _) = sides(env, "x"), sides(env, "y")
    surrounded = ((x == 16) & (y == 16)).all(axis=1)
    assert surrounded.mean() == pytest.approx(0.5, abs=0.04)


def test_reflected_places() -> None:
    env = drawn("zerg_10_vs_11")
    (x, enemy_x), (y, enemy_y) = sides(env, "x"), sides(env, "y")
    reflected = ~((x == 16) & (y == 16)).all(axis=1)
    x, y, enemy_x, enemy_y = x[reflected], y[reflected], enemy_x[reflected], enemy_y[reflected]
    np.testing.assert_array_equal(enemy_x[:, :10], 32 - x)
    np.testing.assert_array_equal(enemy_y[:, :10], y)
    # Uniform on [0, 15] × [0, 32], the extra enemy on [16, 32] × [0, 32]: tenths are equally full.
    for values, low, high in ((x, 0, 15), (y, 0, 32), (enemy_x[:, 10], 16, 32), (enemy_y[:, 10], 0, 32)):
        assert values.min() >= low
        assert values.max() < high
        tenths = np.histogram(values, bins=10, range=(low, high))[0] / values.size
        assert tenths == pytest.approx([0.1] * 10, abs=0.03)
    assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 0.05


def test_surrounded_places() -> None:
    env = drawn("zerg_20_vs_20")
    (x, enemy_x), (y, enemy_y) = sides(env, "x"), sides(env, "y")
    surrounded = ((x == 16) & (y == 16)).all(axis=1)
    dx, dy = enemy_x[surrounded] - 16, enemy_y[surrounded] - 16
    np.testing.assert_allclose(abs(dx), abs(dy), rtol=1e-12)  # on a diagonal
    assert abs(dx).min() >= 2
    assert abs(dx).max() <= 16
    quarter = 2 * (dx > 0) + (dy > 0)
    groups = np.array([len(np.unique(row)) for row in quarter])
    for row, distance in zip(quarter, abs(dx), strict=True):  # one place for all of a group
        assert all(np.ptp(distance[row == q]) < 1e-12 for q in np.unique(row))
    # One to four groups alike; of four groups one is empty in 4 × 0.75^20 = 1.3% of all draws.
    for count in (1, 2, 3, 4):
        assert (groups == count).mean() == pytest.approx(0.25, abs=0.04)
    for q in range(4):  # each diagonal holds its share
        assert (quarter == q).mean() == pytest.approx(0.25, abs=0.04)
    nearest = abs(dx[:, 0])  # uniform between the inner points and the corners
    assert np.histogram(nearest, bins=7, range=(2, 16))[0] / len(nearest) == pytest.approx([1 / 7] * 7, abs=0.04)


@pytest.mark.parametrize("id", ["terran_20_vs_23", "protoss_20_vs_23", "zerg_20_vs_23", "terran_5_vs_5"])
def test_everybody_starts_on_free_ground(id: str) -> None:
    env = started(make(id, 200, seed=3))
    apart, least = hard_distances(env)
    assert (apart >= least).all()
    count = env.spec.n_agents + env.spec.n_enemies
    x, y, kind = (env.battles[name][:, :count] for name in ("x", "y", "kind"))
    ground = env.units[0]["floor"][kind] != IN_THE_AIR
    assert ((x[ground] >= 2) & (x[ground] < 30) & (y[ground] >= 2) & (y[ground] < 30)).all()
    assert (x * 4096 % 1 == 0).all()
    assert (y * 4096 % 1 == 0).all()


def test_nobody_is_put_further_than_needed() -> None:
    """A lone unit on the ground stays where it was drawn, one beyond the edge comes to it by the shortest way."""
    scenario = Scenario(
        race="terran", n_agents=1, n_enemies=1, unit_types=("marine",), start="points",
        ally_point=(1.0, 16.0), enemy_point=(24.125, 0.5),
    )  # fmt: skip
    env = started(unregistered(scenario, seed=1))
    assert (env.battles["x"][0, 0], env.battles["y"][0, 0]) == (2.0, 16.0)
    assert (env.battles["x"][0, 1], env.battles["y"][0, 1]) == (24.125, 2.0)


@pytest.mark.parametrize("race", WEIGHTS)
def test_allies_are_numbered_by_type_and_place(race: str) -> None:
    env = started(make(f"{race}_10_vs_10", 100, seed=4))
    for e in range(100):
        names = NAMES[env.battles["kind"][e, :10]]
        keys = list(zip(names, env.battles["x"][e, :10], env.battles["y"][e, :10], strict=True))
        assert keys == sorted(keys)


def flawless(env: BattleEnv, e: int) -> float:
    """Health of all enemies, 10 for each, 200 for the win."""
    kinds = sides(env, "kind")[1][e].astype(int)
    unit = list(facts().values())
    return sum(unit[k]["hp"] + unit[k]["shield"] for k in kinds) + 10 * len(kinds) + 200


def test_max_reward_is_that_of_the_first_battle() -> None:
    env = begun("protoss_5_vs_5", 20, seed=5)
    first = [flawless(env, e) for e in range(20)]
    assert env.battles["max_reward"].tolist() == first
    env.reset()
    assert [flawless(env, e) for e in range(20)] != first
    assert env.battles["max_reward"].tolist() == first
    env.reset(seed=6)  # a new seed starts over
    assert env.battles["max_reward"].tolist() == [flawless(env, e) for e in range(20)]


def test_or_of_each_battle_by_option() -> None:
    env = make("protoss_5_vs_5", 20, seed=5, max_reward_from="each_battle")
    for _ in range(3):
        env.reset()
        assert env.battles["max_reward"].tolist() == [flawless(env, e) for e in range(20)]


def test_fixed_teams() -> None:
    scenario = Scenario(
        race="zerg", n_agents=2, n_enemies=3, unit_types=("zergling", "baneling"), start="points",
        ally_team=("zergling", "baneling"), enemy_team=("zergling", "zergling", "baneling"),
    )  # fmt: skip
    env = unregistered(scenario, 3, seed=1)
    env.reset()
    allies, enemies = sides(env, "kind")
    assert (NAMES[allies.astype(int)] == ["baneling", "zergling"]).all()
    assert (NAMES[enemies.astype(int)] == ["zergling", "zergling", "baneling"]).all()
    assert env.unit_type.tolist() == [[1, 0]] * 3  # bits: zergling, then baneling
