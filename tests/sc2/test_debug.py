"""Debug commands: creating among the living, killing, setting values, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol import debug_pb2

from envs.sc2.server.simulation.world import World
from tests.sc2.stage import act, command, create, kill, tags, world_of


def fought(allies: str, enemies: str, count: int, loops: int) -> World:
    """Two sides of one kind each, some loops into a fight of all against all."""
    world = world_of("32x32_flat", seed=4)
    world.debug([create(world, allies, 1, (13, 16), count), create(world, enemies, 2, (19, 16), count)])
    world.step(1)
    foes = tags(world, 2)
    act(world, [command(tag, 23, unit=foes[i % len(foes)]) for i, tag in enumerate(tags(world, 1))])
    world.step(loops)
    return world


def who_aims_at_whom(world: World) -> dict[int, tuple[int, int, int]]:
    """By tag of the living: order, and tags of the target and of what its missile flies to."""
    columns, members = world.field.columns, world.field.members
    name = [member.tag for member in members] + [0]

    def tag_of(i: int) -> int:
        return name[i] if i < 0 or columns["alive"][i] else 0

    return {
        member.tag: (int(columns["order"][i]), tag_of(columns["target"][i]), tag_of(columns["missile"][i]))
        for i, member in enumerate(members)
        if columns["alive"][i]
    }


@pytest.mark.parametrize(("allies", "enemies"), [("stalker", "stalker"), ("colossus", "zergling"), ("marine", "roach")])
def test_newcomers_change_nothing_for_those_who_fight(allies: str, enemies: str) -> None:
    for loops in (20, 45, 70):
        world, twin = fought(allies, enemies, 6, loops), fought(allies, enemies, 6, loops)
        before = {member.tag for member in world.field.members}
        world.debug([create(world, "zealot", 1, (2, 2), 2), create(world, "medivac", 2, (30, 30))])
        world._carry_out_plans()
        aims, as_before = who_aims_at_whom(world), who_aims_at_whom(twin)
        assert {tag: aim for tag, aim in aims.items() if tag in before} == as_before
        assert len(aims) == len(as_before) + 3
        world.step(1)
        twin.step(1)
        mine, theirs = ({u.tag: (u.pos.x, u.pos.y, u.health, u.shield) for u in w.observation().raw_data.units}
                        for w in (world, twin))  # fmt: skip
        assert {tag: seen for tag, seen in mine.items() if tag in before} == theirs


def test_the_lances_of_colossi_still_land_on_whom_they_touched() -> None:
    """The dead make room for newcomers, so the bits of touched units move."""
    moved = 0
    for loops in range(30, 90):
        world, twin = fought("zergling", "colossus", 16, loops), fought("zergling", "colossus", 16, loops)
        columns = world.field.columns
        fallen = np.flatnonzero(world.field.alive == 0)
        due = np.bitwise_or.reduce(columns["sweep_due"][:32], axis=None)
        moved += bool(len(fallen) and int(due) >> int(fallen[0]))
        world.debug([create(world, "marine", 1, (2, 2), 3)])
        world.step(4)
        twin.step(4)
        mine, theirs = ({u.tag: u.health for u in w.observation().raw_data.units} for w in (world, twin))
        assert {tag: health for tag, health in mine.items() if tag in theirs} == theirs
    assert moved > 5


def test_newcomers_stand_on_free_ground() -> None:
    world = fought("zealot", "zealot", 10, 20)
    world.debug([create(world, "zealot", owner, (16, 16), 8) for owner in (1, 2)])
    world._carry_out_plans()
    count = len(world.field.members)
    x, y = world.field.columns["x"][:count], world.field.columns["y"][:count]
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 9 * np.eye(count)
    alive = world.field.alive.astype(bool)
    assert apart[np.ix_(alive, alive)].min() > 0.74
    owners = [member.owner for member in world.field.members]
    assert owners == sorted(owners)


def test_banelings_killed_by_debug_explode() -> None:
    world = world_of("32x32_flat")
    world.debug([create(world, "baneling", 1, (16, 16)), create(world, "marine", 2, (16.5, 16))])
    world.step(1)
    world.debug([kill(*tags(world, 1), 12345)])
    assert len(world.observation().raw_data.units) == 2  # not before the next loop
    world.step(1)
    (marine,) = world.observation().raw_data.units
    assert marine.health == 45 - 35


def test_values_are_set_within_bounds() -> None:
    world = world_of("32x32_flat")
    world.debug([create(world, "stalker", 1, (16, 16)), create(world, "medivac", 1, (16, 20))])
    world.step(1)
    value = debug_pb2.DebugSetUnitValue
    wishes = [(value.Life, 33.0), (value.Shields, 1000.0), (value.Energy, 10.0)]
    world.debug([
        debug_pb2.DebugCommand(unit_value=value(unit_tag=tag, unit_value=which, value=number))
        for tag in tags(world, 1) for which, number in wishes
    ])  # fmt: skip
    world.step(1)
    medivac, stalker = sorted(world.observation().raw_data.units, key=lambda unit: unit.unit_type)
    assert (stalker.health, stalker.shield, stalker.energy) == (33, 80, 0)
    assert (medivac.health, medivac.shield) == (33, 0)
    assert medivac.energy == pytest.approx(10, abs=0.1)


def test_what_is_refused_says_why() -> None:
    world = world_of("32x32_flat")
    odd = create(world, "marine", 3, (1, 1))
    unknown = create(world, "marine", 1, (1, 1))
    unknown.create_unit.unit_type = 59
    nowhere = create(world, "marine", 1, (float("inf"), 1))
    refused = world.debug([
        odd, unknown, nowhere, create(world, "marine", 1, (1, 1), 65), debug_pb2.DebugCommand(game_state=1),
        debug_pb2.DebugCommand(unit_value=debug_pb2.DebugSetUnitValue(unit_tag=3, unit_value=1, value=float("nan"))),
        debug_pb2.DebugCommand(), debug_pb2.DebugCommand(draw=debug_pb2.DebugDraw()),
    ])  # fmt: skip
    says = [
        *("players 1 and 2", "no unit type 59; it has 4 ", "no place", "64 a side and 80 in all"),
        *("does not know game_state", "energy, life and shields", "does not know an empty command"),
    ]
    assert len(refused) == len(says)
    for line, part in zip(refused, says, strict=True):
        assert part in line
    world.step(1)
    assert not world.observation().raw_data.units


def test_the_field_is_full_and_the_dead_make_room() -> None:
    world = world_of("32x32_flat")
    assert world.debug([create(world, "zergling", 1, (8, 16), 40), create(world, "zergling", 2, (24, 16), 40)]) == []
    world.step(1)
    (line,) = world.debug([create(world, "marine", 1, (8, 16))])
    assert "beside 40 units of player 1, 80 in all" in line
    world.debug([kill(*tags(world, 1)[:10])])
    world.step(1)
    assert world.debug([create(world, "marine", 1, (8, 16), 10)]) == []
    world.step(1)
    assert len(world.observation().raw_data.units) == 80


def test_a_map_with_a_script_takes_newcomers_too() -> None:
    world = world_of("3m")
    world.debug([create(world, "marine", 1, (9, 16)), create(world, "baneling", 2, (23, 16))])
    world.step(1)
    assert (len(tags(world, 1)), len(tags(world, 2))) == (4, 4)
    world.debug([kill(*tags(world, 1), *tags(world, 2))])
    world.step(18)
    assert (len(tags(world, 1)), len(tags(world, 2))) == (3, 3)
