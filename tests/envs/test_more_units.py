"""Spine crawler, roach, reaper and overlord, and what single maps change in the data. By hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.battle.scenarios import Scenario
from envs.battle.smacv2.orders import EAST
from envs.battle.state import ACQUIRED, NONE
from tests.envs.arena import Arena, Unit, jitter
from tests.envs.play import unregistered


def spine(apart: float, *allies: Unit, **unit: object) -> Arena:
    """A stalker and, so far east of it, a spine crawler."""
    agents = [Unit("stalker", 10, 16), *allies]
    return Arena(agents, [Unit("spine_crawler", 10 + apart, 16, **unit)], scenario=dict(script="none"))  # type: ignore[arg-type]


def test_a_tentacle_flies() -> None:
    """Damage point 5.33: launched in tick 6; 8 cells at 1.97 a tick are 5 ticks. 25 and 5 for armored."""
    arena = spine(8)
    assert arena.hits(0, 20) == {11: 30.0}
    assert arena.b["shield"][0] == 50


@pytest.mark.parametrize(("apart", "notices"), [(8.5, True), (8.51, False)])
def test_it_acquires_in_range_and_never_beyond(apart: float, notices: bool) -> None:
    """7 + 0.875 + 0.625."""
    arena = spine(apart).run()
    assert (arena.order_of(1) == (ACQUIRED, 0)) == notices
    if not notices:
        arena.run(100)
        assert arena.health(0) == 160
        assert arena.order_of(1)[0] == NONE


def test_it_stays_rooted_and_lets_go() -> None:
    arena = spine(8).run(20)
    assert arena.order_of(1) == (ACQUIRED, 0)
    arena.carry(0, 9, 16).run(2)
    assert arena.order_of(1)[0] == NONE
    assert arena.run(40).place(1) == (18, 16)


def test_a_call_for_help_does_not_uproot_it() -> None:
    """Hit from 12 away it takes no notice. No weapon reaches so far, but a missile does whose shooter has gone."""
    arena = spine(7.4).attack(0, 1).run(4).carry(0, 5, 16)
    arena.b["order"][1] = NONE
    arena.b["called"][1] = -100
    arena.b["swing"][1] = 0
    assert arena.hits(1, 12) == {10: 12.0}  # 7.4 / 1.17 = 6.3 ticks after tick 3; 10 + 4 - 2 armour
    assert arena.order_of(1)[0] == NONE
    assert arena.place(1) == (17.4, 16)


@pytest.mark.parametrize(
    ("type", "loss"),
    [
        ("stalker", 12),  # 10 + 4 armored - 2
        ("marine", 4),  # 6 - 2
        ("zergling", 3),  # 5 - 2
        ("zealot", 6),  # 8 - 2, and again
        ("baneling", 18),  # 20 - 2: the 80 against structures are not in the data used; see docs/engine.md
        ("colossus", 36),  # 2 × (20 - 2)
        ("marauder", 18),  # 10 + 10 armored - 2
    ],
)
def test_its_armour_is_two(type: str, loss: float) -> None:
    arena = Arena([Unit(type, 10, 16)], [Unit("spine_crawler", 10.95, 16)], scenario=dict(script="none"))
    assert next(iter(arena.attack(0, 1).hits(1, 20).values())) == loss


@pytest.mark.parametrize(
    ("facing", "begins"),
    [((-1, 0), 0), ((0.1, 1), 4), ((1, 0), 7)],  # 22.5° a tick: 96° are five ticks, 180° eight, the first counted
)
def test_it_turns_slowly(facing: tuple[float, float], begins: int) -> None:
    arena = spine(8, facing=facing)
    assert arena.when("cooldown", 1, 20, least=1.0) == begins


def test_a_roach_spits() -> None:
    """Damage point 2.67: tick 3; 3 cells at 1.17 a tick are 3 ticks."""
    arena = Arena([Unit("roach", 10, 16)], [Unit("marine", 13, 16)]).attack(0, 1)
    assert arena.hits(1, 10) == {6: 16.0}
    assert arena.b["weapon"][0] == 0


def test_or_bites() -> None:
    """Within 0.5 + 0.5 + 0.375, at the damage point."""
    arena = Arena([Unit("roach", 10, 16)], [Unit("marine", 11.375, 16)]).attack(0, 1)
    assert arena.hits(1, 10) == {3: 16.0}
    assert arena.b["weapon"][0] == 1


def test_a_roach_wears_armour_and_heals() -> None:
    arena = Arena([Unit("roach", 10, 16, hp=100)], [Unit("marine", 14, 16)])
    assert arena.hits(0, 5) == {1: 5.0}
    assert arena.b["hp"][0] == pytest.approx(95 + 5 * 0.0170875)


@pytest.mark.parametrize(("target", "hit"), [("marine", 9.0), ("zergling", 9.0), ("roach", 3.0), ("stalker", 4.0)])
def test_a_reaper_shoots_twice(target: str, hit: float) -> None:
    """4, and 5 more for light units, at once and again 1.952 ticks later; each pays armour (a stalker has shields)."""
    arena = Arena([Unit("reaper", 10, 16)], [Unit(target, 14, 16)]).attack(0, 1)
    assert arena.hits(1, 15) == {0: hit, 2: hit}


def test_four_shots_kill_a_zergling() -> None:
    """9 × 4 = 36 of 35: the second attack comes 17.6 ticks and the jitter after the first."""
    arena = Arena([Unit("reaper", 10, 16)], [Unit("zergling", 14, 16)]).attack(0, 1)
    again = next(tick for tick in range(40) if tick >= 17.6 + jitter(0, 0))
    losses = arena.hits(1, 40)
    assert sorted(losses)[:3] == [0, 2, again]
    assert arena.b["alive"][1] == 0
    assert max(losses) == again + 2


def test_an_overlord_drifts() -> None:
    """Speed 120 / 4096 cells a tick, acceleration 17 / 4096 a tick²: 17 (1 + … + 7) + 119 + … then 120."""
    arena = Arena([Unit("overlord", 10, 16)], [Unit("medivac", 28, 4)]).act(0, EAST).run(9)
    assert arena.place(0)[0] == 10 + (17 * 28 + 120 + 120) / 4096


def test_it_cannot_attack_and_is_not_hit_from_the_ground() -> None:
    """Marines reach it; reapers, zealots and zerglings do not, nor do they turn to it."""
    enemies = [
        Unit("reaper", 11, 16),
        Unit("zealot", 10, 17),
        Unit("zergling", 9, 16),
        Unit("marine", 10, 14, facing=(0, 1)),
    ]
    arena = Arena([Unit("overlord", 10, 16)], enemies).attack(0, 1)
    assert arena.order_of(0)[0] == NONE
    assert arena.hits(0, 3) == {1: 6.0}
    assert [arena.order_of(i)[0] for i in (1, 2, 3, 4)] == [NONE, NONE, NONE, ACQUIRED]


# What 1o_10b_vs_1r, 1o_2r_vs_4r and bane_vs_hM change, each beside the plain data.


@pytest.mark.parametrize(
    ("catalog", "type", "reach"),
    [
        ("", "roach", 5 + 0.5 + 0.375),
        ("1o_10b_vs_1r", "roach", 3 + 0.5 + 0.375),
        ("1o_2r_vs_4r", "roach", 3 + 0.5 + 0.375),
        ("bane_vs_hM", "roach", 5 + 0.5 + 0.375),
        ("", "reaper", 5.5 + 2 * 0.375),
        ("1o_2r_vs_4r", "reaper", 3 + 2 * 0.375),
        ("", "zergling", 5 + 2 * 0.375),
        ("1o_10b_vs_1r", "zergling", 2 + 2 * 0.375),
        ("", "hydralisk", 5 + 0.625 + 0.375),
        ("bane_vs_hM", "hydralisk", 2 + 0.625 + 0.375),
    ],
)
def test_how_far_enemies_notice(catalog: str, type: str, reach: float) -> None:
    for apart, notices in ((reach - 0.01, True), (reach + 0.01, False)):
        arena = Arena([Unit("baneling", 10, 16)], [Unit(type, 10 + apart, 16)], scenario=dict(catalog=catalog)).run()
        assert (arena.order_of(1) == (ACQUIRED, 0)) == notices


@pytest.mark.parametrize(("catalog", "period"), [("", 32), ("1o_10b_vs_1r", 16), ("1o_2r_vs_4r", 16)])
def test_how_often_a_roach_spits(catalog: str, period: float) -> None:
    arena = (
        Arena([Unit("roach", 10, 16)], [Unit("marauder", 13, 16)], scenario=dict(catalog=catalog)).attack(0, 1).run()
    )
    assert arena.b["cooldown"][0] == period + jitter(0, 0) - 1


@pytest.mark.parametrize(("catalog", "reach"), [("", 4.5), ("1o_2r_vs_4r", 3.0)])
def test_how_far_a_reaper_shoots(catalog: str, reach: float) -> None:
    apart = reach + 2 * 0.375 + 0.01
    arena = Arena([Unit("reaper", 10, 16)], [Unit("marine", 10 + apart, 16)], scenario=dict(catalog=catalog))
    assert list(arena.attack(0, 1).hits(1, 2)) == [1]  # after one step


@pytest.mark.parametrize(("apart", "weapon"), [(2.9, 0), (1.4, 1)])
def test_a_hydralisk_of_bane_vs_hM_kills_a_baneling_at_once(apart: float, weapon: int) -> None:
    arena = Arena(
        [Unit("baneling", 10, 16)], [Unit("hydralisk", 10 + apart, 16)], scenario=dict(catalog="bane_vs_hM")
    ).run(8)
    assert arena.b["alive"][0] == 0
    assert arena.b["weapon"][1] == weapon


@pytest.mark.parametrize(("catalog", "rate"), [("", 0.5625), ("bane_vs_hM", 0.4375)])
@pytest.mark.parametrize("healers", [True, False])
def test_its_medivac_heals(catalog: str, rate: float, healers: bool) -> None:
    """By itself, whether or not smacv2's own medivac rules hold, and at the map's rate."""
    arena = Arena(
        [Unit("baneling", 4, 4)],
        [Unit("medivac", 20, 18), Unit("marine", 20, 16, hp=30)],
        scenario=dict(catalog=catalog, healers=healers, script="none"),
    ).run(4)
    assert arena.b["hp"][2] == 30 + 4 * rate
    assert arena.b["energy"][1] == pytest.approx(50 - 4 * rate * 0.33 + 4 * 0.03515625)


def test_a_side_of_two_races_on_a_protoss_scenario() -> None:
    """Types of another race come after the race's own, and who has no shield shows none."""
    mixed = Scenario(
        race="protoss", n_agents=2, n_enemies=2, unit_types=("marine", "stalker"), ally_team=("marine", "stalker"),
        enemy_team=("marine", "stalker"), start="points", ally_point=(14.0, 16.0), enemy_point=(18.0, 16.0),
    )  # fmt: skip
    env = unregistered(mixed)
    env.reset()
    views = env.views
    assert env.spec.unit_types == ("stalker", "marine")
    assert views.unit_type[0].tolist() == [1, 0]
    own = views.obs[0, :, -6:]  # health, shield, x, y, stalker, marine
    assert own[:, [0, 1, 4, 5]].tolist() == [[1, 0, 0, 1], [1, 1, 1, 0]]
    assert np.isfinite(views.obs).all()
    assert np.isfinite(views.state).all()
