"""What enemies choose, and what agents' units never do, by hand."""

from __future__ import annotations

import math

import pytest

from envs.battle.state import ACQUIRED, ATTACK, MOVE, NONE
from tests.envs.arena import Arena, Unit


def test_the_script_sends_idle_enemies_at_the_closest_agent() -> None:
    arena = Arena([Unit("marine", 4, 16), Unit("marine", 6, 16)], [Unit("marine", 28, 16)], script=3).run(3)
    assert arena.order_of(2)[0] == NONE
    arena.run()  # tick 3
    assert arena.order_of(2) == (ATTACK, 1)
    assert arena.place(2)[0] < 28


def test_it_fires_every_eight_ticks() -> None:
    arena = Arena([Unit("marine", 4, 16)], [Unit("marine", 28, 16)], script=3).run(4)
    arena.b["order"][1] = NONE
    arena.run(7)
    assert arena.order_of(1)[0] == NONE
    assert arena.run().order_of(1) == (ATTACK, 0)  # tick 11


def test_a_targeted_attack_sticks_until_its_target_dies() -> None:
    arena = Arena([Unit("marine", 4, 16), Unit("marine", 2.5, 16)], [Unit("marine", 28, 16)], script=0).run()
    assert arena.order_of(2) == (ATTACK, 0)
    arena.carry(1, 26, 16).run(20)  # another one right before it
    assert arena.order_of(2) == (ATTACK, 0)
    arena.b["hp"][0] = 0
    arena.run(3)
    assert arena.order_of(2) == (ACQUIRED, 1)  # idle, it takes the one that it sees


def test_after_a_kill_with_nobody_in_sight_it_waits_for_the_script() -> None:
    arena = Arena([Unit("marine", 4, 16), Unit("marine", 4, 20)], [Unit("marine", 28, 16)], script=0).run(17)
    arena.b["hp"][0] = 0
    arena.run(7)
    assert arena.order_of(2)[0] == NONE
    assert arena.run().order_of(2) == (ATTACK, 1)  # tick 24


def test_an_order_it_cannot_carry_out_is_refused() -> None:
    """The closest agent is a medivac, so a marauder stays idle; the closest by centre, whatever else is near."""
    arena = Arena([Unit("medivac", 20, 16), Unit("marine", 4, 16)], [Unit("marauder", 28, 16)], script=0).run(40)
    assert arena.order_of(2)[0] == NONE
    assert arena.place(2) == (28, 16)
    arena.b["hp"][0] = 0
    arena.run(9)  # it dies in tick 40, the next orders come in tick 48
    assert arena.order_of(2) == (ATTACK, 1)


def test_an_enemy_medivac_gets_no_attack() -> None:
    arena = Arena([Unit("marine", 4, 16)], [Unit("medivac", 28, 16), Unit("marine", 28, 20)], script=0).run(40)
    assert arena.order_of(1)[0] == NONE
    assert arena.place(1) == (28, 16)


def test_or_follows_its_comrades_by_option() -> None:
    arena = Arena(
        [Unit("marine", 4, 16)], [Unit("medivac", 28, 16), Unit("marine", 28, 20)], script=0, enemy_medivacs="follow"
    )
    arena.run(80)
    assert arena.distance(1, 2) < 3
    assert arena.place(1)[0] < 22


@pytest.mark.parametrize(
    ("enemy", "ally", "reach"),
    [
        ("marine", "marine", 5.75),  # max(range 5, 5) + both radii
        ("zergling", "marine", 5.75),  # range 0.1
        ("zealot", "stalker", 6.125),
        ("marauder", "marine", 6.9375),  # range 6
        ("colossus", "zealot", 7.5),
        ("hydralisk", "medivac", 6.375),
    ],
)
def test_idle_enemies_acquire_in_scan_range(enemy: str, ally: str, reach: float) -> None:
    for apart, notices in ((reach - 0.01, True), (reach + 0.01, False)):
        arena = Arena([Unit(ally, 10, 16)], [Unit(enemy, 10 + apart, 16)]).run()
        assert (arena.order_of(1) == (ACQUIRED, 0)) == notices


def test_they_take_the_nearest_they_can_hit() -> None:
    allies = [Unit("marine", 10, 16), Unit("marine", 10.5, 18), Unit("medivac", 12, 16)]
    arena = Arena(allies, [Unit("marine", 14, 16), Unit("marauder", 14, 15)]).run()
    assert arena.order_of(3) == (ACQUIRED, 2)  # a medivac ranks with armed units
    assert arena.order_of(4) == (ACQUIRED, 0)  # (10, 16) is 4.12 away, (10.5, 18) 4.61


def test_an_acquired_target_is_kept_while_in_range() -> None:
    arena = Arena([Unit("marine", 10, 16), Unit("marine", 4, 16)], [Unit("marine", 15, 16)]).run(2)
    assert arena.order_of(2) == (ACQUIRED, 0)
    arena.carry(1, 14, 16).run(20)  # nearer
    assert arena.order_of(2) == (ACQUIRED, 0)
    arena.carry(0, 4, 16).run(24)  # out of range (once a swing is over), so it looks again within eight ticks
    assert arena.order_of(2) == (ACQUIRED, 1)


def test_looking_again_does_not_cut_a_blow_short() -> None:
    """A zealot hits A at once and again after 5 ticks; A is out of reach meanwhile, B near, and tick 3 is its look."""
    far = [Unit("marine", 28, 28 - 2 * i) for i in range(3)]
    arena = Arena([Unit("marine", 15.2, 16), Unit("marine", 4, 4), *far], [Unit("zealot", 16, 16)]).run()
    assert arena.order_of(5) == (ACQUIRED, 0)
    arena.carry(0, 13, 16).carry(1, 17, 16)
    assert arena.hits(0, 6) == {5: 8.0}
    arena.run(8)
    assert arena.order_of(5) == (ACQUIRED, 1)


def test_the_leash() -> None:
    arena = Arena([Unit("marine", 4, 16), Unit("marine", 4, 28)], [Unit("marine", 9, 16)]).run()
    assert arena.order_of(2) == (ACQUIRED, 0)
    arena.b["swing"][2] = 0
    arena.carry(2, 29.5, 16).run()  # 20.5 from where it began
    assert arena.order_of(2) == (ACQUIRED, 0)
    arena.carry(2, 29.5, 22).run(2)  # 21.4
    assert arena.order_of(2)[0] == MOVE  # pulled back
    arena.run(200)
    assert 4.7 < math.dist(arena.place(2), (9, 16)) <= 5  # where it is free again: nobody is in sight from there
    assert arena.order_of(2)[0] == NONE


def test_call_for_help() -> None:
    """A stalker 6.5 from a marine that sees 6: only the call of the marine that is hit makes anybody turn."""
    enemies = [Unit("marine", 16.5, 16), Unit("marine", 20.4, 16), Unit("marine", 20.6, 16.5), Unit("medivac", 17, 16)]
    arena = Arena([Unit("stalker", 10, 16)], enemies, help=True).attack(0, 1).run(9)  # 6.5 / 1.17 = 5.5: tick 9
    assert [arena.order_of(i)[0] for i in range(1, 5)] == [NONE] * 4
    arena.run()
    assert arena.order_of(1) == arena.order_of(2) == (ACQUIRED, 0)  # 3.9 away
    assert arena.order_of(3)[0] == NONE  # 4.13 away
    assert arena.order_of(4)[0] == NONE


def test_no_second_call_within_two_seconds() -> None:
    """Missiles land in ticks 9 and 9 + 23..25: within 32 ticks, so the second hit calls nobody."""
    arena = Arena([Unit("stalker", 10, 16)], [Unit("zealot", 16.7, 16), Unit("marine", 20, 16)], help=True)
    arena.attack(0, 1).run(10)
    assert arena.order_of(2) == (ACQUIRED, 0)
    for enemy in (1, 2):
        arena.b["order"][enemy] = NONE
    arena.carry(1, 16.7, 16).carry(2, 20, 16)
    assert arena.hits(1, 30) != {}
    assert arena.order_of(2)[0] == NONE


@pytest.mark.parametrize("type", ["marine", "zealot", "baneling", "colossus", "medivac"])
def test_agents_never_act_by_themselves(type: str) -> None:
    arena = Arena([Unit(type, 10, 16), Unit("marine", 9, 16, hp=5)], [Unit("zergling", 14, 16)], script=0, help=True)
    place = arena.place(0)
    arena.run(60)
    assert arena.order_of(0)[0] == NONE
    assert arena.place(0) == place
    if type != "baneling":  # whose death is a blast
        assert arena.b["hp"][2] == 35
