"""Whatever arrives is answered, and the session lives on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from s2clientprotocol import sc2api_pb2

from envs.sc2.server.folder import GameFolder
from envs.sc2.server.game import WorldMaker
from envs.sc2.server.session import POSSIBLE, Session
from envs.sc2.server.simulation.field import FIRST_TAG, TAG_STEP
from envs.sc2.server.simulation.world import World
from tests.sc2.client import RAW, Client, create, join, order, spawn
from tests.sc2.fake_world import FakeWorld

NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32: (0, 1, 2, 4, 16, 23, 386, 3674, -1, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 2, 8, 48, 54, 1970, 2**31, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 7001, *(FIRST_TAG + TAG_STEP * i for i in range(4)), 2**63, 2**64 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: (0.0, 16.0, -1e30, 3e38, math.nan, math.inf, -math.inf),
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
    FieldDescriptor.CPPTYPE_STRING: ("", "SMAC_Maps/MMM.SC2Map", "../../etc/passwd", "\0", "é" * 300, "not UTF-8"),
}
"""Values of every kind of field, sensible and absurd."""


def on_the_wire(request: Any) -> bytes:
    """A request's bytes; no library would write a text that is not UTF-8, so it is put there afterwards."""
    content: bytes = request.SerializeToString()
    return content.replace(b"not UTF-8", b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5!")


@st.composite
def messages(draw: st.DrawFn, kind: Any, depth: int = 4) -> Any:
    """Any message of a type, its fields set or left out."""
    message = kind._concrete_class()
    for field in kind.fields:
        if not draw(st.booleans()):
            continue
        if field.message_type is not None:
            if depth and field.is_repeated:
                for _ in range(draw(st.integers(0, 2))):
                    getattr(message, field.name).add().CopyFrom(draw(messages(field.message_type, depth - 1)))
            elif depth:
                getattr(message, field.name).CopyFrom(draw(messages(field.message_type, depth - 1)))
            continue
        if field.enum_type is not None:
            values: Any = st.sampled_from([value.number for value in field.enum_type.values])
        elif field.type == FieldDescriptor.TYPE_BYTES:
            values = st.binary(max_size=20)
        else:
            values = st.sampled_from(NUMBERS[field.cpp_type])
        if field.is_repeated:
            getattr(message, field.name).extend(draw(st.lists(values, max_size=3)))
        else:
            setattr(message, field.name, draw(values))
    return message


def sensible() -> list[sc2api_pb2.Request]:
    """Requests of a real game, to be sent in any order and to be spoilt."""
    return [
        sc2api_pb2.Request(create_game=create("3m")),
        sc2api_pb2.Request(join_game=join()),
        sc2api_pb2.Request(debug=sc2api_pb2.RequestDebug(debug=[spawn(), spawn(owner=2)])),
        sc2api_pb2.Request(action=sc2api_pb2.RequestAction(actions=[order([7001, 7002], ability=23)])),
        sc2api_pb2.Request(step=sc2api_pb2.RequestStep(count=8)),
        sc2api_pb2.Request(observation=sc2api_pb2.RequestObservation()),
        sc2api_pb2.Request(save_replay=sc2api_pb2.RequestSaveReplay()),
        sc2api_pb2.Request(restart_game=sc2api_pb2.RequestRestartGame()),
        sc2api_pb2.Request(leave_game=sc2api_pb2.RequestLeaveGame()),
        sc2api_pb2.Request(start_replay=sc2api_pb2.RequestStartReplay(replay_data=REPLAY, options=RAW)),
        sc2api_pb2.Request(data=sc2api_pb2.RequestData(unit_type_id=True, ability_id=True)),
        sc2api_pb2.Request(game_info=sc2api_pb2.RequestGameInfo()),
    ]


def session(make_world: WorldMaker = FakeWorld) -> Session:
    return Session(GameFolder(None), make_world)


def saved() -> bytes:
    """The replay of a short game."""
    client = Client(session())
    client.play("3m")
    client.ask(step=sc2api_pb2.RequestStep(count=20))
    return client.ask(save_replay=sc2api_pb2.RequestSaveReplay()).data


REPLAY = saved()


def alive(playing: Session) -> bool:
    """Whether a ping is answered properly."""
    answer = Client(playing).send(ping=sc2api_pb2.RequestPing())
    if playing.status == sc2api_pb2.quit:
        return answer.status == sc2api_pb2.quit and len(answer.error) == 1
    return answer.ping.base_build == 75689 and not answer.error


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A request's bytes, cut short or with some of them changed."""
    content = bytearray(draw(st.sampled_from(sensible())).SerializeToString())
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))])


@st.composite
def any_request(draw: st.DrawFn, names: Sequence[str]) -> bytes:
    """A request of one of these kinds, sensible or absurd."""
    name = draw(st.sampled_from(names))
    field = sc2api_pb2.Request.DESCRIPTOR.fields_by_name[name]
    return on_the_wire(sc2api_pb2.Request(**{name: draw(messages(field.message_type))}))


@st.composite
def one_of(draw: st.DrawFn, requests: list[sc2api_pb2.Request]) -> bytes:
    return draw(st.sampled_from(requests)).SerializeToString()


ANYTHING = st.one_of(st.binary(max_size=100), spoilt(), one_of(sensible()), any_request(sorted(POSSIBLE)))


@pytest.mark.parametrize("message", ["22030a01ff", "8201030a01ff", "0a050a030a01ff"])
def test_a_path_that_is_not_utf_8(message: str) -> None:
    """Create a game, start a replay, ask about one: each names a file by the byte 0xff."""
    playing = session()
    response = sc2api_pb2.Response.FromString(playing.answer(bytes.fromhex(message)))
    assert list(response.error) == [f"these {len(message) // 2} bytes are no Request of the SC2 API"]
    assert alive(playing)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANYTHING, max_size=12))
def test_a_session_answers_everything(requests: list[bytes]) -> None:
    playing = session()
    for request in requests:
        response = sc2api_pb2.Response.FromString(playing.answer(request))
        assert response.status == playing.status
        assert response.WhichOneof("response") or response.error
    assert alive(playing)


IN_A_GAME = ("action", "debug", "query", "step", "observation", "obs_action")
ORDERS = st.one_of(one_of(sensible()[2:6]), any_request(IN_A_GAME))
"""What a client may ask for in a game, sensible or absurd."""


@settings(max_examples=60, deadline=None)
@given(map_name=st.sampled_from(["32x32_flat", "MMM", "bane_vs_bane"]), requests=st.lists(ORDERS, max_size=8))
def test_the_world_takes_everything(map_name: str, requests: list[bytes]) -> None:
    playing = session(World)
    start = sc2api_pb2.Request(create_game=create(map_name)), *sensible()[1:3]
    for request in start:
        playing.answer(request.SerializeToString())
    assert playing.status == sc2api_pb2.in_game
    step = sc2api_pb2.Request(step=sc2api_pb2.RequestStep(count=3)).SerializeToString()
    look = sc2api_pb2.Request(observation=sc2api_pb2.RequestObservation()).SerializeToString()
    for request in requests:
        response = sc2api_pb2.Response.FromString(playing.answer(request))
        assert response.WhichOneof("response") or response.error
        playing.answer(step)
    for unit in sc2api_pb2.Response.FromString(playing.answer(look)).observation.observation.raw_data.units:
        assert all(map(math.isfinite, (unit.pos.x, unit.pos.y, unit.health, unit.shield, unit.energy)))
        assert 0 < unit.health <= unit.health_max
    assert alive(playing)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_spoilt_replay_is_refused_or_played(data: st.DataObject) -> None:
    content = bytearray(REPLAY)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    playing = session()
    start = sc2api_pb2.RequestStartReplay(replay_data=bytes(content), options=RAW)
    started = Client(playing).send(start_replay=start).start_replay
    assert started.HasField("error") == (playing.status == sc2api_pb2.launched)
    assert alive(playing)
