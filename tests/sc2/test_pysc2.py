"""The proof: pysc2's own client, unmodified, installs, launches, plays, saves and shuts down the stand-in game."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("websockets", reason="the websocket library (package websockets) is not installed")
pytest.importorskip("pysc2.run_configs", reason="pysc2 or what it needs is not installed; see docs/sc2_protocol.md")

from s2clientprotocol import common_pb2, error_pb2, raw_pb2, sc2api_pb2

from tests.programs import output_of, started
from tests.sc2.client import RAW, create, join, order, spawn
from tests.sc2.conftest import install_stand_in
from tests.sc2.fake_game import is_running, wait_for_end

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pysc2")
LAUNCH = """
import sys, time
from absl import flags
flags.FLAGS(sys.argv[:1])
from pysc2 import run_configs
game = run_configs.get(version="4.10").start(want_rgb=False)
print(game.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One installation for all tests here."""
    return install_stand_in(tmp_path_factory)


@pytest.fixture(scope="module")
def game(tree: Path) -> Iterator[Any]:
    """A process of the game, started by pysc2, and its run configuration."""
    from absl import flags
    from pysc2 import run_configs

    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["tests"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SC2PATH", str(tree))
        config = run_configs.get(version="4.10")
    process = config.start(want_rgb=False)
    yield config, process
    pid = process.pid
    process.close()
    assert not is_running(pid)


@pytest.fixture
def controller(game: Any) -> Any:
    return game[1].controller


def test_the_version_and_the_maps_are_found(game: Any, controller: Any) -> None:
    from pysc2 import maps
    from pysc2.maps import lib

    class MMM2(lib.Map):
        directory, filename, players = "SMAC_Maps", "MMM2", 2

    config, _ = game
    assert config.version.build_version == controller.ping().base_build == 75689
    assert controller.ping().data_version == config.version.data_version
    assert maps.get("MMM2").data(config) == MMM2().data(config)
    assert "SMAC_Maps/MMM2.SC2Map" in controller.available_maps().local_map_paths


def start(controller: Any, map_name: str, **fields: Any) -> None:
    controller.create_game(create(map_name, **fields))
    assert controller.join_game(join()).player_id == 1


def units(controller: Any) -> list[raw_pb2.Unit]:
    return list(controller.observe().observation.raw_data.units)


def test_a_fight_on_a_smac_map(controller: Any) -> None:
    start(controller, "3m")
    info, data = controller.game_info(), controller.data()
    assert info.map_name == "3m"
    assert data.unit_stats[48].name == "Marine"
    assert {16, 23, 386, 4} <= set(data.abilities)
    controller.step(1)
    before = units(controller)
    agents, enemies = ([unit for unit in before if unit.owner == side] for side in (1, 2))
    assert (len(agents), len(enemies)) == (3, 3)
    assert {data.units[unit.unit_type] for unit in agents} == {"Marine_RL"}
    attack = [order([agent.tag], ability=23, target_unit_tag=enemies[0].tag) for agent in agents]
    nobody = order([agents[0].tag], ability=23, target_unit_tag=1)
    results = list(controller.actions(sc2api_pb2.RequestAction(actions=[*attack, nobody])).result)
    assert results[:3] == [error_pb2.Success] * 3
    assert results[3] != error_pb2.Success
    loop = controller.observe().observation.game_loop
    for _ in range(40):
        controller.step(8)
    assert controller.observe().observation.game_loop == loop + 320
    assert sum(unit.health for unit in units(controller)) < sum(unit.health for unit in before)


def test_units_by_debug_and_a_restart(controller: Any) -> None:
    start(controller, "32x32_flat")
    assert units(controller) == []
    n_types = len(controller.data().units)
    controller.debug([spawn(n_types - 9 + 4, owner=1, x=9), spawn(48, owner=2, x=20)])
    controller.step(1)
    mine, foe = sorted(units(controller), key=lambda unit: unit.owner)
    assert (mine.unit_type, foe.unit_type) == (n_types - 5, 48)
    assert mine.pos.x == pytest.approx(9)
    controller.restart()
    assert controller.observe().observation.game_loop == 0
    assert units(controller) == []


def test_a_replay_shows_the_same_game(game: Any, controller: Any, tmp_path: Path) -> None:
    config, _ = game
    start(controller, "MMM", random_seed=11)
    seen = []
    for step in range(30):
        seen.append(units(controller))
        west = common_pb2.Point2D(x=16.0, y=16.0)
        tags = [unit.tag for unit in seen[-1] if unit.owner == 1]
        controller.actions(
            sc2api_pb2.RequestAction(actions=[order(tags, ability=23 if step % 3 else 16, target_world_space_pos=west)])
        )
        controller.step(8)
    path = config.save_replay(controller.save_replay(), str(tmp_path), prefix="MMM")
    assert path.endswith(".SC2Replay")
    data = config.replay_data(path)
    info = controller.replay_info(data)
    assert (info.map_name, info.game_duration_loops) == ("MMM", 240)
    controller.start_replay(sc2api_pb2.RequestStartReplay(replay_data=data, observed_player_id=1, options=RAW))
    for moment in seen:
        again = units(controller)
        assert [(unit.tag, unit.pos, unit.health) for unit in again] == [
            (unit.tag, unit.pos, unit.health) for unit in moment
        ]
        controller.step(8)
    assert controller.status_ended


def test_errors_reach_the_client_as_pysc2_knows_them(controller: Any) -> None:
    from pysc2.lib import protocol, remote_controller

    with pytest.raises(remote_controller.RequestError, match=r"InvalidMapPath.*looked at"):
        controller.create_game(create(local_map=sc2api_pb2.LocalMap(map_path="Ladder/Simple64.SC2Map")))
    with pytest.raises(protocol.ProtocolError, match="realtime games are not possible here"):
        controller.create_game(create(realtime=True))
    start(controller, "3m")
    with pytest.raises(protocol.ProtocolError, match="create_unit for player 7"):
        controller.debug([spawn(owner=7)])
    controller.leave()
    assert controller.status == protocol.Status.launched


def test_a_game_ends_with_a_client_that_was_killed(tree: Path) -> None:
    with started("-W", "ignore", "-c", LAUNCH, SC2PATH=str(tree)) as (_, (pid,)):
        assert is_running(int(pid))
    assert wait_for_end(int(pid))


def test_the_game_needs_neither_torch_nor_matplotlib(tree: Path) -> None:
    modules = ("serve", "session", "simulation.world")
    imports = f"import {', '.join(f'envs.sc2.server.{name}' for name in modules)}, sys; print(sorted(sys.modules))"
    loaded = output_of("-c", imports)
    assert not [heavy for heavy in ("'torch'", "'matplotlib'", "'pysc2'", "'PIL'") if heavy in loaded]
