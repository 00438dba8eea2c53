"""Replays in a format of our own: the requests that made a game, which give the same game when they are made again.

A file is one line of JSON (``format``, ``engine``, ``loops``, ``results``) and a zlib stream of records. A record is
the game loop, the length and the bytes of a ``Request``; the first two are those that created and joined the game.
The log is compressed as it grows: a training run of days stays in one game.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from s2clientprotocol import sc2api_pb2

from common.machine_code import MachineCode
from envs.battle import jit
from envs.sc2.server.simulation.maps import read_map

FORMAT = "k24 replay 1"
RECORD = struct.Struct("<II")
LARGEST_LOG = 1 << 28
"""Bytes of a log, unpacked: a small file may not fill the memory."""
ACTS = ("action", "debug")
"""Requests that change a running game."""


@cache
def engine_version() -> str:
    """Hash of what decides how a game goes on: the sources of the battle engine and of this package, and their data."""
    digest = hashlib.sha256(
        (jit.MACHINE_CODE.source_hash() + MachineCode(Path(__file__).parents[1], "").source_hash()).encode()
    )
    for path in sorted((jit.ENGINE_FOLDER.parent / "data").rglob("*.json")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def read_request(content: bytes) -> sc2api_pb2.Request:
    """The request that these bytes are.

    Raises:
        DecodeError: they are none, or a text in it is not UTF-8.
    """
    request = sc2api_pb2.Request.FromString(content)
    try:
        _read_texts(request)
    except UnicodeDecodeError as fault:
        raise DecodeError(str(fault)) from None
    return request


def _read_texts(message: Message) -> None:
    """Read every field once: protobuf decodes texts only when they are read."""
    for field, value in message.ListFields():
        for part in value if field.is_repeated else (value,):
            if field.message_type is not None:
                _read_texts(part)
            elif field.type == FieldDescriptor.TYPE_STRING and not isinstance(part, str):
                raise DecodeError(f"{field.full_name} is not UTF-8")


class Log:
    """A game's requests, packed as they come.

    Args:
        create: with its map and its seed.
        join: the player's.
    """

    def __init__(self, create: sc2api_pb2.RequestCreateGame, join: sc2api_pb2.RequestJoinGame) -> None:
        self._packer = zlib.compressobj()
        self._packed = bytearray()
        self.write(0, sc2api_pb2.Request(create_game=create))
        self.write(0, sc2api_pb2.Request(join_game=join))

    def write(self, loop: int, request: sc2api_pb2.Request) -> None:
        """Keep a request that changes the game, and when it came."""
        content = request.SerializeToString()
        self._packed += self._packer.compress(RECORD.pack(loop, len(content)) + content)

    def save(self, loops: int, results: dict[int, int]) -> bytes:
        """The replay file up to now.

        Args:
            loops: length of the game so far.
            results: by player id, a ``Result`` for each whose game has ended.
        """
        head = {"format": FORMAT, "engine": engine_version(), "loops": loops, "results": results}
        return json.dumps(head).encode() + b"\n" + bytes(self._packed) + self._packer.copy().flush()


class Acts(Sequence[tuple[int, sc2api_pb2.Request]]):
    """The requests that changed a game, each with the loop at which it came; one is unpacked when it is asked for.

    Unpacked, a request of ten orders takes six kilobytes, and a long game has a million of them.

    Args:
        log: all records of the replay.
        places: where in it those of the acts begin.
    """

    def __init__(self, log: bytes, places: array[int]) -> None:
        self._log, self._places = log, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: Any) -> Any:
        loop, request, _ = _record(self._log, self._places[number])
        return loop, request

    def loop(self, number: int) -> int:
        """Return the loop in which an act came."""
        return int(RECORD.unpack_from(self._log, self._places[number])[0])


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Content of a replay file."""

    engine: str
    """``engine_version`` of the game that was played."""
    loops: int
    """Length of the game."""
    results: dict[int, int]
    """By player id, a ``Result``."""
    create: sc2api_pb2.RequestCreateGame
    """Map, seed and players."""
    join: sc2api_pb2.RequestJoinGame
    """Race and options of the one who played."""
    acts: Acts
    """The requests that changed the game."""

    def check_engine(self) -> None:
        """Refuse to play what would come out differently.

        Raises:
            ValueError: the game was played by another version of the engine.
        """
        if self.engine != engine_version():
            raise ValueError(
                f"the replay was made by version {self.engine} of the engine, this is {engine_version()}, and battles "
                "would take another course; play it with the version that made it"
            )


def read_replay(data: bytes) -> Replay:
    """Take a replay file apart.

    Raises:
        ValueError: it is none of ours, or broken.
    """
    head, _, packed = data.partition(b"\n")
    header = _head(head)
    log = _unpack(packed)
    _, create, at = _record(log, 0)
    _, join, at = _record(log, at)
    if (create.WhichOneof("request"), join.WhichOneof("request")) != ("create_game", "join_game"):
        raise ValueError("the replay is broken: it does not begin with the creation of a game")
    read_map(create.create_game.local_map.map_data)
    acts = Acts(log, array("Q", _checked_places(log, at, header["loops"])))
    return Replay(**header, create=create.create_game, join=join.join_game, acts=acts)


def _checked_places(log: bytes, at: int, loops: int) -> Iterator[int]:
    """Return where each act begins; check that each is one and comes at its time."""
    before = 0
    while at < len(log):
        loop, request, end = _record(log, at)
        if request.WhichOneof("request") not in ACTS or not before <= loop <= loops:
            raise ValueError("the replay is broken: a request in it does not belong there")
        yield at
        before, at = loop, end


def _head(line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):  # the latter of brackets without end
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(
            f'this is no replay of the stand-in game: it does not begin with "format": "{FORMAT}". '
            "StarCraft II's own replays can only be played by StarCraft II"
        )
    engine, loops, results = (header.get(key) for key in ("engine", "loops", "results"))
    known = sc2api_pb2.Result.values()
    if not (
        isinstance(engine, str)
        and type(loops) is int
        and 0 <= loops < 2**32
        and isinstance(results, dict)
        and all(player in ("1", "2") and type(result) is int and result in known for player, result in results.items())
    ):
        raise ValueError("the replay is broken: its first line lacks engine, loops or results")
    return {"engine": engine, "loops": loops, "results": {int(player): result for player, result in results.items()}}


def _unpack(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        log = unpacker.decompress(packed, LARGEST_LOG)
    except zlib.error as fault:
        raise ValueError(f"the replay is broken: its log cannot be unpacked ({fault})") from None
    if not unpacker.eof:
        raise ValueError(f"the replay is broken: its log is cut off, or longer than {LARGEST_LOG} bytes")
    return log


def _record(log: bytes, at: int) -> tuple[int, sc2api_pb2.Request, int]:
    """The loop, the request, and where the next record begins."""
    try:
        loop, length = RECORD.unpack_from(log, at)
        start = at + RECORD.size
        if start + length > len(log):
            raise DecodeError("a request is cut off")
        return loop, read_request(log[start : start + length]), start + length
    except (struct.error, DecodeError) as fault:
        raise ValueError(f"the replay is broken: {fault}") from None
