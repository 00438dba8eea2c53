"""The socket at which the game can be reached: on the loopback interface and nowhere else."""

from __future__ import annotations

import ipaddress
import socket


def listen(host: str, port: int) -> socket.socket:
    """A socket to which clients can connect already; they wait in its queue until the game is ready.

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
