"""UDP sockets that say when a datagram arrived and whether one was dropped for lack of room."""

import socket
import struct
import time
from contextlib import suppress

RECEIVE_BYTES = 8 * 1024 * 1024
# Linux <asm-generic/socket.h>; Python 3.11 names none of them.
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_SO_RXQ_OVFL = 40
_TIMESPEC = struct.Struct("@qq")
_COUNT = struct.Struct("@I")
ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(_COUNT.size)


def datagram_socket(family: int) -> socket.socket:
    """Return a non-blocking UDP socket with kernel arrival times and a large receive buffer."""
    result = socket.socket(family, socket.SOCK_DGRAM)
    result.setblocking(False)
    result.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    for option, value in (
        (_SO_RCVBUFFORCE, RECEIVE_BYTES),
        (_SO_TIMESTAMPNS, 1),
        (_SO_RXQ_OVFL, 1),
    ):
        # Each is an improvement only: forcing needs a privilege, the others need Linux.
        with suppress(OSError):
            result.setsockopt(socket.SOL_SOCKET, option, value)
    return result


def arrival(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, int]:
    """Return when the datagram arrived (ns since the epoch) and how many were dropped so far."""
    arrived = dropped = 0
    for _, kind, data in ancillary:
        if kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            arrived = seconds * 1_000_000_000 + nanoseconds
        elif kind == _SO_RXQ_OVFL and len(data) >= _COUNT.size:
            dropped = _COUNT.unpack_from(data)[0]
    return arrived or time.time_ns(), dropped
