"""The state machine: what is answered when, and by which error what cannot be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol import common_pb2, debug_pb2, error_pb2, query_pb2, sc2api_pb2

from envs.sc2.server.folder import GameFolder
from envs.sc2.server.session import MOST_LOOPS, POSSIBLE, Session
from envs.sc2.server.simulation import maps
from tests.sc2.client import CAMERA, RAW, STANDARD, Client, create, join, order, spawn
from tests.sc2.fake_world import FakeWorld

CREATE, JOIN = sc2api_pb2.ResponseCreateGame, sc2api_pb2.ResponseJoinGame


@pytest.fixture
def client(tmp_path: Path) -> Client:
    folder = tmp_path / "Maps" / "SMAC_Maps"
    folder.mkdir(parents=True)
    (folder / "3m.SC2Map").write_bytes(maps.map_file("3m"))
    return Client(Session(GameFolder(tmp_path), FakeWorld))


def test_ping_tells_the_version(client: Client) -> None:
    answer = client.ask(ping=sc2api_pb2.RequestPing())
    assert (answer.game_version, answer.base_build) == ("4.10.0.75689", 75689)
    assert client.response.status == sc2api_pb2.launched


def test_a_whole_game(client: Client) -> None:
    client.ask(create_game=create(random_seed=3))
    assert client.response.status == sc2api_pb2.init_game
    assert client.ask(join_game=join()).player_id == 1
    client.debug(spawn(), spawn(owner=2))
    assert client.ask(step=sc2api_pb2.RequestStep(count=8)).simulation_loop == 8
    observation = client.observe().observation
    first, second = (unit.tag for unit in observation.raw_data.units)
    results = client.ask(action=sc2api_pb2.RequestAction(actions=[order([first]), order([99])])).result
    assert list(results) == [error_pb2.Success, error_pb2.Error]
    client.debug(_end(debug_pb2.DebugEndGame.DeclareVictory))
    assert client.response.status == sc2api_pb2.ended
    answer = client.observe()
    assert {each.player_id: each.result for each in answer.player_result} == {
        1: sc2api_pb2.Victory, 2: sc2api_pb2.Defeat
    }  # fmt: skip
    assert client.refused(step=sc2api_pb2.RequestStep(count=1)) == "Game has already ended"
    client.ask(restart_game=sc2api_pb2.RequestRestartGame())
    observation = client.observe().observation
    assert (observation.game_loop, len(observation.raw_data.units)) == (0, 0)
    client.ask(leave_game=sc2api_pb2.RequestLeaveGame())
    assert client.response.status == sc2api_pb2.launched
    client.ask(quit=sc2api_pb2.RequestQuit())
    assert client.response.status == sc2api_pb2.quit
    assert second > first


@pytest.mark.parametrize("kind", sorted(POSSIBLE))
def test_nothing_but_the_table_is_answered_before_a_game(client: Client, kind: str) -> None:
    response = client.send(**{kind: sc2api_pb2.Request.DESCRIPTOR.fields_by_name[kind].message_type._concrete_class()})
    if sc2api_pb2.launched in POSSIBLE[kind]:
        assert not response.error
    else:
        assert response.WhichOneof("response") is None
        (error,) = response.error
        assert error.startswith(f"{kind} is not possible while the status is launched; it is in ")


def test_every_request_of_the_protocol_is_in_the_table() -> None:
    oneof = sc2api_pb2.Request.DESCRIPTOR.oneofs_by_name["request"]
    assert {field.name for field in oneof.fields} == set(POSSIBLE)


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"local_map": None}, CREATE.MissingMap, "give local_map"),
        ({"local_map": None, "battlenet_map_name": "Simple64"}, CREATE.InvalidMapName, "no Battle.net maps"),
        ({"local_map": sc2api_pb2.LocalMap(map_path="no.SC2Map")}, CREATE.InvalidMapPath, "looked at"),
        ({"local_map": sc2api_pb2.LocalMap(map_path="/dev/zero")}, CREATE.InvalidMapPath, "looked at /dev/zero"),
        ({"local_map": sc2api_pb2.LocalMap(map_path="a\0b")}, CREATE.InvalidMapPath, "looked at"),
        ({"local_map": sc2api_pb2.LocalMap(map_path="a" * 9999)}, CREATE.InvalidMapPath, "looked at"),
        ({"local_map": sc2api_pb2.LocalMap(map_data=b"MPQ\x1b")}, CREATE.InvalidMapData, "StarCraft II itself"),
        ({"local_map": sc2api_pb2.LocalMap(map_data=b"[" * 2_000_000)}, CREATE.InvalidMapData, "it has 2000000 bytes"),
        ({"local_map": sc2api_pb2.LocalMap(map_data=b"\xff")}, CREATE.InvalidMapData, "no stand-in map file"),
        ({"player_setup": []}, CREATE.MissingPlayerSetup, "a participant and a computer"),
        ({"player_setup": [sc2api_pb2.PlayerSetup(type=1)] * 2}, CREATE.MultiplayerUnsupported, "one participant"),
        ({"player_setup": [sc2api_pb2.PlayerSetup(type=2)]}, CREATE.InvalidPlayerSetup, "one participant"),
        ({"player_setup": [sc2api_pb2.PlayerSetup(type=t) for t in (1, 2, 2)]}, CREATE.InvalidPlayerSetup, "at most"),
        ({"player_setup": [sc2api_pb2.PlayerSetup(type=t) for t in (1, 3)]}, CREATE.InvalidPlayerSetup, "at most"),
    ],
)
def test_games_that_cannot_be_created(client: Client, fields: dict[str, Any], error: int, says: str) -> None:
    answer = client.ask(create_game=create(**fields))
    assert answer.error == error
    assert says in answer.error_details
    assert client.response.status == sc2api_pb2.launched


def test_a_realtime_game_is_refused(client: Client) -> None:
    assert "realtime games are not possible" in client.refused(create_game=create(realtime=True))


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"race": None}, JOIN.MissingParticipation, "give a race"),
        ({"race": None, "observed_player_id": 1}, JOIN.FeatureUnsupported, "not look on"),
        ({"options": None}, JOIN.MissingOptions, "InterfaceOptions"),
        ({"shared_port": 5000}, JOIN.FeatureUnsupported, "several clients"),
        ({"client_ports": [sc2api_pb2.PortSet()]}, JOIN.FeatureUnsupported, "several clients"),
        ({"options": sc2api_pb2.InterfaceOptions(feature_layer=CAMERA)}, JOIN.FeatureUnsupported, "feature_layer"),
        ({"options": sc2api_pb2.InterfaceOptions(render=CAMERA)}, JOIN.FeatureUnsupported, "render"),
    ],
)
def test_games_that_cannot_be_joined(client: Client, fields: dict[str, Any], error: int, says: str) -> None:
    client.ask(create_game=create())
    answer = client.ask(join_game=join(**fields))
    assert answer.error == error
    assert says in answer.error_details
    assert client.response.status == sc2api_pb2.init_game


def test_maps_are_found_by_the_games_rules(client: Client, tmp_path: Path) -> None:
    for path in ("SMAC_Maps/3m.SC2Map", str(tmp_path / "Maps" / "SMAC_Maps" / "3m.SC2Map")):
        local = sc2api_pb2.LocalMap(map_path=path)
        assert not client.ask(create_game=create(local_map=local)).HasField("error")
    assert list(client.ask(available_maps=sc2api_pb2.RequestAvailableMaps()).local_map_paths) == ["SMAC_Maps/3m.SC2Map"]


def test_a_saved_map_can_be_named(client: Client) -> None:
    saved = sc2api_pb2.RequestSaveMap(map_path="mine.SC2Map", map_data=maps.map_file("8m"))
    assert not client.ask(save_map=saved).HasField("error")
    client.play(local_map=sc2api_pb2.LocalMap(map_path="mine.SC2Map"))
    assert client.ask(game_info=sc2api_pb2.RequestGameInfo()).map_name == "8m"


def test_a_map_that_cannot_be_played_is_not_saved(client: Client) -> None:
    answer = client.ask(save_map=sc2api_pb2.RequestSaveMap(map_path="mine.SC2Map", map_data=b"{}"))
    assert answer.error == sc2api_pb2.ResponseSaveMap.InvalidMapData


def test_a_named_seed_is_used_again_after_a_restart_and_no_seed_is_drawn(client: Client) -> None:
    def seeds() -> list[int]:
        seen = []
        for _ in range(2):
            client.debug(spawn())
            (unit,) = client.observe().observation.raw_data.units
            seen.append(unit.tag // 1000)
            client.ask(restart_game=sc2api_pb2.RequestRestartGame())
        return seen

    client.play(random_seed=5)
    assert seeds() == [5, 5]
    client.play(random_seed=None)
    first, second = seeds()
    assert first != second


def test_orders_show_once_in_what_is_observed_next(client: Client) -> None:
    client.play()
    client.debug(spawn())
    chat = sc2api_pb2.Action(action_chat=sc2api_pb2.ActionChat(message="gl hf"))
    layers = sc2api_pb2.Action(action_feature_layer={})
    client.ask(step=sc2api_pb2.RequestStep())
    given = [chat, order([7001]), layers, order([1])]
    results = client.ask(action=sc2api_pb2.RequestAction(actions=given)).result
    assert list(results) == [error_pb2.Success, error_pb2.Success, error_pb2.NotSupported, error_pb2.Error]
    seen = client.observe()
    assert [action.game_loop for action in seen.actions] == [1, 1]
    assert [said.message for said in seen.chat] == ["gl hf"]
    seen = client.observe()
    assert (len(seen.actions), len(seen.chat)) == (0, 0)


def test_only_interfaces_asked_for_are_filled(client: Client) -> None:
    client.ask(create_game=create())
    client.ask(join_game=join(options=sc2api_pb2.InterfaceOptions(score=True)))
    observation = client.observe().observation
    assert (observation.HasField("raw_data"), observation.HasField("score")) == (False, True)
    client.play()
    observation = client.observe().observation
    assert (observation.HasField("raw_data"), observation.HasField("score")) == (True, False)


def test_what_debug_cannot_do_is_said_and_the_rest_done(client: Client) -> None:
    client.play()
    commands = [spawn(unit_type=0), spawn()]
    assert client.refused(debug=sc2api_pb2.RequestDebug(debug=commands)) == "debug: there is no unit type 0"
    assert len(client.observe().observation.raw_data.units) == 1


def test_a_step_is_bounded(client: Client) -> None:
    client.play()
    assert f"at most {MOST_LOOPS}" in client.refused(step=sc2api_pb2.RequestStep(count=2**32 - 1))
    assert client.ask(step=sc2api_pb2.RequestStep(count=0)).simulation_loop == 0
    assert client.ask(step=sc2api_pb2.RequestStep()).simulation_loop == 1


def test_what_is_not_there_is_named(client: Client) -> None:
    client.play()
    assert "save_replay keeps a game" in client.refused(quick_save=sc2api_pb2.RequestQuickSave())
    assert "start_replay plays a game again" in client.refused(quick_load=sc2api_pb2.RequestQuickLoad())
    answer = client.ask(map_command=sc2api_pb2.RequestMapCommand(trigger_cmd="boom"))
    assert answer.error == sc2api_pb2.ResponseMapCommand.NoTriggerError
    assert "'boom'" in answer.error_details


def test_queries_reach_the_world(client: Client) -> None:
    client.play()
    asked = query_pb2.RequestQuery(abilities=[query_pb2.RequestQueryAvailableAbilities(unit_tag=1)] * 3)
    assert len(client.ask(query=asked).abilities) == 3


def test_bytes_that_are_no_request_and_a_request_for_nothing(client: Client) -> None:
    response = sc2api_pb2.Response.FromString(client.session.answer(b"\xff\xff\xff"))
    assert list(response.error) == ["these 3 bytes are no Request of the SC2 API"]
    assert (response.HasField("id"), response.status) == (False, sc2api_pb2.launched)
    assert client.refused().startswith("the request asks for nothing; possible: ping, ")


def test_the_process_learns_how_its_game_ends(client: Client) -> None:
    client.play()
    crash = debug_pb2.DebugTestProcess(test=debug_pb2.DebugTestProcess.crash)
    client.debug(debug_pb2.DebugCommand(test_process=crash))
    assert client.session.process_test == crash


def test_players_and_options_are_sent(client: Client) -> None:
    client.ask(create_game=create())
    client.ask(join_game=join(options=STANDARD, player_name="K"))
    info = client.ask(game_info=sc2api_pb2.RequestGameInfo())
    first, second = info.player_info
    assert (first.type, first.race_actual, first.player_name) == (sc2api_pb2.Participant, common_pb2.Terran, "K")
    assert (second.type, second.race_requested, second.difficulty) == (
        sc2api_pb2.Computer, common_pb2.Zerg, sc2api_pb2.VeryHard
    )  # fmt: skip
    assert info.options == STANDARD != RAW
    assert info.local_map_path == "SMAC_Maps/MMM.SC2Map"


def _end(result: Any) -> debug_pb2.DebugCommand:
    return debug_pb2.DebugCommand(end_game=debug_pb2.DebugEndGame(end_result=result))
