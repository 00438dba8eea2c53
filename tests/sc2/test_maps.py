"""Stand-in map files and the numbers of their unit types."""

from __future__ import annotations

import json
from itertools import chain

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from envs.battle.scenarios import TYPE_ORDER, fixed_scenarios
from envs.battle.snapshots.game_state import AGENTS, ENEMIES
from envs.sc2.server.simulation.catalogue import STOCK_COUNT, STOCK_IDS, Catalogue, title
from envs.sc2.server.simulation.maps import FORMAT, map_file, names, read_map


def test_every_map_file_tells_its_scenario() -> None:
    scenarios = fixed_scenarios("smac.json") | fixed_scenarios("extra.json")
    assert set(names()) == {"32x32_flat", *scenarios}
    for name in names():
        battlefield = read_map(map_file(name))
        assert battlefield.name == name
        assert battlefield.opening == scenarios.get(name)


def changed(**entries: object) -> bytes:
    """A map file with these entries in place of sound ones; None: without it."""
    sound = {"format": FORMAT, "name": "x", "learners": ["marine"], "terrain": "flat", "script": "none"}
    return json.dumps({key: value for key, value in (sound | entries).items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"MPQ\x1b\0\0", r"map archive of StarCraft II itself.*envs\.sc2\.server install"),
        (b"\xff\xfe", "no JSON text"),
        (b"[1]", "does not say"),
        (b'{"name": "\\ud800"}', "no JSON text"),
        (changed(format="else"), FORMAT),
        (changed(terrain=None), "'terrain' is missing"),
        (changed(terrain="sea"), "unknown terrain 'sea', allowed: .*flat"),
        (changed(learners=3), "wrong type"),
        (changed(learners=["zealot", "marine"]), "alphabetical"),
    ],
)
def test_what_is_no_map_file_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_map(data)


def test_an_unknown_map_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no stand-in map is called '3mm'; there are 32x32_flat, 3m"):
        map_file("3mm")


def test_copies_stand_at_the_end_in_alphabetical_order() -> None:
    catalogue = Catalogue(read_map(map_file("32x32_flat")))
    rows = catalogue.rows()
    assert [row.unit_id for row in rows] == list(range(len(rows)))
    last = [row.name for row in rows[-9:]]
    assert last == [f"{title(kind)}_RL" for kind in sorted(chain(*TYPE_ORDER.values()))]
    assert catalogue.kind_of(len(rows) - 5) == ("marine", True)
    assert catalogue.id_of("marine", AGENTS) == STOCK_COUNT + 4
    assert catalogue.id_of("marine", ENEMIES) == STOCK_IDS["marine"] == 48
    marine = rows[48]
    assert (marine.name, marine.movement_speed, marine.sight_range, marine.weapons[0].damage) == ("Marine", 2.25, 9, 6)


def test_an_unknown_unit_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no unit type 5; it has 4 \(colossus\)"):
        Catalogue(read_map(map_file("3m"))).kind_of(5)


def test_a_map_changes_what_its_units_see() -> None:
    catalogue = Catalogue(read_map(map_file("1o_10b_vs_1r")))
    overlord = catalogue.id_of("overlord", AGENTS)
    assert catalogue.sight_of(overlord) == 4
    assert catalogue.sight_of(STOCK_IDS["overlord"]) == 11
    assert catalogue.sight_of(STOCK_IDS["roach"]) == 4
