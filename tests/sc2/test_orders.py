"""Orders through messages: what each makes a unit do, how they queue, and with which code the game refuses."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol.error_pb2 import ActionResult as Code
from s2clientprotocol.raw_pb2 import ActionRaw

from envs.sc2.server.simulation.world import World
from tests.sc2.client import order
from tests.sc2.stage import act, command, create, kill, tags, world_of

FAR = (28.0, 16.0)


def staged(**units: Any) -> tuple[World, dict[str, int]]:
    """A flat field with these units, ``kind_owner=(x, y)``, and their tags; enemies stand far from agents."""
    world = world_of("32x32_flat")
    names = {}
    for name, place in units.items():
        kind, owner = name.rsplit("_", 1)
        assert world.debug([create(world, kind, int(owner), place)]) == []
        names[name] = world._plans.newcomers[-1].tag
    world.step(1)
    return world, names


def row(world: World, tag: int) -> dict[str, Any]:
    """The engine's values of one unit."""
    i = world._commander.numbers[tag]
    return {name: column[i] for name, column in world.field.columns.items() if name in ("x", "y", "order", "hp")}


def place(world: World, tag: int) -> tuple[float, float]:
    return row(world, tag)["x"], row(world, tag)["y"]


def orders_of(world: World, tag: int) -> list[tuple[int, int]]:
    """Abilities and targets of the orders that the observation shows."""
    (unit,) = [unit for unit in world.observation().raw_data.units if unit.tag == tag]
    return [(order.ability_id, order.target_unit_tag) for order in unit.orders]


@pytest.mark.parametrize("ability", [16, 3794, 1])
def test_a_move_ends_at_its_point(ability: int) -> None:
    world, units = staged(marine_1=(8, 16))
    (code,) = act(world, [command(units["marine_1"], ability, point=(12, 18))])
    assert code == Code.Success
    assert orders_of(world, units["marine_1"]) == [(16, 0)]
    world.step(40)
    assert place(world, units["marine_1"]) == (12, 18)
    assert orders_of(world, units["marine_1"]) == []


@pytest.mark.parametrize("ability", [23, 3674, 1])
def test_an_attack_on_a_unit_goes_on_until_it_is_dead(ability: int) -> None:
    world, units = staged(marine_1=(8, 16), zergling_2=(24, 16))
    assert act(world, [command(units["marine_1"], ability, unit=units["zergling_2"])]) == [Code.Success]
    assert orders_of(world, units["marine_1"]) == [(23, units["zergling_2"])]
    dead: list[int] = []
    while not dead:
        world.step(8)
        assert world.loop < 400
        dead = list(world.observation().raw_data.event.dead_units)
    assert dead == [units["zergling_2"]]


def test_an_attack_on_a_place_fights_on_the_way_and_goes_on() -> None:
    world, units = staged(colossus_1=(4, 16), marine_2=(16, 16))
    assert act(world, [command(units["colossus_1"], 3674, point=FAR)]) == [Code.Success]
    assert orders_of(world, units["colossus_1"]) == [(23, 0)]
    world.step(300)
    assert tags(world, 2) == []
    assert place(world, units["colossus_1"]) == FAR


def test_without_an_order_agents_do_nothing() -> None:
    world, units = staged(marauder_1=(16, 16), spine_crawler_2=(20, 16))
    world.step(64)
    after = row(world, units["marauder_1"])
    assert (after["x"], after["order"]) == (16, 0)
    assert after["hp"] < 125
    assert row(world, units["spine_crawler_2"])["hp"] == 300


@pytest.mark.parametrize("ability", [4, 3665, 18, 3793])
def test_stop_and_hold_drop_every_order(ability: int) -> None:
    world, units = staged(marine_1=(8, 16))
    tag = units["marine_1"]
    act(world, [command(tag, 16, point=(20, 16)), command(tag, 16, point=(8, 20), queue=True), command(tag, ability)])
    assert orders_of(world, tag) == []
    world.step(10)
    assert row(world, tag)["x"] == 8


def test_queued_orders_follow_one_another() -> None:
    world, units = staged(marine_1=(8, 16), marine_2=FAR)
    tag = units["marine_1"]
    places = [(9.0, 16.0), (9.0, 17.0), (10.0, 17.0)]
    act(world, [command(tag, 16, point=place, queue=True) for place in places])
    assert [ability for ability, _ in orders_of(world, tag)] == [16, 16, 16]
    seen = []
    for _ in range(60):
        world.step(1)
        seen += [place(world, tag)] if place(world, tag) in places else []
    assert sorted(set(seen), key=places.index) == places
    assert orders_of(world, tag) == []


def test_a_queue_holds_so_many() -> None:
    world, units = staged(marine_1=(8, 16))
    one = command(units["marine_1"], 16, point=(9, 9), queue=True)
    assert set(act(world, [one] * 33)) == {Code.Success}
    assert act(world, [one]) == [Code.OrderQueueIsFull]


def test_a_patrol_comes_back_again_and_again() -> None:
    world, units = staged(marine_1=(8, 16))
    tag = units["marine_1"]
    assert act(world, [command(tag, 17, point=(10, 16))]) == [Code.Success]
    path = []
    for _ in range(80):
        world.step(1)
        path.append(float(row(world, tag)["x"]))
    assert [path.count(8.0) >= 2, path.count(10.0) >= 2] == [True, True]


def test_a_medivac_heals_on_order_and_on_its_way() -> None:
    world, units = staged(medivac_1=(8, 16), marine_1=(10, 16), zergling_2=FAR)
    medivac, marine = units["medivac_1"], units["marine_1"]
    world.field.columns["hp"][world._commander.numbers[marine]] = 20.0
    assert act(world, [command(medivac, 386, unit=marine)]) == [Code.Success]
    world.step(8)
    healed = row(world, marine)["hp"]
    assert healed > 23
    assert act(world, [command(medivac, 3674, point=(8, 16))]) == [Code.Success]
    assert orders_of(world, medivac) == [(19, 0)]
    world.step(8)
    assert row(world, marine)["hp"] > healed + 3


REFUSALS: list[tuple[str, int, Any, int]] = [
    ("marauder_1", 23, "medivac_2", Code.CantTargetAirUnits),
    ("marauder_1", 23, "marine_1", Code.CantTargetYourOwnUnits),
    ("marauder_1", 23, None, Code.MustTargetUnit),
    ("marauder_1", 23, "nobody", Code.CantTargetThatUnit),
    ("marauder_1", 386, "marine_1", Code.NotSupported),
    ("marauder_1", 16, None, Code.MustTargetVisibleLocation),
    ("marauder_1", 16, (float("nan"), 3), Code.MustTargetVisibleLocation),
    ("marauder_1", 9999, None, Code.NotSupported),
    ("medivac_1", 23, "marine_2", Code.NotSupported),
    ("medivac_1", 386, "marine_1", Code.TooMuchLife),
    ("medivac_1", 386, "marine_2", Code.MustTargetFriendlyUnits),
    ("medivac_1", 386, "medivac_1", Code.CantTargetCaster),
    ("medivac_1", 386, "colossus_1", Code.MustTargetBiologicalUnits),
    ("medivac_1", 386, (3, 3), Code.RequiresHealTarget),
    ("spine_crawler_1", 16, (3, 3), Code.UnitCantMove),
    ("marine_2", 4, None, Code.YouCantControlThatUnit),
    ("nobody", 4, None, Code.Error),
]


@pytest.mark.parametrize(("who", "ability", "target", "code"), REFUSALS)
def test_what_the_game_refuses(who: str, ability: int, target: Any, code: int) -> None:
    world, units = staged(
        marauder_1=(8, 8), marine_1=(8, 10), medivac_1=(8, 12), colossus_1=(8, 14), spine_crawler_1=(8, 18),
        marine_2=FAR, medivac_2=(28, 20),
    )  # fmt: skip
    units["nobody"] = 5
    before = world.field.battles.tobytes()
    whom = dict(unit=units[target]) if isinstance(target, str) else dict(point=target)
    assert act(world, [command(units[who], ability, **whom)]) == [code]
    assert world.field.battles.tobytes() == before


def test_the_dead_take_no_orders_and_are_no_targets() -> None:
    world, units = staged(marine_1=(8, 16), marauder_1=(8, 18), zergling_2=FAR)
    world.debug([kill(units["marauder_1"], units["zergling_2"])])
    world.step(1)
    attack = command(units["marine_1"], 23, unit=units["zergling_2"])
    assert act(world, [command(units["marauder_1"], 4), attack]) == [Code.Error, Code.CantTargetThatUnit]


def test_one_command_to_many_succeeds_if_one_obeys() -> None:
    world, units = staged(marauder_1=(8, 8), marine_1=(8, 10), medivac_2=FAR)
    both = order([units["marauder_1"], units["marine_1"]], 23, target_unit_tag=units["medivac_2"])
    assert act(world, [both]) == [Code.Success]
    assert orders_of(world, units["marauder_1"]) == []
    assert orders_of(world, units["marine_1"]) == [(23, units["medivac_2"])]


def test_other_actions() -> None:
    world, _ = staged(marine_1=(8, 8))
    camera, autocast = ActionRaw(), ActionRaw()
    camera.camera_move.center_world_space.x = 3
    autocast.toggle_autocast.ability_id = 386
    assert (world.act(camera), world.act(autocast)) == (Code.Success, Code.NotSupported)
