"""The websocket: who may connect, what closes a connection, and that the game outlives all of it but a quit."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

pytest.importorskip("s2clientprotocol", reason="the game's messages (package pys2clientprotocol) are not installed")
pytest.importorskip("websockets", reason="the websocket library (package websockets) is not installed")

from s2clientprotocol import sc2api_pb2
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from envs.sc2.server import serve
from envs.sc2.server.__main__ import listen
from envs.sc2.server.folder import GameFolder
from envs.sc2.server.session import Session
from tests.sc2.fake_world import FakeWorld

PING = sc2api_pb2.Request(ping=sc2api_pb2.RequestPing(), id=3).SerializeToString()
QUIT = sc2api_pb2.Request(quit=sc2api_pb2.RequestQuit()).SerializeToString()


class Server:
    """A game in a thread."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.socket = listen("127.0.0.1", 0)
        self.port = self.socket.getsockname()[1]
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(serve.WebsocketServer(self.session, self.socket).run())
        except RuntimeError as fault:
            self.fault = fault

    def connect(self, path: str = serve.PATH, **options: object) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}{path}", **options)  # type: ignore[arg-type]

    def alive(self) -> bool:
        with self.connect() as client:
            return ask(client, PING).ping.base_build == 75689


def receive(client: ClientConnection) -> sc2api_pb2.Response:
    answer = client.recv(timeout=10)
    assert isinstance(answer, bytes)
    return sc2api_pb2.Response.FromString(answer)


def ask(client: ClientConnection, message: bytes | str) -> sc2api_pb2.Response:
    client.send(message)
    return receive(client)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(Session(GameFolder(None), FakeWorld))
    yield running
    if running.thread.is_alive():
        with running.connect() as client:
            ask(client, QUIT)
    running.thread.join(timeout=10)
    assert not running.thread.is_alive()


def test_a_client_comes_back_to_the_same_game(server: Server) -> None:
    assert server.alive()
    server.session.status = sc2api_pb2.init_game
    with server.connect() as client:
        client.send(PING)
        client.send(PING)
        answers = [receive(client) for _ in range(2)]
    assert [(answer.id, answer.status) for answer in answers] == [(3, sc2api_pb2.init_game)] * 2


def test_quit_is_answered_and_ends_the_game(server: Server) -> None:
    with server.connect() as client:
        assert ask(client, QUIT).status == sc2api_pb2.quit
    server.thread.join(timeout=10)
    assert not server.thread.is_alive()
    with pytest.raises(OSError, match="refused"):
        server.connect()


def test_quit_is_heard_from_a_client_that_does_not_wait(server: Server) -> None:
    with server.connect() as client:
        client.send(QUIT)
        client.socket.close()
    server.thread.join(timeout=10)
    assert not server.thread.is_alive()


def test_only_one_client_is_connected(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "PATIENCE", 0.05)
    with server.connect() as client:
        with pytest.raises(InvalidStatus) as refusal:
            server.connect()
        assert refusal.value.response.status_code == 503
        assert b"another client is connected" in (refusal.value.response.body or b"")
        assert ask(client, PING).id == 3


def test_other_paths_and_pages_of_a_browser_are_turned_away(server: Server) -> None:
    for wrong, status in ({"path": "/"}, 404), ({"origin": "http://evil.example"}, 403):
        with pytest.raises(InvalidStatus) as refusal:
            server.connect(**wrong)
        assert refusal.value.response.status_code == status
    with server.connect(origin=f"http://127.0.0.1:{server.port}") as client:
        assert ask(client, PING).id == 3


@pytest.mark.parametrize("code", [1002, 1009], ids=["malformed frame", "oversized request"])
def test_what_closes_the_connection(server: Server, code: int) -> None:
    with server.connect() as client:
        if code == 1002:
            client.socket.sendall(b"\xff\xff\xff\xff")  # reserved bits, an unknown kind
        else:
            client.send(b"x" * (serve.LARGEST_MESSAGE + 1))
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    assert server.alive()


def test_text_and_nonsense_are_answered(server: Server) -> None:
    with server.connect() as client:
        assert "are no Request" in ask(client, "hello").error[0]
        assert "asks for nothing" in ask(client, b"").error[0]


@pytest.mark.parametrize(
    "nonsense", [b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 70_000, b"GET /sc2api HTTP/1.1\r\nHost: x\r\n"]
)
def test_who_speaks_no_websocket_is_let_go(server: Server, nonsense: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(nonsense)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(10)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert server.alive()


def test_a_fault_of_ours_ends_the_game(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(message: bytes) -> bytes:
        raise RuntimeError("a fault")

    monkeypatch.setattr(server.session, "answer", fail)
    with server.connect() as client:
        client.send(PING)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
    server.thread.join(timeout=10)
    assert str(server.fault) == "a fault"


def test_clients_may_come_before_the_game_is_ready() -> None:
    waiting = listen("127.0.0.1", 0)
    early = socket.create_connection(waiting.getsockname(), timeout=5)
    late = Server.__new__(Server)
    late.session, late.socket, late.port = Session(GameFolder(None), FakeWorld), waiting, waiting.getsockname()[1]
    late.fault, late.thread = None, threading.Thread(target=late._run, daemon=True)
    late.thread.start()
    with connect("ws://game/sc2api", sock=early) as client:
        assert ask(client, QUIT).status == sc2api_pb2.quit
    late.thread.join(timeout=10)


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("0.0.0.0", 0, "only be reached from this machine; give 127.0.0.1"),
        ("8.8.8.8", 0, "only be reached from this machine"),
        ("example.com", 0, "is no address; give 127.0.0.1 or ::1"),
        ("127.0.0.1", 70_000, "ports are numbered up to 65535"),
    ],
)
def test_only_the_loopback_interface_is_served(host: str, port: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        listen(host, port)


def test_ports_that_are_taken_are_reported() -> None:
    with listen("localhost", 0) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_fates(monkeypatch: pytest.MonkeyPatch) -> None:
    from s2clientprotocol import debug_pb2

    seen: list[float] = []
    monkeypatch.setattr(serve, "time", SimpleNamespace(sleep=seen.append))

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(serve.os, "_exit", leave)
    test = debug_pb2.DebugTestProcess
    for kind, code, slept in ((test.crash, 134, [0.25]), (test.exit, 0, [0.25]), (test.hang, 0, [0.25, 1e9])):
        seen.clear()
        with pytest.raises(SystemExit) as end:
            serve.apply_process_test(test(test=kind, delay_ms=250))
        assert (end.value.code, seen) == (code, slept)
