"""Walking, flying, bodies and walls by hand."""

from __future__ import annotations

import pytest

from envs.battle.smacv2.orders import EAST, NORTH
from envs.battle.state import NONE
from tests.envs.arena import Arena, Unit, check_room

FAR = Unit("medivac", 28, 4)  # an enemy that concerns nobody
STEP = 0.140625  # what most units walk in a tick


def field(*allies: Unit) -> Arena:
    return Arena(list(allies), [FAR])


@pytest.mark.parametrize(
    ("type", "after_8_ticks"),
    [
        ("marine", 1.125),  # 2.25 a second
        ("marauder", 1.125),
        ("zealot", 1.125),
        ("hydralisk", 1.125),
        ("colossus", 1.125),
        ("stalker", 8 * 756 / 4096),  # 2.9531 a second is 755.99 / 4096 a tick
        ("zergling", 8 * 756 / 4096),
        ("baneling", 1.25),  # 2.5
        # 2.3125 a second² is 37 / 4096 a tick²: 37 (1 + 2 + … + 8)
        ("medivac", 37 * 36 / 4096),
    ],
)
def test_speed(type: str, after_8_ticks: float) -> None:
    arena = field(Unit(type, 10, 16)).act(0, EAST).run(8)
    assert arena.place(0) == (10 + after_8_ticks, 16)


def test_a_medivac_reaches_full_speed_in_twenty_ticks() -> None:
    arena = field(Unit("medivac", 10, 16)).walk(0, 28, 16).run(19)
    x = arena.place(0)[0]
    assert x == 10 + 37 * 190 / 4096
    assert arena.run().place(0)[0] - x == 0.171875  # 2.75 a second
    assert arena.run().place(0)[0] - x == 2 * 0.171875


def test_a_medivac_that_hovers_starts_anew() -> None:
    arena = field(Unit("medivac", 10, 16)).walk(0, 28, 16).run(30)
    arena.b["order"][0] = NONE
    x = arena.run().place(0)[0]
    assert arena.walk(0, 28, 16).run().place(0)[0] - x == 37 / 4096


@pytest.mark.parametrize(("action", "end"), [(EAST, (12, 16)), (NORTH, (10, 18))])
def test_a_move_goes_two_cells_and_ends(action: int, end: tuple[float, float]) -> None:
    arena = field(Unit("marine", 10, 16)).act(0, action).run(14)  # 14 × 0.140625 = 1.97
    assert arena.order_of(0)[0] != NONE
    arena.run(1)
    assert arena.place(0) == end
    assert arena.order_of(0)[0] == NONE
    assert arena.run(5).place(0) == end


def test_a_slant_is_walked_at_the_same_speed() -> None:
    """3-4-5: a tick is 0.6 and 0.8 of 576 / 4096, each rounded to the grid."""
    arena = field(Unit("marine", 10, 16)).walk(0, 13, 20).run(1)
    assert arena.place(0) == (10 + 346 / 4096, 16 + 461 / 4096)


def test_walls_stop_who_walks() -> None:
    arena = field(Unit("marine", 29.5, 16), Unit("medivac", 29.5, 20)).walk(0, 31.5, 16).walk(1, 40, 20).run(100)
    assert 29.85 < arena.place(0)[0] < 30
    assert arena.place(1)[0] == 32  # flyers stop at the edge of the map


def test_units_slide_along_walls() -> None:
    arena = field(Unit("marine", 29.9, 16)).walk(0, 31.9, 18).run(10)
    x, y = arena.place(0)
    assert x < 30
    assert y == pytest.approx(16 + 10 * STEP / 2**0.5, abs=0.2)


def test_idle_comrades_are_shoved() -> None:
    arena = field(Unit("marine", 10, 16), Unit("marine", 11, 16.1)).walk(0, 14, 16)
    assert min(arena.run().distance(0, 1) for _ in range(40)) >= 0.75
    assert arena.place(0) == (14, 16)
    assert arena.place(1) != (11, 16.1)


def test_a_row_of_idle_comrades_never_shares_ground() -> None:
    arena = field(*(Unit("marine", 10 + 0.8 * i, 16 + 0.01 * i) for i in range(5))).walk(0, 18, 16)
    for _ in range(60):
        check_room(arena.run(), range(5))


def test_fighting_comrades_are_not_shoved() -> None:
    arena = Arena([Unit("marine", 10, 16), Unit("marine", 11, 16.1)], [Unit("medivac", 11, 20)])
    arena.attack(1, 2).walk(0, 14, 16)
    assert min(arena.run().distance(0, 1) for _ in range(40)) >= 0.75
    assert arena.place(1) == (11, 16.1)
    assert arena.place(0) == (14, 16)  # round it


def test_enemies_are_not_shoved() -> None:
    arena = Arena([Unit("marauder", 10, 16), Unit("medivac", 11, 12)], [Unit("marine", 11, 16.1)]).walk(0, 14, 16)
    arena.b["hp"][0] = 125
    assert min(arena.run().distance(0, 2) for _ in range(40)) >= 0.75
    assert arena.place(2) == (11, 16.1)  # it shoots where it stands


@pytest.mark.parametrize(("a", "b", "least"), [("stalker", "zealot", 0.875), ("zergling", "hydralisk", 0.75)])
def test_bodies_keep_the_sum_of_inner_radii(a: str, b: str, least: float) -> None:
    arena = field(Unit(a, 10, 16), Unit(b, 14, 16.3)).walk(0, 18, 16).walk(1, 6, 16)
    nearest = min(arena.run().distance(0, 1) for _ in range(40))
    assert least <= nearest < least + 0.05
    assert arena.run(40).place(0) == (18, 16)


def test_a_colossus_strides_over_others() -> None:
    arena = field(Unit("colossus", 10, 16), Unit("marine", 11, 16), Unit("zealot", 12, 16)).walk(0, 14, 16).run(29)
    assert arena.place(0) == (14, 16)
    assert arena.place(1) == (11, 16)
    assert arena.place(2) == (12, 16)


def test_but_not_over_a_colossus() -> None:
    arena = field(Unit("colossus", 10, 16), Unit("colossus", 14, 16.2)).walk(0, 18, 16).walk(1, 6, 16)
    assert min(arena.run().distance(0, 1) for _ in range(40)) >= 1.125  # 2 × 0.5625


def test_flyers_overlap() -> None:
    arena = field(Unit("medivac", 10, 16), Unit("medivac", 10, 16), Unit("marine", 10, 16)).run(10)
    assert arena.place(0) == arena.place(1) == arena.place(2) == (10, 16)
