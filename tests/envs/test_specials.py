"""Zealot, hydralisk, colossus and baneling by hand."""

from __future__ import annotations

import pytest

from envs.battle.smacv2.orders import WEST
from tests.envs.arena import Arena, Unit


def zealot() -> Arena:
    return Arena([Unit("zealot", 10, 16)], [Unit("marine", 10.8, 16)]).attack(0, 1)


def test_a_zealot_hits_twice() -> None:
    assert zealot().hits(1, 15) == {0: 8.0, 5: 8.0}  # at once, and 4.48 ticks later


def test_a_move_order_loses_the_second_hit() -> None:
    arena = zealot().run(3).act(0, WEST)
    assert arena.hits(1, 10) == {}
    assert arena.health(1) == 45 - 8
    assert arena.b["cooldown"][0] > 0


def test_the_same_attack_again_does_not() -> None:
    assert zealot().run(3).attack(0, 1).hits(1, 10) == {5: 8.0}


def test_a_target_that_steps_away_does_not_either() -> None:
    arena = zealot().run(2).carry(1, 11.5, 16)
    assert arena.hits(1, 8) == {5: 8.0}


def test_the_second_hit_is_not_for_another_target() -> None:
    arena = Arena([Unit("zealot", 10, 16)], [Unit("marine", 10.8, 16), Unit("marine", 10, 16.8)])
    arena.attack(0, 1).run(2).attack(0, 2)
    assert arena.hits(2, 15) == {}  # the new attack waits for the cooldown, at least 18.2 ticks
    assert arena.health(1) == 45 - 8


@pytest.mark.parametrize(
    ("target", "apart", "weapon", "lands"),
    [
        ("marine", 1.5, 1, 5),  # claws reach 0.5 + 0.625 + 0.375; damage point 4.8, instant
        ("marine", 4.0, 0, 4 + 2),  # spines: 3.33 and 4 / 2.5 = 1.6
        ("medivac", 1.0, 0, 4 + 1),  # claws do not reach the air
    ],
)
def test_a_hydralisk_claws_what_is_near(target: str, apart: float, weapon: int, lands: int) -> None:
    arena = Arena([Unit("hydralisk", 10, 16)], [Unit(target, 10 + apart, 16)]).attack(0, 1)
    assert next(iter(arena.hits(1, 12))) == lands
    assert arena.b["weapon"][0] == weapon
    assert arena.b["cooldown"][0] > 13.28 - 1 - 12  # one cooldown for both


# A colossus at (10, 16) fires east on a main target at (17, 16), beyond the 6.375 at which marines and zerglings would
# notice it. Damage point 1.33: the lances start in tick 2, 11 samples each 0.4992 ticks apart along x = 17, one from
# y = 14.75 up and one from y = 17.25 down; who is touched loses 20 four ticks later, the main target 2 × 20 after 11.5.
FIRES, DELAY, MAIN = 2, 4, 2 + 12


def colossus(*others: Unit, allies: tuple[Unit, ...] = (), main: str = "marine") -> Arena:
    team = [Unit("colossus", 10, 16), *allies]
    return Arena(team, [Unit(main, 17, 16), *others]).attack(0, len(team))


@pytest.mark.parametrize(
    ("x", "y", "losses"),
    [
        # Reach 0.15 + 0.375 = 0.525. One cell up: the falling lance starts 0.25 away (tick 2), the rising one comes
        # within reach with its sample 7 at y = 16.5, 3.49 ticks after the first.
        (17, 17, {FIRES + DELAY: 20.0, FIRES + 4 + DELAY: 20.0}),
        # One cell down: the same with the lances exchanged.
        (17, 15, {FIRES + DELAY: 20.0, FIRES + 4 + DELAY: 20.0}),
        # Just behind the target: only sample 5 of each, at y = 16, is within reach: 2.496 ticks after the first.
        (17.5, 16, {FIRES + 3 + DELAY: 40.0}),
        (17, 17.7, {FIRES + DELAY: 20.0, FIRES + 5 + DELAY: 20.0}),  # 0.45 from the ends: samples 0 and 10 (4.99)
        (17, 17.8, {}),  # 0.55 from the end
        (17.6, 16, {}),
    ],
)
def test_who_is_swept_and_when(x: float, y: float, losses: dict[int, float]) -> None:
    assert colossus(Unit("marine", x, y)).hits(2, 30) == losses


def test_the_main_target_is_hit_at_the_end() -> None:
    assert colossus().hits(1, 30) == {MAIN: 40.0}
    assert colossus(main="zealot").hits(1, 30) == {MAIN: 40.0}  # into the shield
    arena = colossus(main="zealot")
    arena.b["shield"][1] = 0
    assert arena.hits(1, 30) == {MAIN: 38.0}  # twice armour 1


def test_zerglings_die_of_the_second_lance() -> None:
    """35 life: the first lance leaves 15, the second kills; the main one dies of 2 × 20."""
    arena = colossus(Unit("zergling", 17, 17), Unit("zergling", 17, 15), Unit("zergling", 17, 20), main="zergling")
    arena.run(FIRES + 4 + DELAY)
    assert arena.b["alive"][1:5].tolist() == [1, 1, 1, 1]
    assert arena.b["hp"][2] == pytest.approx(15, abs=0.2)
    arena.run(1)
    assert arena.b["alive"][1:5].tolist() == [1, 0, 0, 1]
    arena.run(MAIN - (FIRES + 4 + DELAY))
    assert arena.b["alive"][1:5].tolist() == [0, 0, 0, 1]


def test_moving_breaks_the_channel_but_not_what_is_marked() -> None:
    arena = colossus(Unit("marine", 17, 17))
    arena.run(FIRES + 2).act(0, WEST)
    assert arena.hits(2, 30) == {FIRES + DELAY: 20.0}  # touched in tick 2; the other lance never arrives
    assert arena.health(1) == 45


def test_lances_spare_friends_and_flyers() -> None:
    arena = colossus(Unit("medivac", 17, 16.5), allies=(Unit("marauder", 17, 17),), main="zergling")
    own = arena.hits(1, 30)
    assert set(own.values()) == {4.0}  # the zergling's claws, 5 - 1
    assert not arena.b["alive"][2]
    assert arena.health(3) == 150


def test_a_dead_colossus_still_burns_what_is_marked() -> None:
    arena = colossus(Unit("marine", 17, 17)).run(FIRES + 2)
    arena.b["hp"][0] = 0
    assert arena.hits(2, 30) == {FIRES + DELAY: 20.0}
    assert arena.health(1) == 45


def test_a_baneling_explodes_on_contact() -> None:
    """Radius 2.2 and the target's own; it starts within 0.25 + 0.375 + 0.375 = 1 of its target."""
    arena = Arena(
        [Unit("baneling", 16, 16), Unit("marine", 15, 15)],
        [
            Unit("marine", 16.9, 16),
            Unit("marine", 16, 18.57),  # within 2.575
            Unit("marine", 16, 13.42),  # not within
            Unit("marauder", 18.76, 16),  # within 2.7625, armored
            Unit("colossus", 12.81, 16, shield=0),  # within 3.2: ground as well as air
            Unit("medivac", 16, 17),
            Unit("zealot", 14, 17),  # into the shield, light
        ],
    )
    arena.b["tick"] = 1
    before = [arena.health(i) for i in range(9)]
    arena.attack(0, 2).run()
    assert not arena.b["alive"][0]
    losses = [before[i] - arena.health(i) for i in range(1, 9)]
    assert losses == [0, 35, 35, 0, 19, 19, 0, 35]


def test_no_baneling_explodes_in_the_tick_in_which_a_battle_begins() -> None:
    """smacv2 waits until it has seen all units of a battle; if one could be gone by then, it would never return."""
    arena = Arena([Unit("marine", 16, 16)], [Unit("baneling", 16.8, 16)])
    arena.run()
    assert (arena.b["alive"][1], arena.health(0)) == (1, 45)
    arena.run()
    assert (arena.b["alive"][1], arena.health(0)) == (0, 10)


def test_a_baneling_walks_up_and_explodes_in_passing() -> None:
    arena = Arena([Unit("baneling", 10, 16)], [Unit("marine", 12, 16)]).attack(0, 1)
    arena.b["cooldown"][1] = 1000
    # 1 cell to go at 0.15625 a tick: 6.4, so the seventh step brings it within reach and the next tick explodes it.
    assert arena.hits(1, 20) == {7: 35.0}


def test_a_killed_baneling_explodes() -> None:
    arena = Arena([Unit("marine", 10, 16), Unit("medivac", 11, 16)], [Unit("baneling", 12.5, 16, hp=5)])
    assert arena.attack(0, 2).hits(0, 5) == {1: 35.0}  # in the tick of the marine's shot
    assert not arena.b["alive"][2]
    assert arena.health(1) == 150


def test_explosions_chain_within_a_tick() -> None:
    """Our baneling kills theirs (15 of 30 life left, 20 damage: banelings are not light), theirs hits our marine."""
    arena = Arena(
        [Unit("baneling", 16, 16), Unit("marine", 19.5, 16)],
        [Unit("marauder", 16, 16.9), Unit("baneling", 18, 16, hp=15), Unit("baneling", 16, 14.5, hp=25)],
    )
    arena.b["tick"] = 1
    arena.attack(0, 2).run()
    assert arena.b["alive"][:5].tolist() == [0, 1, 1, 0, 1]
    assert arena.health(1) == 45 - 35
    assert arena.health(2) == 125 - 19
    assert arena.health(4) == pytest.approx(5, abs=0.02)
