"""A TWAMP-light and STAMP session reflector: RFC 5357 section 4.2.1 and RFC 8762 section 4.3.

Stateful reply format without authentication: own sequence number, send and receive time, the
sender's fields and TTL; as long as the packet that came, if that is at least 41 bytes.
"""

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from contextlib import suppress

_NTP_OFFSET = 2_208_988_800
"""Seconds between the NTP epoch (1900) and the Unix epoch."""
_ERROR_ESTIMATE = 0x8001
"""Synchronised (S bit), scale 0, multiplier 1: an error of 2^-32 s (RFC 4656 section 4.1.2)."""
_SENDER = struct.Struct("!I8sH")
_REPLY = struct.Struct("!I8sHH8sI8sHHB")
_SHORTEST = 14
_TTL_UNKNOWN = 255
_BURST = 64
_BUFFER = 4 << 20
_IP_RECVTTL = 12
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
Address = tuple[str, int]
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(4)


def ntp(nanoseconds: int) -> bytes:
    """Return Unix nanoseconds as a 64-bit NTP timestamp."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return struct.pack("!II", (seconds + _NTP_OFFSET) & 0xFFFFFFFF, (rest << 32) // 1_000_000_000)


def reply_to(packet: bytes, sequence: int, received: int, ttl: int, now: int) -> bytes | None:
    """Return the reflected packet, None for one too short to be a test packet.

    ``received`` and ``now`` are Unix nanoseconds.
    """
    if len(packet) < _SHORTEST:
        return None
    number, sent, estimate = _SENDER.unpack_from(packet)
    body = _REPLY.pack(
        sequence, ntp(now), _ERROR_ESTIMATE, 0, ntp(received), number, sent, estimate, 0, ttl
    )
    return body + bytes(max(0, len(packet) - len(body)))


class Reflector:
    """Answers test packets on a UDP port.

    Receive times are the kernel's, so that waiting in our queue is no delay of the path. ``loss``
    (0 to 1) and ``delay`` (seconds) impair replies for tests. Counters: ``received``,
    ``reflected``, ``dropped``, ``malformed``.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.loss = 0.0
        self.delay = 0.0
        self.counters: Counter[str] = Counter()
        self._drop_next = 0
        self._sequence = 0
        self._random = random.Random(seed)  # noqa: S311 - a simulated line's losses
        self._socket: socket.socket | None = None

    @property
    def listening(self) -> bool:
        """Tell whether packets are answered."""
        return self._socket is not None

    def drop_next(self, count: int) -> None:
        """Lose the next ``count`` packets."""
        self._drop_next += count

    def open(self, host: str, port: int) -> int:
        """Listen and return the port. Raises OSError when the address is taken."""
        endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            endpoint.setblocking(False)
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            with suppress(PermissionError):
                endpoint.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            endpoint.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            endpoint.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
            endpoint.bind((host, port))
        except OSError:
            endpoint.close()
            raise
        self._socket = endpoint
        self._sequence = 0
        asyncio.get_running_loop().add_reader(endpoint.fileno(), self._read_burst)
        return int(endpoint.getsockname()[1])

    def close(self) -> None:
        """Stop answering; safe to call twice."""
        endpoint, self._socket = self._socket, None
        if endpoint is not None:
            asyncio.get_running_loop().remove_reader(endpoint.fileno())
            endpoint.close()

    def _read_burst(self) -> None:
        # A bounded burst a turn: fewer trips through the loop, and the others get theirs.
        for _ in range(_BURST):
            if self._socket is None:
                return
            try:
                packet, ancillary, _, sender = self._socket.recvmsg(65535, _ANCILLARY)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            self._reflect(packet, ancillary, sender)

    def _reflect(
        self, packet: bytes, ancillary: list[tuple[int, int, bytes]], sender: Address
    ) -> None:
        self.counters["received"] += 1
        received, ttl = time.time_ns(), _TTL_UNKNOWN
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                received = seconds * 1_000_000_000 + nanoseconds
            elif level == socket.IPPROTO_IP:
                ttl = data[0]
        if self._lost():
            self.counters["dropped"] += 1
            return
        if self.delay > 0:
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay, self._send, packet, received, ttl, sender)
        else:
            self._send(packet, received, ttl, sender)

    def _lost(self) -> bool:
        if self._drop_next:
            self._drop_next -= 1
            return True
        return self.loss > 0 and self._random.random() < self.loss

    def _send(self, packet: bytes, received: int, ttl: int, sender: Address) -> None:
        # An impairing delay is the path's: the reply must not claim it as our own waiting time.
        now = time.time_ns() if self.delay == 0 else received
        reply = reply_to(packet, self._sequence, received, ttl, now)
        if reply is None or self._socket is None:
            self.counters["malformed"] += 1
            return
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        try:
            self._socket.sendto(reply, sender)
        except (BlockingIOError, ConnectionError):
            self.counters["dropped"] += 1
            return
        self.counters["reflected"] += 1
