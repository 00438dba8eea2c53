"""The stand-in's game plays what the engine plays: every loop, every battle."""

from __future__ import annotations

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

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
