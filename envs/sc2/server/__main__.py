"""``python -m envs.sc2.server install DIR`` lays out a game for clients; with a client's own flags, it is the game.

python -m envs.sc2.server install ~/stand-in
python -m envs.sc2.server -listen 127.0.0.1 -port 5000 -dataDir ~/stand-in/
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import ipaddress
import os
import shlex
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from envs.sc2.tether import call_when_orphaned

NEEDED = {"s2clientprotocol": "pys2clientprotocol", "websockets": "websockets"}
"""Modules that the game needs beside the engine's, and the packages that bring them."""
WRONG_USE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Install or play; returns the exit code: 0 done, 2 a mistake in the command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        print(f"error: the game needs {' and '.join(missing)}: pip install -e '.[sc2]'", file=sys.stderr)
        return WRONG_USE
    return _install(arguments[1:]) if arguments[:1] == ["install"] else _play(arguments)


def _install(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m envs.sc2.server install", description="Lay out a stand-in game.")
    parser.add_argument("folder", type=Path, help="where to; SC2PATH will name it")
    folder: Path = parser.parse_args(arguments).folder
    from envs.sc2.server.folder import install
    from envs.sc2.server.simulation.world import warm_up

    try:
        program = install(folder)
    except (ValueError, OSError) as mistake:
        return _wrong_use(mistake)
    warm_up()
    print(f"installed: {program}")
    print(f"export SC2PATH={shlex.quote(str(folder.expanduser().resolve()))}")
    return 0


def _play(arguments: Sequence[str]) -> int:
    flags = read_flags(arguments)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches the client as well, and it is the one to speak
    if flags.parent is not None:
        call_when_orphaned(flags.parent, partial(os._exit, 0))  # at once, whatever the other threads are at
    try:
        listening = listen(flags.listen, flags.port)
    except (ValueError, OSError) as mistake:
        return _wrong_use(mistake)
    with listening:
        _serve(listening, flags.dataDir)
    return 0


def _wrong_use(mistake: Exception) -> int:
    print(f"error: {mistake}", file=sys.stderr)
    return WRONG_USE


def listen(host: str, port: int) -> socket.socket:
    """A socket to which clients can connect already, on the loopback interface and nowhere else.

    Args:
        host: an address of the loopback interface.
        port: 0 for any free one.

    Raises:
        ValueError: the address is another one.
        OSError: the port is taken.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ValueError(f"-listen {host!r} is no address; give 127.0.0.1 or ::1") from None
    if not address.is_loopback:
        raise ValueError(f"-listen {host}: the game can only be reached from this machine; give 127.0.0.1 or ::1")
    if not 0 <= port < 2**16:
        raise ValueError(f"-port {port}: ports are numbered up to 65535")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return socket.create_server((str(address), port), family=family)


def _serve(listening: socket.socket, data_dir: Path | None) -> None:
    """Import the engine, which takes longest, and play; clients that came early wait in the socket's queue."""
    from envs.sc2.server.folder import GameFolder
    from envs.sc2.server.serve import WebsocketServer
    from envs.sc2.server.session import Session

    asyncio.run(WebsocketServer(Session(GameFolder(data_dir)), listening).run())


def read_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags of the game's own command line that mean something here; windows, textures and logs do not.

    Raises:
        SystemExit: a flag has no value, or none that can be read.
    """
    parser = argparse.ArgumentParser(
        prog="python -m envs.sc2.server",
        description="Play as StarCraft II would for clients of its API; other flags of the game are accepted.",
        epilog="python -m envs.sc2.server install DIR lays out a folder for SC2PATH.",
        allow_abbrev=False,
        add_help=False,  # a game's flag such as -headlessNoRender would be read as -h
    )
    parser.add_argument("--help", action="help", help="show this and stop")
    parser.add_argument("-listen", default="127.0.0.1", metavar="ADDRESS", help="on the loopback interface")
    parser.add_argument("-port", type=int, required=True, help="of the websocket")
    parser.add_argument("-dataDir", type=Path, metavar="DIR", help="the installation, with Maps and Replays")
    parser.add_argument("-parent", type=int, metavar="PID", help="the process with which the game ends")
    return parser.parse_known_args(arguments)[0]


if __name__ == "__main__":
    sys.exit(main())
