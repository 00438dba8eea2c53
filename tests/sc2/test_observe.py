"""Observations and answers to queries."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol import raw_pb2
from s2clientprotocol.query_pb2 import RequestQuery

from envs.sc2.server.simulation.catalogue import STOCK_COUNT
from tests.sc2.stage import act, command, create, kill, tags, world_of


def test_a_unit_of_each_side() -> None:
    world = world_of("32x32_flat")
    world.debug([create(world, "medivac", 1, (8, 16)), create(world, "stalker", 2, (24.5, 16.25))])
    world.step(1)
    (own,) = tags(world, 1)
    act(world, [command(own, 16, point=(9, 17))])
    seen = world.observation()
    mine, theirs = seen.raw_data.units
    assert (mine.tag, mine.owner, mine.alliance, mine.unit_type) == (own, 1, raw_pb2.Self, STOCK_COUNT + 5)
    assert mine.is_flying
    assert (mine.energy, mine.energy_max, mine.health, mine.health_max) == (50.03515625, 200, 150, 150)
    (shown,) = mine.orders
    assert (shown.ability_id, shown.target_world_space_pos.x, shown.target_world_space_pos.y) == (16, 9, 17)
    assert mine.is_active
    assert (theirs.owner, theirs.alliance, theirs.unit_type, theirs.is_flying) == (2, raw_pb2.Enemy, 74, False)
    assert (theirs.pos.x, theirs.pos.y, theirs.radius, theirs.shield_max) == (24.5, 16.25, 0.625, 80)
    assert not theirs.orders
    assert not theirs.HasField("weapon_cooldown")
    assert mine.pos.z == pytest.approx(theirs.pos.z + 3.75)
    for unit in (mine, theirs):
        assert unit.display_type == raw_pb2.Visible
        assert (unit.build_progress, unit.cloak, unit.is_on_screen) == (1, raw_pb2.NotCloaked, True)
        assert 0 <= unit.facing < 2 * math.pi
        assert unit.IsInitialized()
    assert seen.game_loop == 1
    assert seen.player_common.player_id == seen.player_common.army_count == 1
    assert set(seen.raw_data.map_state.visibility.data) == {2}
    assert not seen.HasField("score")


def test_cooldowns_and_engagements_of_own_units() -> None:
    world = world_of("32x32_flat")
    world.debug([create(world, "marine", 1, (14, 16)), create(world, "spine_crawler", 2, (18, 16))])
    world.step(1)
    (own,), (foe,) = tags(world, 1), tags(world, 2)
    act(world, [command(own, 23, unit=foe)])
    world.step(8)
    (unit,) = [unit for unit in world.observation().raw_data.units if unit.tag == own]
    assert unit.weapon_cooldown > 0
    assert unit.engaged_target_tag == foe


def test_the_dead_are_listed_once_a_loop_and_never_again() -> None:
    world = world_of("3m")
    first, second, *_ = tags(world, 1)
    world.debug([kill(first)])
    world.step(3)
    world.debug([kill(second)])
    world.step(2)
    for _ in range(2):
        assert list(world.observation().raw_data.event.dead_units) == [first, second]
    world.step(1)
    assert not world.observation().raw_data.event.dead_units


def test_enemies_are_listed_as_the_engine_numbers_them() -> None:
    world = world_of("MMM2")
    seen = [unit.unit_type for unit in world.observation().raw_data.units if unit.owner == 2]
    assert seen == [48] * 8 + [51] * 3 + [54]
    mine = [(u.unit_type, u.pos.x, u.pos.y) for u in world.observation().raw_data.units if u.owner == 1]
    assert mine == sorted(mine)


def ways(*ends: tuple[tuple[float, float], tuple[float, float]]) -> RequestQuery:
    """Ask for the lengths of ways between these places."""
    request = RequestQuery()
    for start, end in ends:
        asked = request.pathing.add()
        asked.start_pos.x, asked.start_pos.y = start
        asked.end_pos.x, asked.end_pos.y = end
    return request


def test_ways_on_foot_bend_round_cliffs_and_flyers_do_not() -> None:
    world = world_of("corridor")
    world.debug([create(world, "medivac", 1, (20, 20))])
    world.step(1)
    flyer = tags(world, 1)[-1]
    request = ways(((27.5, 18.5), (4.5, 5.5)), ((18.5, 19.5), (18.5, 23.5)), ((18.5, 19.5), (2.5, 25.5)))
    fly = request.pathing.add(unit_tag=flyer)
    fly.end_pos.x, fly.end_pos.y = 2.5, 25.5
    request.pathing.add(unit_tag=77)
    far, near, cliff, air, nobody = [answer.distance for answer in world.query(request).pathing]
    assert far > math.hypot(23, 13) + 0.2
    assert near == 4
    assert (cliff, nobody) == (0, 0)
    assert air == pytest.approx(math.hypot(17.5, 5.5), abs=0.2)


@pytest.mark.parametrize(("map_name", "pocket", "ground"), [
    ("2c_vs_64zg", (4.5, 20.5), (16.5, 9.5)), ("1o_10b_vs_1r", (8.5, 21.5), (2.5, 2.5)),
])  # fmt: skip
def test_ground_that_cannot_be_reached(map_name: str, pocket: tuple[float, float], ground: tuple[float, float]) -> None:
    world = world_of(map_name)
    request = ways((pocket, ground), (ground, pocket), (pocket, pocket), (ground, (ground[0] + 3, ground[1])))
    assert [answer.distance for answer in world.query(request).pathing] == [0, 0, 0, 3]


def test_abilities_and_places() -> None:
    world = world_of("32x32_flat")
    world.debug([create(world, kind, 1, (8, 8 + 2 * i)) for i, kind in enumerate(("marine", "medivac", "overlord"))])
    world.debug([create(world, "spine_crawler", 1, (20, 20)), create(world, "marine", 2, (24, 16))])
    world.step(1)
    request = RequestQuery()
    for unit in world.observation().raw_data.units:
        request.abilities.add(unit_tag=unit.tag)
    for x, y in ((16, 16), (20, 20), (0.5, 16), (-1, 3)):
        asked = request.placements.add(ability_id=318)
        asked.target_pos.x, asked.target_pos.y = x, y
    answer = world.query(request)
    abilities = {a.unit_type_id: [ability.ability_id for ability in a.abilities] for a in answer.abilities}
    assert abilities == {
        world.catalogue.id_of("marine", 1): [1, 4, 16, 17, 18, 23],
        world.catalogue.id_of("medivac", 1): [1, 4, 16, 17, 18, 19, 386],
        106: [1, 4, 16, 17, 18],
        98: [1, 4, 23],
        48: [],
    }
    assert [place.result for place in answer.placements] == [1, 44, 44, 44]
