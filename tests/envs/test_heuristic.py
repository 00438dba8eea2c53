"""Attack the nearest, in situations made by hand: smacv2's scripted agents and the fighter bound to legal actions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.battle.smacv2.heuristic import act_by_heuristic, choose_legally
from envs.battle.smacv2.orders import EAST, FIRST_LOOK, NO_OP, NORTH, SOUTH, STOP, WEST, write_masks
from envs.battle.smacv2.sight import look_around
from envs.battle.state import ATTACK, HEAL, MOVE, NOBODY, NONE
from tests.envs.arena import Arena, Unit
from tests.envs.play import Player, begun, bits, make

FIRST = 6
MARINE, MARAUDER, MEDIVAC = "marine", "marauder", "medivac"


def scripted(allies: list[Unit], enemies: list[Unit], **options: Any) -> Arena:
    return Arena(allies, enemies, heuristic_ai=True, **options)


def mask_of(arena: Arena, i: int) -> np.ndarray:
    mask = np.zeros((arena.n, arena.env.spec.n_actions), np.bool_)
    look_around(arena.b, arena.env.units[0], arena.env.setup[0])
    write_masks(arena.b, arena.env.units[0], arena.env.setup[0], mask)
    return mask[i]


def act(arena: Arena, i: int = 0) -> int:
    """Agent i's turn; the number of the action taken."""
    return int(act_by_heuristic(arena.b, arena.env.units[0], arena.env.setup[0], i, mask_of(arena, i)))


def kill(arena: Arena, i: int) -> None:
    arena.b["alive"][i], arena.b["hp"][i] = 0, 0.0


def test_the_nearest_is_attacked_whatever_the_distance() -> None:
    arena = scripted([Unit(MARINE, 5, 16)], [Unit(MARINE, 25, 16), Unit(MARINE, 16, 22), Unit(MARINE, 16, 5)])
    assert act(arena) == FIRST + 1, "12.5 cells, against 20 and 15.6"
    assert arena.order_of(0) == (ATTACK, 2)


def test_of_two_at_the_same_distance_the_first() -> None:
    arena = scripted([Unit(MARINE, 16, 16)], [Unit(MARINE, 16, 20), Unit(MARINE, 20, 16), Unit(MARINE, 12, 16)])
    assert act(arena) == FIRST


def test_a_target_is_kept_until_it_is_dead() -> None:
    arena = scripted([Unit(MARINE, 5, 16)], [Unit(MARINE, 25, 16), Unit(MARINE, 16, 16)])
    assert act(arena) == FIRST + 1
    arena.carry(1, 6, 16)
    assert act(arena) == FIRST + 1, "the other one is nearer now"
    kill(arena, 2)
    assert act(arena) == FIRST
    assert arena.order_of(0) == (ATTACK, 1)


def test_nobody_left_is_no_order() -> None:
    arena = scripted([Unit(MARINE, 5, 16)], [Unit(MARINE, 25, 16)])
    arena.walk(0, 9, 9)
    kill(arena, 1)
    assert act(arena) == NO_OP
    assert arena.order_of(0) == (MOVE, -1), "what it was doing it goes on doing"


@pytest.mark.parametrize(
    ("x", "y", "action", "aim"),
    [
        (26, 18, EAST, (18, 16)),
        (6, 14, WEST, (14, 16)),
        (18, 26, NORTH, (16, 18)),
        (14, 6, SOUTH, (16, 14)),
        (24, 24, NORTH, (16, 18)),  # the axes tie: not east, since the x distance is not the longer one
    ],
)
def test_with_rest_what_is_out_of_range_is_walked_to(x: float, y: float, action: int, aim: tuple[int, int]) -> None:
    arena = scripted([Unit(MARINE, 16, 16)], [Unit(MARINE, x, y)], heuristic_rest=True)
    assert act(arena) == action
    assert arena.order_of(0) == (MOVE, -1)
    assert (arena.b["dest_x"][0], arena.b["dest_y"][0]) == aim


def test_with_rest_what_is_in_range_is_attacked() -> None:
    """A marine may shoot at 5 cells, centre to centre."""
    arena = scripted([Unit(MARINE, 16, 16)], [Unit(MARINE, 21, 16), Unit(MARINE, 16, 22)], heuristic_rest=True)
    assert act(arena) == FIRST
    assert arena.order_of(0) == (ATTACK, 1)


def test_with_rest_a_wall_is_no_hindrance() -> None:
    """Two cells at the edge are no ground; the benchmark orders the step all the same, though the mask forbids it."""
    arena = scripted(
        [Unit(MEDIVAC, 2.5, 16), Unit(MARINE, 0.5, 16, hp=20)], [Unit(MARINE, 30, 16)], heuristic_rest=True
    )
    arena.carry(0, 2.5, 22)
    arena.carry(1, 0.5, 27.5)
    assert act(arena, 0) == NORTH
    arena.carry(1, -5, 22)
    assert not mask_of(arena, 0)[WEST]
    assert act(arena, 0) == WEST


def test_a_medivac_heals_the_nearest_who_is_hurt() -> None:
    allies = [Unit(MEDIVAC, 10, 16), Unit(MARINE, 11, 16), Unit(MARINE, 10, 20, hp=44), Unit(MARAUDER, 10, 25, hp=1)]
    arena = scripted([*allies, Unit(MEDIVAC, 10, 15, hp=1)], [Unit(MARINE, 30, 16)])
    assert act(arena, 0) == FIRST + 2, "the marine beside it is whole, and medivacs are not healed"
    assert arena.order_of(0) == (HEAL, 2)
    arena.b["hp"][1] = 1.0
    assert act(arena, 0) == FIRST + 2, "kept, as long as it is hurt"
    arena.b["hp"][2] = 45.0
    assert act(arena, 0) == FIRST + 1
    kill(arena, 1)
    assert act(arena, 0) == FIRST + 3


def test_a_medivac_with_nobody_to_heal_gets_no_order() -> None:
    arena = scripted([Unit(MEDIVAC, 10, 16), Unit(MARINE, 11, 16)], [Unit(MARINE, 30, 16)])
    arena.walk(0, 9, 9)
    assert act(arena, 0) == NO_OP
    assert arena.order_of(0) == (MOVE, -1)
    assert arena.b["heuristic_target"][0] == NOBODY


def test_a_marauder_is_stuck_on_a_medivac_that_it_cannot_hit() -> None:
    """smacv2 means to pass over medivacs, but compares with the id of the agents' own, which no enemy has."""
    arena = scripted([Unit(MARAUDER, 10, 16)], [Unit(MARINE, 16, 16), Unit(MEDIVAC, 14, 16)])
    assert act(arena) == FIRST + 1
    assert arena.order_of(0) == (NONE, -1), "the game refuses it"
    arena.carry(1, 11, 16)
    assert act(arena) == FIRST + 1


def test_the_dead_choose_without_effect() -> None:
    arena = scripted([Unit(MARINE, 5, 16), Unit(MARINE, 5, 20)], [Unit(MARINE, 25, 16)])
    kill(arena, 0)
    assert act(arena) == FIRST
    assert arena.order_of(0) == (NONE, -1)


def test_the_array_given_tells_what_was_done() -> None:
    env = make("zerg_5_vs_5", 2, seed=1, heuristic_ai=True)
    for kind in (np.int64, np.int32):
        env.reset()
        given = np.full((2, 5), STOP, kind)
        env.step(given)
        assert (given >= FIRST).all()
    stops = np.full((2, 5), STOP)
    stops.flags.writeable = False
    env.step(stops)
    env.step(stops.tolist())  # type: ignore[arg-type]
    assert (stops == STOP).all()


def test_the_last_action_shown_is_the_callers() -> None:
    env = begun("protoss_5_vs_5", 1, seed=1, heuristic_ai=True)
    env.step(np.full((1, 5), STOP))
    last = env.views.state[0, -5 * env.spec.n_actions :].reshape(5, -1)
    assert (last.argmax(1) == STOP).all()
    assert (env.battles["order"][0, :5] == ATTACK).all()


def test_any_action_will_do_but_one_that_does_not_exist() -> None:
    env = begun("zerg_5_vs_5", 1, seed=1, heuristic_ai=True)
    env.step(np.full((1, 5), NO_OP))
    with pytest.raises(ValueError, match="illegal action 11 of agent 0"):
        env.step(np.full((1, 5), env.spec.n_actions))
    env = begun("zerg_5_vs_5", 1, seed=1, heuristic_ai=True, illegal_actions="noop")
    env.step(np.full((1, 5), -7))
    assert (env.battles["last_action"][0, :5] == NO_OP).all()


def test_a_new_battle_forgets_and_a_batch_changes_nothing() -> None:
    """Through ends and restarts; the caller's stops stand for nothing."""
    env = begun("terran_5_vs_5", 6, seed=2, heuristic_ai=True, heuristic_rest=True)
    alone = begun("terran_5_vs_5", 1, seed=2, first_slot=4, heuristic_ai=True, heuristic_rest=True)
    for _ in range(90):
        env.step(np.full((6, 5), STOP))
        alone.step(np.full((1, 5), STOP))
        assert bits(alone, 0) == bits(env, 4)
        assert (env.battles["heuristic_target"][env.views.terminated, :5] == NOBODY).all()
    assert alone.views.battle_id[0] > 0


def test_rest_alone_changes_nothing() -> None:
    env, other = begun("zerg_5_vs_5", 2, seed=1), begun("zerg_5_vs_5", 2, seed=1, heuristic_rest=True)
    player = Player(1, 2)
    for _ in range(10):
        actions = player(env.views.action_mask)
        env.step(actions)
        other.step(actions)
    assert env.battles.tobytes() == other.battles.tobytes()


def choose(arena: Arena, i: int = 0, held: int = NOBODY) -> tuple[int, int]:
    """The legal fighter's action and target."""
    u, c = arena.env.units[0], arena.env.setup[0]
    action, target = choose_legally(arena.b, u, c, i, held, mask_of(arena, i))
    assert mask_of(arena, i)[action], "an illegal choice"
    return int(action), int(target)


def test_legally_the_nearest_is_attacked_or_walked_to() -> None:
    arena = Arena([Unit(MARINE, 16, 16)], [Unit(MARINE, 21, 16), Unit(MARINE, 16, 22)])
    assert choose(arena) == (FIRST, 1)
    assert choose(arena, held=2) == (NORTH, 2)
    kill(arena, 2)
    assert choose(arena, held=2) == (FIRST, 1)


@pytest.mark.parametrize(("y", "action"), [(16.1, NORTH), (15.9, SOUTH)])
def test_where_the_longer_axis_is_barred_the_shorter_is_taken(y: float, action: int) -> None:
    arena = Arena([Unit(MARINE, 29.5, 16)], [Unit(MARINE, 16, 16)])
    arena.carry(1, 45, y)
    assert choose(arena) == (action, 1)


def test_in_a_corner_it_stops() -> None:
    arena = Arena([Unit(MARINE, 29.5, 29.5)], [Unit(MARINE, 16, 16)])
    arena.carry(1, 45, 40)
    assert choose(arena) == (STOP, 1)


def test_an_attack_without_effect_is_not_chosen() -> None:
    """With ``action_mask=False`` it is legal at any distance, but today's rules do not send it."""
    arena = Arena([Unit(MARINE, 10, 16)], [Unit(MARINE, 22, 16)], rules="2024", action_mask=False)
    assert mask_of(arena, 0)[FIRST]
    assert choose(arena) == (EAST, 1)


def test_it_looks_at_what_is_near_and_not_in_its_field_of_view() -> None:
    """Twelve directions, 30 degrees apart; everybody looks east at first."""
    arena = Arena([Unit(MARINE, 16, 16)], [Unit(MARINE, 16, 19)], conic_fov=True)
    assert choose(arena) == (FIRST_LOOK + 3, 1)
    arena.act(0, FIRST_LOOK + 3)
    assert choose(arena) == (FIRST_LOOK + 12, 1)
    arena.carry(1, 13.4, 14.5)  # 210 degrees
    assert choose(arena) == (FIRST_LOOK + 7, 1)
    arena.carry(1, 16, 24)
    assert choose(arena) == (NORTH, 1)


def test_on_the_edge_of_two_cones_it_walks_on() -> None:
    """A diagonal lies between two directions and in neither cone."""
    arena = Arena([Unit(MARINE, 16, 16)], [Unit(MARINE, 18, 18)], conic_fov=True)
    look, _ = choose(arena)
    arena.act(0, look)
    assert choose(arena)[0] in (FIRST_LOOK + 12, NORTH)


def test_the_dead_and_the_idle() -> None:
    arena = Arena([Unit(MARINE, 16, 16), Unit(MEDIVAC, 16, 17)], [Unit(MARINE, 21, 16)])
    assert choose(arena, 1) == (STOP, NOBODY)
    kill(arena, 0)
    assert choose(arena, 0) == (NO_OP, NOBODY)
