"""Replays: what is saved is played again, and nothing else is taken for a replay."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from s2clientprotocol import debug_pb2, sc2api_pb2

from envs.sc2.server.folder import GameFolder
from envs.sc2.server.session import Session
from envs.sc2.server.simulation import replay
from tests.sc2.client import CAMERA, RAW, Client, order, spawn
from tests.sc2.fake_world import FakeWorld

START, INFO = sc2api_pb2.ResponseStartReplay, sc2api_pb2.ResponseReplayInfo


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(Session(GameFolder(tmp_path), FakeWorld))


def play(client: Client, *, steps: int = 5, end: bool = False) -> list[sc2api_pb2.Observation]:
    """A game with something in it: the observations after each step of 3 loops."""
    client.play("3m", random_seed=2)
    client.debug(spawn(), spawn(owner=2))
    seen = [client.observe().observation]
    for step in range(steps):
        client.ask(action=sc2api_pb2.RequestAction(actions=[order([2001 + step % 2], ability=16 + step)]))
        client.ask(step=sc2api_pb2.RequestStep(count=3))
        seen.append(client.observe().observation)
    if end:
        surrender = debug_pb2.DebugEndGame(end_result=debug_pb2.DebugEndGame.Surrender)
        client.debug(debug_pb2.DebugCommand(end_game=surrender))
    return seen


def saved(client: Client, **how: Any) -> bytes:
    """The replay of such a game."""
    play(client, **how)
    return client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data


def start(data: bytes, **fields: Any) -> sc2api_pb2.RequestStartReplay:
    return sc2api_pb2.RequestStartReplay(**{"replay_data": data, "observed_player_id": 1, "options": RAW} | fields)


@pytest.mark.parametrize("stride", [1, 3, 15])
def test_a_game_is_played_again(client: Client, stride: int) -> None:
    seen = play(client, end=True)
    data = client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data
    assert not client.ask(start_replay=start(data)).HasField("error")
    assert client.response.status == sc2api_pb2.in_replay
    by_loop = {moment.game_loop: moment for moment in seen}
    again = client.observe().observation
    while client.response.status == sc2api_pb2.in_replay:
        # Orders are given after a moment was seen, and a replay repeats them when their loop comes.
        if again.game_loop in by_loop and stride == 15:
            assert [u.pos for u in again.raw_data.units] == [u.pos for u in by_loop[again.game_loop].raw_data.units]
        client.ask(step=sc2api_pb2.RequestStep(count=stride))
        again = client.observe().observation
    assert again == seen[-1]
    assert client.response.status == sc2api_pb2.ended
    results = client.observe().player_result
    assert {each.player_id: each.result for each in results} == {1: sc2api_pb2.Defeat, 2: sc2api_pb2.Victory}


def test_a_running_game_can_be_saved_and_goes_on(client: Client) -> None:
    play(client, steps=1)
    first = replay.read_replay(client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data)
    client.ask(step=sc2api_pb2.RequestStep(count=10))
    client.ask(action=sc2api_pb2.RequestAction(actions=[order([2001])]))
    second = replay.read_replay(client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data)
    assert (first.loops, second.loops) == (3, 13)
    assert list(second.acts)[: len(first.acts)] == list(first.acts)
    assert [loop for loop, _ in second.acts] == [0, 0, 13] == [second.acts.loop(number) for number in range(3)]


def test_what_a_replay_is_about(client: Client) -> None:
    data = saved(client, end=True)
    client.ask(leave_game=sc2api_pb2.RequestLeaveGame())
    info = client.ask(replay_info=sc2api_pb2.RequestReplayInfo(replay_data=data))
    assert (info.map_name, info.game_duration_loops, info.base_build) == ("3m", 15, 75689)
    assert info.local_map_path == "SMAC_Maps/3m.SC2Map"
    assert [player.player_result.result for player in info.player_info] == [sc2api_pb2.Defeat, sc2api_pb2.Victory]


def test_a_replay_is_found_by_its_name(client: Client, tmp_path: Path) -> None:
    (tmp_path / "Replays").mkdir()
    (tmp_path / "Replays" / "mine.SC2Replay").write_bytes(saved(client))
    named = sc2api_pb2.RequestStartReplay(replay_path="mine.SC2Replay", options=RAW)
    assert not client.ask(start_replay=named).HasField("error")


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"replay_data": None}, START.MissingReplay, "replay_data or replay_path"),
        ({"replay_data": None, "replay_path": "no.SC2Replay"}, START.InvalidReplayPath, "looked at"),
        ({"replay_data": b"MPQ\x1b"}, START.InvalidReplayData, "StarCraft II's own replays"),
        ({"map_data": b"x"}, START.InvalidMapData, "brings its map along"),
        ({"observed_player_id": 2}, START.InvalidObservedPlayerId, "player 1 can be observed"),
        ({"options": None}, START.MissingOptions, "InterfaceOptions"),
        ({"options": sc2api_pb2.InterfaceOptions(render=CAMERA)}, START.LaunchError, "interface render"),
    ],
)
def test_replays_that_cannot_be_started(client: Client, fields: dict[str, Any], error: int, says: str) -> None:
    data = saved(client, steps=1)
    answer = client.ask(start_replay=start(data, **fields))
    assert answer.error == error
    assert says in answer.error_details
    assert client.response.status == sc2api_pb2.in_game


def test_a_replay_of_another_engine_is_not_played(client: Client) -> None:
    data = saved(client, steps=1)
    other = data.replace(replay.engine_version().encode(), b"0" * 16)
    answer = client.ask(start_replay=start(other))
    assert answer.error == START.LaunchError
    assert "was made by version 0000000000000000 of the engine" in answer.error_details
    assert client.ask(replay_info=sc2api_pb2.RequestReplayInfo(replay_data=other)).game_duration_loops == 3
    assert "realtime is not possible" in client.refused(start_replay=start(data, realtime=True))


def test_a_replay_cannot_be_restarted_or_played_in(client: Client) -> None:
    client.ask(start_replay=start(saved(client, steps=0)))
    assert client.response.status == sc2api_pb2.ended, "it has no loops"
    assert client.ask(restart_game=sc2api_pb2.RequestRestartGame()).error == sc2api_pb2.ResponseRestartGame.LaunchError
    assert client.refused(save_replay=sc2api_pb2.RequestSaveReplay()).startswith("save_replay: a replay is playing")
    client.ask(start_replay=start(saved(client, steps=1)))
    client.ask(obs_action=sc2api_pb2.RequestObserverAction())
    assert client.refused(action=sc2api_pb2.RequestAction()).startswith("action is not possible while the status is in")


def broken(data: bytes) -> dict[str, bytes]:
    """Files that are not quite a replay, by what is said of them."""
    head, _, packed = data.partition(b"\n")
    log = zlib.decompress(packed)
    header = json.loads(head)

    def with_log(changed: bytes) -> bytes:
        return head + b"\n" + zlib.compress(changed)

    def with_head(**changes: Any) -> bytes:
        return json.dumps(header | changes).encode() + b"\n" + packed

    _, _, first = replay._record(log, 0)
    loop, join, second = replay._record(log, first)
    join.join_game.player_name = "someone"
    text = join.SerializeToString()
    named = log[:first] + replay.RECORD.pack(loop, len(text)) + text + log[second:]
    ping = sc2api_pb2.Request(ping=sc2api_pb2.RequestPing()).SerializeToString()
    return {
        "does not begin with": data[1:],
        "lacks engine, loops or results": with_head(loops=-1),
        "lacks engine, loops or results ": with_head(results={"3": 1}),
        "cannot be unpacked": head + b"\nxx",
        "cut off, or longer": data[:-5],
        "a request is cut off": with_log(log[:-1]),
        "requires a buffer": with_log(log + b"\0"),
        "requires a buffer ": with_log(b""),
        "lacks engine, loops or results  ": with_head(results={"1": True}),
        "lacks engine, loops or results   ": with_head(results={"1": 1.0}),
        "lacks engine, loops or results    ": with_head(loops=True),
        "utf-8|UTF-8": with_log(named.replace(b"someone", b"some\xffne")),
        "does not begin with the creation": with_log(2 * (replay.RECORD.pack(0, len(ping)) + ping)),
        "does not belong there": with_log(log + replay.RECORD.pack(3, len(ping)) + ping),
        "does not belong there ": with_head(loops=0),
    }


def test_broken_files_get_distinct_errors(client: Client) -> None:
    data = saved(client, steps=2)
    assert replay.read_replay(data).loops == 6
    for says, content in broken(data).items():
        with pytest.raises(ValueError, match=says.strip()):
            replay.read_replay(content)


def test_a_small_file_cannot_fill_the_memory(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "LARGEST_LOG", 1000)
    head = json.dumps({"format": replay.FORMAT, "engine": "", "loops": 1, "results": {}}).encode()
    with pytest.raises(ValueError, match="longer than 1000 bytes"):
        replay.read_replay(head + b"\n" + zlib.compress(b"\0" * 100_000))


def test_a_long_replay_is_unpacked_request_by_request(client: Client) -> None:
    """All at once, the requests of a long game would fill the memory."""
    head, _, packed = saved(client, steps=1).partition(b"\n")
    act = sc2api_pb2.Request(action=sc2api_pb2.RequestAction(actions=[order([2001])])).SerializeToString()
    log = zlib.decompress(packed) + 10_000 * (replay.RECORD.pack(3, len(act)) + act)
    read = replay.read_replay(head + b"\n" + zlib.compress(log))
    assert len(read.acts) == 2 + 10_000
    held = sys.getsizeof(read.acts._log) + sys.getsizeof(read.acts._places)
    assert held < len(log) + 10 * len(read.acts) + 1000
    assert read.acts[10_001][0] == 3
    assert read.acts[10_001][1].SerializeToString() == act
