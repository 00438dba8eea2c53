"""The stand-in's game plays what the engine plays: every loop, every battle."""

from __future__ import annotations

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from envs.sc2.server.simulation.world import World
from tests.sc2.stage import Duo, create, kill, tags, world_of

GENERATED = ["terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5", "zerg_10_vs_11"]
FIXED = ["MMM2", "corridor", "bane_vs_bane", "1c3s5z", "2m_vs_1z", "2c_vs_64zg", "bane_vs_hM"]


@pytest.mark.parametrize("id", GENERATED + FIXED)
@pytest.mark.parametrize("seed", [1, 2**32 - 1])
def test_every_loop_equals_the_engine(id: str, seed: int) -> None:
    duo = Duo(id, seed)
    for _ in range(60):
        duo.step()


@pytest.mark.parametrize("id", ["zerg_5_vs_5", "3m"])
def test_one_battle_after_the_other(id: str) -> None:
    duo = Duo(id, seed=3)
    while duo.env.battles[0]["battle"] < 4:
        duo.step()
    seen = [member.tag for member in duo.world.field.members]
    assert min(seen) > 2**32 + 2**18 * 4 * len(seen) - 1  # no tag comes back


def test_a_map_makes_its_units_anew_a_second_after_the_last_died() -> None:
    world = world_of("3m")
    first = tags(world, 1) + tags(world, 2)
    assert len(first) == 6
    world.debug([kill(*first)])
    world.step(16)
    empty = world.observation()
    assert not empty.raw_data.units
    assert sorted(empty.raw_data.event.dead_units) == sorted(first)
    world.step(1)
    assert not world.observation().raw_data.units
    world.step(1)
    assert len(world.observation().raw_data.units) == 6
    assert not set(first) & set(tags(world, 1) + tags(world, 2))


def test_the_flat_map_stays_empty() -> None:
    world = world_of("32x32_flat")
    world.step(100)
    assert not world.observation().raw_data.units
    world.debug([create(world, "marine", 1, (16, 16))])
    assert not world.observation().raw_data.units  # not before the next loop
    world.step(1)
    assert len(tags(world, 1)) == 1


def test_a_small_battle_after_a_large_one_is_played_as_in_a_fresh_game() -> None:
    """More than 64 units fill two words of bits; the second must not stay for the next battle."""

    def places(world: World) -> list[tuple[float, float]]:
        return [(unit.pos.x, unit.pos.y) for unit in world.observation().raw_data.units]

    def fight(world: World) -> list[list[tuple[float, float]]]:
        world.debug([create(world, "marine", 1, (4, 8)), create(world, "marine", 2, (28, 10))])
        seen = []
        for _ in range(60):
            world.step(1)
            seen.append(places(world))
        return seen

    used, fresh = world_of("32x32_flat"), world_of("32x32_flat")
    crowd = [create(used, "marine", owner, (6 + i % 20, 6 + i // 20)) for owner in (1, 2) for i in range(40)]
    used.debug(crowd)
    used.step(30)
    used.debug([kill(*tags(used, 1), *tags(used, 2))])
    used.step(4)
    fresh.step(34)
    assert fight(used) == fight(fresh)
