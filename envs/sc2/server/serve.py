"""Websocket server of a session at ``/sc2api``, for one client at a time.

The library keeps the rules of websockets: malformed frames and oversized messages close the connection with the code
that says why. A page in a browser may not connect: its origin gives it away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from http import HTTPStatus

from s2clientprotocol import debug_pb2, sc2api_pb2
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin

from envs.sc2.server.session import Session

PATH = "/sc2api"
LARGEST_MESSAGE = 1 << 26
"""Bytes of a request; the replay of a long game is the largest thing that a client sends."""
PATIENCE = 1.0
"""Seconds that a client waits for the one before it to be gone, and the game for a client to take its leave."""
CRASHED = 134
"""Exit code, as after an abort."""
FOR_EVER = 1e9
"""Seconds."""


class WebsocketServer:
    """Lets clients in, one after another, until one of them quits the game.

    Args:
        session: answers them.
        listening: a socket on the loopback interface.
    """

    def __init__(self, session: Session, listening: socket.socket) -> None:
        self._session, self._listening = session, listening
        self._free = asyncio.Event()
        self._free.set()

    async def run(self) -> None:
        """Serve until the end of the game.

        Raises:
            Exception: a fault of ours; a game that may have gone wrong is not played on.
        """
        logging.getLogger("websockets.server").setLevel(logging.CRITICAL)  # clients get their errors by the protocol
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        port = self._listening.getsockname()[1]
        origins = [None, *(Origin(f"http://{host}:{port}") for host in ("127.0.0.1", "localhost", "[::1]"))]
        async with serve(
            self._talk,
            sock=self._listening,
            process_request=self._let_in,
            origins=origins,
            max_size=LARGEST_MESSAGE,
            compression=None,  # it costs more than the way through the loopback interface
            ping_interval=None,  # a client may think for as long as it likes
            close_timeout=PATIENCE,
        ):
            await self._end

    async def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"the game answers at {PATH}\n")
        try:
            await asyncio.wait_for(self._free.wait(), PATIENCE)
        except TimeoutError:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "another client is connected to this game\n")
        return None

    async def _talk(self, connection: ServerConnection) -> None:
        if not self._free.is_set():  # two were let in at once
            await connection.close(reason="another client is connected to this game")
            return
        self._free.clear()
        try:
            while self._session.status != sc2api_pb2.quit:
                message = await connection.recv(decode=False)  # pysc2 calls its bytes text, and the game takes them
                await connection.send(self._session.answer(message))
                if self._session.process_test is not None:
                    apply_process_test(self._session.process_test)
            await connection.close()
        except ConnectionClosed:
            pass  # the client is gone; another one may come, unless it quit
        except Exception as fault:
            self._end.set_exception(fault)
        finally:
            self._free.set()
            if self._session.status == sc2api_pb2.quit and not self._end.done():
                self._end.set_result(None)


def apply_process_test(process_test: debug_pb2.DebugTestProcess) -> None:
    """Hang, crash or exit, as a client asked in order to test itself."""
    time.sleep(max(process_test.delay_ms, 0) / 1000)
    if process_test.test == debug_pb2.DebugTestProcess.hang:
        time.sleep(FOR_EVER)
    os._exit(CRASHED if process_test.test == debug_pb2.DebugTestProcess.crash else 0)
