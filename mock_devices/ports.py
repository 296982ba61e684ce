"""Loopback ports that stay a device's own, also while nothing listens on them."""

import contextlib
import errno
import hashlib
import socket
from collections.abc import Collection

_LOWEST_PORT, _PORTS = 20000, 12000


class PortClaim:
    """A TCP and UDP port number that no other simulated device of this machine gets.

    The number lies below the system's ephemeral range, so that no client takes it while its
    service is off. The claim is a socket name in Linux's abstract namespace, not the port itself:
    a port that is bound answers differently from one where nothing is, and the name goes with the
    process that holds it.
    """

    def __init__(self, host: str, port: int, holder: socket.socket) -> None:
        self.host = host
        self.port = port
        self._holder = holder

    def release(self) -> None:
        """Let others have the port; safe to call twice."""
        self._holder.close()


def claim_port(host: str, wish: str, *, avoid: Collection[int] = ()) -> PortClaim:
    """Claim a port of ``host``: the same one for the same ``wish`` as long as it is free.

    Raises OSError when none is free.
    """
    digest = int(hashlib.sha256(wish.encode()).hexdigest(), 16)
    for attempt in range(_PORTS):
        port = _LOWEST_PORT + (digest + attempt) % _PORTS
        if port in avoid:
            continue
        holder = _held(f"\0mock-devices/{host}:{port}")
        if holder is None:
            continue
        if _is_free(host, port):
            return PortClaim(host, port, holder)
        holder.close()
    raise OSError(errno.EADDRINUSE, "no free port")


def _held(name: str) -> socket.socket | None:
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(name)
    except OSError:
        holder.close()
        return None
    return holder


def _is_free(host: str, port: int) -> bool:
    """Tell whether a server of either kind could listen now."""
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        # As servers do: connections of an earlier life that time out are no hindrance.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        datagram = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            stream.bind((host, port))
            datagram.bind((host, port))
        except OSError:
            return False
    return True
