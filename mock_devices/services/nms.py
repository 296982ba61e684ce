"""The network management system: receives SNMPv3 notifications and counts them by sender."""

import asyncio
from collections import Counter

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_devices.services.web import WebService

_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_SNMPV3 = b"\x03"


class MalformedError(ValueError):
    """A datagram that is no SNMPv3 message."""


def engine_and_user(datagram: bytes) -> tuple[str, str]:
    """Return engine id (hex) and user name of an SNMPv3 message (RFC 3412 6, RFC 3414 2.4).

    Only the clear part is read: version, header, security parameters. Raises ``MalformedError``.
    """
    message, _ = _take(datagram, _SEQUENCE)
    version, rest = _take(message, _INTEGER)
    if version != _SNMPV3:
        raise MalformedError("not version 3")
    _, rest = _take(rest, _SEQUENCE)
    security, _ = _take(rest, _OCTETS)
    parameters, _ = _take(security, _SEQUENCE)
    engine, rest = _take(parameters, _OCTETS)
    _, rest = _take(rest, _INTEGER)
    _, rest = _take(rest, _INTEGER)
    user, _ = _take(rest, _OCTETS)
    return engine.hex(), user.decode("utf-8", "replace")


def _take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the first BER element and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise MalformedError(f"no element with tag {tag:#x}")
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if len(data) < start + length:
        raise MalformedError("shorter than it says")
    return data[start : start + length], data[start + length :]


class TrapReceiver(asyncio.DatagramProtocol):
    """UDP trap port plus ``GET /status``: how many notifications came from which engine."""

    def __init__(self) -> None:
        self.traps: Counter[tuple[str, str]] = Counter()
        self.malformed = 0
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self.web = WebService(Starlette(routes=[Route("/status", self._status)]))

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen for traps and return the bound UDP port; ``web.url`` has the status."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(host, port)
        )
        self.port = int(self._transport.get_extra_info("sockname")[1])
        await self.web.start(host)
        return self.port

    async def stop(self) -> None:
        """Close both ports; safe to call twice."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        await self.web.stop()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's signature
        """Count one datagram."""
        try:
            self.traps[engine_and_user(data)] += 1
        except MalformedError:
            self.malformed += 1

    def status(self) -> dict[str, object]:
        """Return the counters as JSON data."""
        traps = [
            {"engine": engine, "user": user, "count": count}
            for (engine, user), count in sorted(self.traps.items())
        ]
        return {"traps": traps, "malformed": self.malformed}

    async def _status(self, _request: Request) -> JSONResponse:
        return JSONResponse(self.status())
