"""Damage by hand: base and bonus, shields, armour, the least hit, who can hit whom, overkill, dying together."""

from __future__ import annotations

import pytest

from tests.envs.arena import Arena, Unit, jitter

MELEE = ("zealot", "zergling")


def duel(attacker: str, target: str, apart: float, **target_has: float) -> Arena:
    """An ally ordered to attack an enemy to its east."""
    return Arena([Unit(attacker, 10, 16)], [Unit(target, 10 + apart, 16, **target_has)]).attack(0, 1)


@pytest.mark.parametrize(
    ("attacker", "target", "hit"),
    [
        ("marine", "zergling", 6),
        ("marine", "medivac", 5),  # 6 - 1 armour
        ("marine", "stalker", 5),
        ("marauder", "marine", 10),
        ("marauder", "marauder", 19),  # 10 + 10 armored - 1
        ("marauder", "zealot", 9),
        ("stalker", "marine", 10),
        ("stalker", "marauder", 13),  # 10 + 4 armored - 1
        ("stalker", "medivac", 13),
        ("zealot", "marine", 8),
        ("zealot", "colossus", 7),
        ("zergling", "marine", 5),
        ("zergling", "marauder", 4),
        ("hydralisk", "marine", 12),
        ("hydralisk", "stalker", 11),
        ("hydralisk", "medivac", 11),
    ],
)
def test_one_hit_on_life(attacker: str, target: str, hit: float) -> None:
    arena = duel(attacker, target, 0.8 if attacker in MELEE else 4.0, shield=0)
    assert next(iter(arena.hits(1, 12).values())) == hit


@pytest.mark.parametrize(
    ("shield", "shield_left", "hp_left"),
    [
        (50, 44, 100),  # a full shield takes all 6, armour does not count
        (4, 0, 99),  # 4 absorbed, of the other 2 armour takes 1
        (5.2, 0, 99.5),  # 0.8 left, 0.8 - 1 armour would be nothing: at least 0.5
        (6, 0, 100),  # nothing is left for life, so there is no least hit either
    ],
)
def test_shields_absorb_first_and_armour_reduces_the_rest(shield: float, shield_left: float, hp_left: float) -> None:
    arena = duel("marine", "zealot", 4, shield=shield).run(2)  # a marine's shot falls in tick 1
    assert arena.b["shield"][1] == pytest.approx(shield_left)
    assert arena.b["hp"][1] == pytest.approx(hp_left)


def test_a_marine_kills_a_zergling_with_seven_shots() -> None:
    """Six shots are 36, a zergling has 35 but regains 0.0171 a tick: more than 1 before tick 66, the earliest sixth."""
    arena = duel("marine", "zergling", 5)
    start, shots = 0, []
    for _ in range(7):
        shots.append(start + 1)  # damage point 0.8
        # 13.7728 and a draw of -1 .. +2, on the first whole tick: 13 to 16
        start += -int(-(13.7728 + jitter(0, start)) // 1)
    hits = arena.hits(1, 110)
    assert list(hits) == shots
    assert list(hits.values())[:6] == [6.0] * 6
    assert 66 <= shots[5] <= 81
    assert not arena.b["alive"][1]


@pytest.mark.parametrize("attacker", ["marauder", "zealot", "zergling", "baneling", "colossus"])
def test_ground_weapons_cannot_attack_a_medivac(attacker: str) -> None:
    """The others can: see the hits on life above."""
    arena = duel(attacker, "medivac", 1)
    assert arena.order_of(0) == (0, -1)
    assert arena.hits(1, 60) == {}
    assert arena.b["alive"][0]


@pytest.mark.parametrize(
    ("attacker", "target", "apart", "lands"),
    [
        ("stalker", "medivac", 7.0, 3 + 6),  # damage point 2.67; 7 / 1.171875 = 5.97
        ("stalker", "medivac", 7.25, 3 + 7),  # 6.19
        ("stalker", "medivac", 1.0, 3 + 1),
        ("marauder", "zealot", 7.0, 0 + 6),  # no damage point; 7 / 1.25 = 5.6
        ("hydralisk", "medivac", 6.0, 4 + 3),  # 3.33; 6 / 2.5 = 2.4
    ],
)
def test_flight_time(attacker: str, target: str, apart: float, lands: int) -> None:
    """Targets that stand: a medivac hovers, and a zealot scans 5 + 0.5 + 0.5625 only."""
    assert next(iter(duel(attacker, target, apart).hits(1, 12))) == lands


def test_a_missile_follows_its_target() -> None:
    arena = duel("stalker", "medivac", 7).run(4)  # launched in tick 3
    arena.carry(1, 10, 26)
    # After one more tick of flight the missile is at (11.17, 16) and turns: 10.07 cells at 1.171875, nine ticks.
    assert arena.hits(1, 20) == {4 + 8: 13.0}


def test_a_missile_is_wasted_on_the_dead() -> None:
    arena = Arena([Unit("stalker", 10, 16), Unit("marine", 13, 16)], [Unit("medivac", 17, 16, hp=5)])
    arena.attack(0, 2).run(4)
    assert arena.b["missile"][0] == 2
    arena.attack(1, 2).run(2)  # the marine's 5 fall in tick 5, the missile would land in tick 9
    assert not arena.b["alive"][2]
    arena.run(1)
    assert arena.b["missile"][0] == -1
    assert arena.b["cooldown"][0] > 23.04 - 1 - 7  # the attack is spent


def test_overkill_spends_both_attacks() -> None:
    arena = Arena([Unit("stalker", 10, 16), Unit("stalker", 14, 16)], [Unit("medivac", 17, 16, hp=10)])
    arena.attack(0, 2).attack(1, 2)
    assert arena.hits(2, 12) == {3 + 3: 10.0}  # the nearer one's, 3 / 1.171875 = 2.56
    assert (arena.b["cooldown"][:2] > 23.04 - 1 - 12).all()
    assert arena.b["missile"][0] == -1


def test_a_missile_outlives_its_shooter() -> None:
    arena = duel("stalker", "medivac", 7).run(4)
    arena.b["hp"][0] = 0
    assert arena.hits(1, 12) == {9: 13.0}
    assert not arena.b["alive"][0]


def test_two_that_kill_each_other_both_die() -> None:
    arena = Arena([Unit("marine", 10, 16, hp=6)], [Unit("marine", 15, 16, hp=6)]).attack(0, 1).run(2)
    assert not arena.b["alive"][:2].any()


def test_in_random_order_only_one_dies() -> None:
    arena = Arena([Unit("marine", 10, 16, hp=6)], [Unit("marine", 15, 16, hp=6)], unit_order="random")
    arena.attack(0, 1).run(2)
    assert arena.b["alive"][:2].sum() == 1


def test_in_random_order_nobody_shoots_at_the_dead() -> None:
    """Two marines and one shot's worth of life: the later one loses its target and keeps its shot."""
    arena = Arena(
        [Unit("marine", 10, 16), Unit("marine", 10, 17)], [Unit("medivac", 15, 16, hp=5)], unit_order="random"
    )
    arena.attack(0, 2).attack(1, 2).run(2)
    assert not arena.b["alive"][2]
    assert sorted(arena.b["cooldown"][:2] > 0) == [False, True]
