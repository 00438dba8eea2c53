"""Medivacs, regeneration of life and shields, energy: by hand."""

from __future__ import annotations

import pytest

from envs.battle.state import HEAL, NONE
from tests.envs.arena import Arena, Unit

RATE, COST, REGAINED = 0.5625, 0.33, 0.03515625  # hp a tick, energy a hp, energy a tick


def ward(*patients: Unit, energy: float = 50) -> Arena:
    """An allied medivac (unit 0) over its patients; one enemy far away."""
    return Arena([Unit("medivac", 10, 16, energy=energy), *patients], [Unit("medivac", 28, 28)])


def test_healing_rate_and_cost() -> None:
    arena = ward(Unit("marauder", 12, 16, hp=10)).heal(0, 1).run(100)
    assert arena.b["hp"][1] == pytest.approx(10 + 56.25)
    assert arena.b["energy"][0] == pytest.approx(50 - 100 * (RATE * COST - REGAINED))  # 34.95


def test_fifty_energy_are_151_hp() -> None:
    arena = ward(Unit("marauder", 12, 16, hp=10)).heal(0, 1)
    healed = 0.0
    for _ in range(275):  # 269.4 ticks at the full rate
        arena.b["hp"][1] = 10
        healed += arena.run().b["hp"][1] - 10
        arena.b["energy"][0] -= REGAINED
    assert healed == pytest.approx(50 / 0.33)


def test_an_empty_medivac_heals_what_it_regains() -> None:
    arena = ward(Unit("marauder", 12, 16, hp=10), energy=0).heal(0, 1).run(1)
    before = arena.b["hp"][1]
    assert arena.run(16).b["hp"][1] - before == pytest.approx(0.5625 / 0.33)  # 1.7 hp a second


def test_healing_ends_at_full_life_and_spends_no_more() -> None:
    arena = ward(Unit("marine", 12, 16, hp=44)).heal(0, 1).run(2)  # 0.5625 and 0.4375
    assert arena.b["hp"][1] == 45
    assert arena.b["energy"][0] == pytest.approx(50 - 1 * COST + 2 * REGAINED)
    assert arena.run().order_of(0)[0] == NONE


@pytest.mark.parametrize(
    ("patient", "hp", "heals"),
    [
        ("marine", 20, True),
        ("zealot", 20, True),
        ("stalker", 20, False),
        ("colossus", 20, False),
        ("marine", 45, False),
    ],
)
def test_only_wounded_biological_patients(patient: str, hp: float, heals: bool) -> None:
    arena = ward(Unit(patient, 12, 16, hp=hp)).heal(0, 1)
    assert arena.order_of(0) == ((HEAL, 1) if heals else (NONE, -1))
    assert (arena.run(10).b["hp"][1] > hp) == heals


def test_healing_does_not_fill_shields() -> None:
    arena = ward(Unit("zealot", 12, 16, hp=20, shield=10)).heal(0, 1).run(10)
    assert arena.b["shield"][1] == 10


def test_one_medivac_per_patient() -> None:
    arena = Arena(
        [Unit("medivac", 10, 16), Unit("medivac", 12, 16), Unit("marine", 11, 16, hp=20)], [Unit("medivac", 28, 28)]
    )
    arena.heal(0, 2).heal(1, 2).run(10)
    assert arena.b["hp"][2] == pytest.approx(20 + 10 * RATE)
    assert arena.b["energy"][1] == pytest.approx(50 + 10 * REGAINED)


@pytest.mark.parametrize(("apart", "at_once"), [(5.12, True), (5.13, False)])
def test_healing_range_is_edge_to_edge(apart: float, at_once: bool) -> None:
    """4 + 0.75 + 0.375 = 5.125."""
    arena = ward(Unit("marine", 10 + apart, 16, hp=20)).heal(0, 1).run(1)
    assert (arena.b["hp"][1] > 20) == at_once
    assert (arena.place(0)[0] > 10) == (not at_once)


def test_a_medivac_follows_its_patient_and_heals_within_the_slop() -> None:
    """Up to 4 + 1 beyond the edges (6.125) once healing has begun; beyond that it only follows."""
    arena = ward(Unit("marine", 15, 16, hp=20)).heal(0, 1).run(1)
    healed = arena.b["hp"][1]
    arena.carry(1, 15.9, 16).run(1)
    assert arena.b["hp"][1] == pytest.approx(healed + RATE)
    assert arena.place(0)[0] > 10
    arena.carry(1, 16.5, 16).run(1)
    assert arena.b["hp"][1] == pytest.approx(healed + RATE)
    arena.carry(1, 15.9, 16).run(1)  # within the slop again, but healing must begin again within 4
    assert arena.b["hp"][1] == pytest.approx(healed + RATE)


def test_a_medivac_cannot_raise_the_dead() -> None:
    """5 + 0.5625 of tick 0 - 6 of tick 1 is -0.4375: dead, although tick 1 would heal 0.5625 more."""
    arena = Arena([Unit("medivac", 10, 16), Unit("marine", 12, 16, hp=5)], [Unit("marine", 17, 16)])
    assert arena.heal(0, 1).hits(1, 3) == {1: 5.6}
    assert not arena.b["alive"][1]
    assert arena.order_of(0)[0] == NONE


def test_allied_medivacs_never_heal_by_themselves() -> None:
    arena = ward(Unit("marine", 11, 16, hp=20)).run(100)
    assert arena.b["hp"][1] == 20
    assert arena.order_of(0)[0] == NONE


def enemy_ward(*units: Unit) -> Arena:
    """Enemies from unit 1 on, out of sight of the one ally."""
    return Arena([Unit("medivac", 28, 28)], list(units))


def test_enemy_medivacs_heal_from_five_energy_on() -> None:
    # 4 + 28 x 0.03515625 = 4.984, 29 ticks make 5.0195: healing begins in tick 29.
    arena = enemy_ward(Unit("medivac", 10, 16, energy=4), Unit("marine", 12, 16, hp=20)).run(29)
    assert arena.b["hp"][2] == 20
    arena.run(1)
    assert arena.b["hp"][2] == pytest.approx(20 + RATE)
    arena.run(30)  # and goes on below five
    assert arena.b["hp"][2] > 20 + 20 * RATE


def test_they_prefer_the_lowest_share_of_life() -> None:
    """22 / 45 = 0.489 is nearer and less, 60 / 125 = 0.48 is the lower share; the stalker is no patient at all."""
    arena = enemy_ward(
        Unit("medivac", 10, 16),
        Unit("marine", 11, 16, hp=22),
        Unit("marauder", 14, 16, hp=60),
        Unit("stalker", 10, 15, hp=1),
        Unit("medivac", 9, 18),
    )
    arena.run(1)
    assert arena.order_of(1) == (HEAL, 3)
    assert arena.order_of(5) == (HEAL, 2)  # the second one takes the other


def test_at_equal_shares_they_prefer_the_nearest() -> None:
    arena = enemy_ward(Unit("medivac", 10, 16), Unit("marine", 14, 16, hp=22), Unit("marine", 12, 16, hp=22)).run(1)
    assert arena.order_of(1) == (HEAL, 3)


@pytest.mark.parametrize(("apart", "notices"), [(7.12, True), (7.13, False)])
def test_they_look_six_cells_around(apart: float, notices: bool) -> None:
    """6 + 0.75 + 0.375 = 7.125."""
    arena = enemy_ward(Unit("medivac", 10, 16), Unit("marine", 10 + apart, 16, hp=20)).run(1)
    assert (arena.order_of(1) == (HEAL, 2)) == notices


def test_zerg_regain_life_always() -> None:
    arena = Arena([Unit("zergling", 10, 16, hp=20), Unit("marine", 12, 16, hp=20)], [Unit("medivac", 28, 28)]).run(100)
    assert arena.b["hp"][0] == pytest.approx(20 + 1.70875)  # 0.2734 a second
    assert arena.b["hp"][1] == 20
    assert arena.run(2000).b["hp"][0] == 35


def test_shields_recover_after_ten_calm_seconds() -> None:
    arena = Arena([Unit("stalker", 10, 16, shield=40, hp=50)], [Unit("marine", 15, 16)])
    assert arena.hits(0, 2) == {1: 6.0}
    arena.b["hp"][1] = 0  # the marine is gone
    arena.run(159)  # tick 1 was the hit, the 160 ticks after it end with tick 161
    assert arena.b["shield"][0] == 34
    arena.run(1)
    assert arena.b["shield"][0] == 34.125
    arena.run(16)
    assert arena.b["shield"][0] == 36.125  # 2 a second
    assert arena.run(1000).b["shield"][0] == 80
    assert arena.b["hp"][0] == 50


def test_energy_recovers_up_to_200() -> None:
    arena = ward(energy=50).run(16)
    assert arena.b["energy"][0] == 50.5625
    arena.b["energy"][0] = 199.9
    assert arena.run(16).b["energy"][0] == 200
