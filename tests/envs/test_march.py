"""The orders that SMAC's maps give once, at the spawn: an attack-move, an attack on the agents, or none. By hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import envs
from envs.battle.state import ACQUIRED, ATTACK, HEAL, MARCH, NONE
from envs.battle.units import IN_THE_AIR
from envs.registry import entry
from tests.envs.arena import Arena, Unit
from tests.envs.play import begun

STEP = 0.140625  # of a marine, in a tick
FAR = Unit("medivac", 4, 4)  # an agent that concerns nobody
STOP = 1


def marches(id: str) -> bool:
    """Whether a scenario's script is an attack-move."""
    scenario = entry(id).scenario
    return scenario is not None and scenario.script == "march"


def marching(allies: list[Unit], enemies: list[Unit], x: float = 9, y: float = 16, **more: Any) -> Arena:
    return Arena(allies, enemies, scenario=dict(script="march", march_to=((x, y), (x, y))), **more)


def test_everybody_marches_and_halts_at_the_point() -> None:
    """17 cells at 0.140625: the 121st tick brings it there, the last step being shorter."""
    arena = marching([FAR], [Unit("marine", 26, 16)])
    assert arena.run(120).place(1) == (26 - 120 * STEP, 16)
    assert arena.order_of(1)[0] == MARCH
    assert arena.run().place(1) == (9, 16)
    assert arena.order_of(1)[0] == NONE
    assert arena.run(50).place(1) == (9, 16)  # nothing re-orders it


def test_who_comes_into_scan_range_is_attacked() -> None:
    """Marines notice each other at 5 + 2 × 0.375. From 16 apart that takes 73 steps; the shot falls a tick later."""
    arena = marching([Unit("marine", 10, 16)], [Unit("marine", 26, 16)]).run(73)
    assert arena.order_of(1)[0] == MARCH
    assert arena.distance(0, 1) == 16 - 73 * STEP < 5.75
    assert arena.hits(0, 3) == {74: 6.0}
    assert arena.order_of(1) == (ACQUIRED, 0)


def test_who_stays_out_of_it_is_passed() -> None:
    """The way passes (16, 16); a marine 5.8 north of it is not noticed."""
    arena = marching([Unit("marine", 16, 21.8)], [Unit("marine", 26, 16)]).run(121)
    assert arena.place(1) == (9, 16)
    assert arena.health(0) == 45


def test_so_is_who_cannot_be_attacked() -> None:
    arena = marching([Unit("medivac", 16, 16)], [Unit("zealot", 26, 16)]).run(121)
    assert arena.place(1) == (9, 16)


def test_after_the_kill_it_marches_on() -> None:
    """With 6 life the marine dies in tick 74; tick 75 is a step again, and 6.73 cells to the point take 48."""
    arena = marching([Unit("marine", 10, 16, hp=6), FAR], [Unit("marine", 26, 16)]).run(75)
    assert not arena.b["alive"][0]
    x = 26 - 73 * STEP
    assert arena.place(2) == (x, 16)
    assert arena.run().place(2) == (x - STEP, 16)
    assert arena.order_of(2)[0] == MARCH
    assert arena.run(46).order_of(2)[0] == MARCH
    assert arena.run().place(2) == (9, 16)
    assert arena.order_of(2)[0] == NONE


def test_a_chase_on_the_march_has_no_leash() -> None:
    arena = marching([Unit("stalker", 20, 16)], [Unit("zealot", 25, 16)]).run(1)
    assert arena.order_of(1) == (ACQUIRED, 0)
    arena.carry(1, 3, 16).carry(0, 8, 16).run(2)  # 22 from where it acquired
    assert arena.order_of(1) == (ACQUIRED, 0)


def test_a_call_for_help_reaches_who_marches() -> None:
    """A stalker hits a zealot 6.5 away, beyond the 6.125 that it would notice; both it and its neighbour turn."""
    arena = marching([Unit("stalker", 10, 16)], [Unit("zealot", 16.5, 16), Unit("zealot", 20, 16)], 16, 30, help=True)
    arena.attack(0, 1).run(2)
    assert [arena.order_of(i)[0] for i in (1, 2)] == [MARCH, MARCH]
    arena.run(8)
    assert [arena.order_of(i) for i in (1, 2)] == [(ACQUIRED, 0)] * 2


def test_it_halts_where_comrades_have_arrived() -> None:
    """The first reaches (9, 16); the second, 2 behind, stops where two marines at a density of 0.45 fill the disc.

    That is √(2 × 0.375² / 0.45) = 0.79 from the point; it is there after 30 steps, the last ones past the first marine.
    """
    arena = marching([FAR], [Unit("marine", 12, 16), Unit("marine", 14, 16)]).run(22)
    assert arena.place(1) == (9, 16)
    assert arena.order_of(1)[0] == NONE
    arena.run(8)
    assert arena.order_of(2)[0] == MARCH
    arena.run(10)
    assert 0.75 <= arena.distance(1, 2) <= 0.79 + STEP
    assert arena.order_of(2)[0] == NONE
    assert arena.place(1) == (9, 16)  # not shoved


def test_but_not_behind_one_whose_target_has_just_died() -> None:
    """In a random order of units a target may die before its attacker's turn, which then has no order for that tick."""
    enemies = [Unit("marine", 15, 16), Unit("marine", 15.76, 16)]
    arena = marching([Unit("marine", 10, 16), FAR], enemies, unit_order="random")
    arena.b["hp"][0] = 0
    arena.run(1)
    assert [arena.order_of(i)[0] for i in (2, 3)] == [NONE, MARCH]  # the first had acquired
    arena.run(60)
    assert arena.place(2)[0] < 9.3
    assert arena.place(3)[0] < 10.3


def test_a_whole_army_gathers_round_the_point() -> None:
    env = begun("8m", seed=2)
    env.battles["hp"][0, 1:8] = 0  # one agent is left, who is no trouble
    env.battles["x"][0, 0], env.battles["y"][0, 0] = 9.0, 24.5
    for _ in range(40):
        env.step(np.where(env.action_mask[..., STOP], STOP, 0))
    b = env.battles[0]
    assert (b["order"][8:16] == NONE).all()
    away = np.hypot(b["x"][8:16] - 9, b["y"][8:16] - 16)
    assert away.min() < 0.75
    assert away.max() < 2.5


def spread(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Ratio of a crowd's principal axes: 1 is round."""
    least, most = np.linalg.eigvalsh(np.cov(x, y))
    return float(np.sqrt(most / least))


@pytest.mark.parametrize(
    ("type", "count", "across"),
    [("marine", 24, 12), ("marine", 24, 6), ("marine", 8, 8), ("zergling", 24, 6), ("zergling", 40, 8)],
)
def test_an_army_crowds_about_the_point(type: str, count: int, across: int) -> None:
    """Whether it comes in a column, which used to queue up, or in a block; everybody halts."""
    army = [Unit(type, 19 + 0.8 * (i % across), 15.6 + 0.8 * (i // across)) for i in range(count)]
    arena = marching([FAR], army)
    arena.run(220)
    x, y = arena.b["x"][1 : count + 1], arena.b["y"][1 : count + 1]
    assert (arena.b["order"][1 : count + 1] == NONE).all()
    assert spread(x, y) < 1.8
    assert np.hypot(x.mean() - 9, y.mean() - 16) < 2.5
    before = x.copy()
    assert np.array_equal(arena.run(20).b["x"][1 : count + 1], before)


@pytest.mark.parametrize("id", [id for id in envs.ids() if marches(id)])
def test_every_army_of_a_map_halts(id: str) -> None:
    """One agent is left, which hovers in a corner of the map, out of everybody's sight."""
    env = begun(id, seed=2)
    b, n, m = env.battles[0], env.spec.n_agents, env.spec.n_enemies
    b["hp"][1:n] = 0
    b["x"][0], b["y"][0], b["floor"][0] = 0, 0, IN_THE_AIR
    for _ in range(110):
        b["hp"][0], b["step"] = 1000, 0
        env.step(np.where(env.action_mask[..., STOP], STOP, 0))
    army = b["heals"][n : n + m] == 0
    assert (b["order"][n : n + m][army] == NONE).all()


def test_medivacs_do_not_outrun_the_army() -> None:
    """37 / 4096 cells a tick² up to the marine's 576 / 4096 a tick, though it could do 704: 15 ticks, then even."""
    arena = marching([FAR], [Unit("medivac", 26, 20), Unit("marine", 26, 16)], 9, 20).run(40)
    assert arena.place(1) == (26 - (37 * 120 + 25 * 576) / 4096, 20)


def test_medivacs_heal_on_the_way() -> None:
    """One hp of a marine nearby is two ticks' work; the third notices that all is well, the fourth marches on."""
    arena = marching([FAR], [Unit("medivac", 26, 18), Unit("marine", 26, 16, hp=44)]).run(1)
    assert arena.order_of(1) == (HEAL, 2)
    assert arena.b["hp"][2] == 44.5625
    assert arena.run().b["hp"][2] == 45
    assert arena.run().order_of(1)[0] == NONE
    assert arena.place(1) == (26, 18)
    assert arena.run().order_of(1)[0] == MARCH
    assert arena.place(1)[0] < 26


def test_medivacs_of_random_teams_march_as_well() -> None:
    """Their army's pace is that of the slowest that may be drawn."""
    arena = marching([FAR], [Unit("medivac", 26, 20)], 9, 20).run(16)
    assert arena.place(1) == (26 - (37 * 120 + 576) / 4096, 20)


def test_an_attack_once_is_on_the_closest() -> None:
    """Also across a cliff and out of sight."""
    agents, enemies = (
        [Unit("colossus", 8, 16), Unit("colossus", 20, 16)],
        [Unit("zergling", x, 9) for x in (13.9, 14.1)],
    )
    arena = Arena(agents, enemies, scenario=dict(script="attack_once", map="ravine_with_ramps"))
    assert [arena.order_of(i) for i in (2, 3)] == [(ATTACK, 0), (ATTACK, 1)]


@pytest.mark.parametrize(("reading", "share"), [("first", 0.0), ("mirrored", 0.5), ("drawn", 0.5)])
def test_which_colossus_is_the_first_victim(reading: str, share: float) -> None:
    """One stands at (16, 16), the other 1.25 away; the zerglings at (16, 9) take the nearer one.

    The first place on the lattice is (15, 15.25), where agent 0 is nearer to all; in its mirror, (15, 16.75), agent 1.
    """
    env = begun("2c_vs_64zg", 400, seed=3, equal_places=reading)
    b = env.battles
    assert (b["order"][:, 2:66] == ATTACK).all()
    x, y = b["x"][:, :2], b["y"][:, :2]
    assert (np.sort(np.hypot(x - 16, y - 16), axis=1) == [0, 1.25]).all()
    victims = b["target"][:, 2:66]
    if reading != "drawn":
        assert (victims == y.argmin(axis=1)[:, None]).all()
    assert ((victims == 1).mean(axis=1) > 0.5).mean() == pytest.approx(share, abs=0.15 * (share > 0))


def test_and_is_not_repeated() -> None:
    """Its target dead, and the other agent out of its sight, a zergling stands where it is."""
    agents = [Unit("marine", 16, 16), Unit("marine", 4, 4)]
    arena = Arena(agents, [Unit("zergling", 24, 16)], scenario=dict(script="attack_once"))
    assert arena.order_of(2) == (ATTACK, 0)
    arena.run(5).b["hp"][0] = 0
    arena.run(3)
    place = arena.place(2)
    assert arena.run(40).order_of(2)[0] == NONE
    assert arena.place(2) == place


def test_no_order_at_all() -> None:
    """2s_vs_1sc: 10 cells away nobody notices anybody, and nobody moves."""
    env = begun("2s_vs_1sc", seed=4)
    for _ in range(30):
        env.step(np.full((1, 2), STOP))
    assert (env.battles["order"][0, :3] == NONE).all()
    assert env.battles["hp"][0, :3].tolist() == [80, 80, 300]
    assert (env.battles["x"][0, 2], env.battles["y"][0, 2]) == (
        round(13.92 * 4096) / 4096,
        round(20.0397 * 4096) / 4096,
    )
