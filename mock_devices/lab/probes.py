"""TWAMP-light senders of the lab's probes: real packets, as often as the device is configured to.

Packet layout: RFC 5357 sections 4.1.2 and 4.2.1, unauthenticated mode.
"""

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from mock_devices.netconf import Container
from mock_devices.netconf.probe_state import SenderCounters

Address = tuple[str, int]
Resolve = Callable[[str], Address | None]
"""Gives the lab's address of a reflector by its address in the network, if it can be reached."""

_NTP_EPOCH = 2_208_988_800
_SYNCHRONISED = 0x8001
_BASE_LENGTH = 41
_SENDER_SEQUENCE = struct.Struct("!24xI")
_SHORTEST_REPLY = 28
RECONCILE_SECONDS = 0.2


@dataclass(frozen=True)
class SenderSession:
    """One configured test session."""

    name: str
    reflector: str
    interval: float
    """Seconds between packets."""
    packets: int
    repeat: int
    repeat_interval: float
    padding: int


@dataclass
class _Counters:
    """What a session has sent and received; sequence numbers begin at 0."""

    sent: int = 0
    received: int = 0
    last_sent: int = 0
    last_received: int = 0


def sender_sessions(running: Container, minimum_interval: float) -> dict[str, SenderSession]:
    """Return the sessions that a probe's configuration makes it run, by name.

    There are none unless the client and the session-sender are both enabled (true by default).
    """
    twamp = running.container("twamp")
    client, sender = twamp.container("client"), twamp.container("session-sender")
    if "false" in (client.leaf("admin-state"), sender.leaf("admin-state")):
        return {}
    requests = {
        key[0]: request
        for connection in client.entries("ctrl-connection").values()
        for key, request in connection.entries("test-session-request").items()
    }
    return {
        key[0]: _session(key[0], session, requests[key[0]], minimum_interval)
        for key, session in sender.entries("test-session").items()
        if key[0] in requests and session.leaf("periodic-interval")
    }


def _session(
    name: str, session: Container, request: Container, minimum_interval: float
) -> SenderSession:
    return SenderSession(
        name=name,
        reflector=request.leaf("reflector-ip") or "",
        interval=max(float(session.leaf("periodic-interval") or 1), minimum_interval),
        packets=int(session.leaf("number-of-packets") or 0),
        repeat=int(request.leaf("repeat") or 0),
        repeat_interval=float(request.leaf("repeat-interval") or 0),
        padding=int(request.leaf("padding-length") or 0),
    )


class _Flow(asyncio.DatagramProtocol):
    """The replies of one session."""

    def __init__(self, counters: _Counters) -> None:
        self._counters = counters

    def datagram_received(self, data: bytes, addr: Address) -> None:  # noqa: ARG002 - asyncio's signature
        """Count one reply by the sender's sequence number in it."""
        if len(data) >= _SHORTEST_REPLY:
            (sequence,) = _SENDER_SEQUENCE.unpack_from(data)
            self._counters.received += 1
            self._counters.last_received = sequence


class Probe:
    """The senders of one probe device; follows its running configuration."""

    def __init__(
        self, running: Callable[[], Container], resolve: Resolve, minimum_interval: float
    ) -> None:
        self._running = running
        self._resolve = resolve
        self._minimum_interval = minimum_interval
        self._tasks: dict[SenderSession, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._counters: dict[str, _Counters] = {}

    def start(self) -> None:
        """Follow the configuration from now on."""
        self._watch = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop every sender; safe to call twice."""
        tasks = list(self._tasks.values())
        if self._watch is not None:
            tasks.append(self._watch)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._watch = None

    def counters(self, name: str) -> SenderCounters | None:
        """Return what a session has counted, ``None`` when it does not run."""
        found = self._counters.get(name)
        if found is None:
            return None
        return SenderCounters(found.sent, found.received, found.last_sent, found.last_received)

    async def _follow(self) -> None:
        seen: Container | None = None
        while True:
            running = self._running()
            if running is not seen:
                seen = running
                self._reconcile(sender_sessions(running, self._minimum_interval))
            await asyncio.sleep(RECONCILE_SECONDS)

    def _reconcile(self, wanted: dict[str, SenderSession]) -> None:
        for session in set(self._tasks) - set(wanted.values()):
            self._tasks.pop(session).cancel()
            self._counters.pop(session.name, None)
        for name, session in wanted.items():
            if session not in self._tasks:
                self._counters[name] = _Counters()
                self._tasks[session] = asyncio.create_task(self._send(session))

    async def _send(self, session: SenderSession) -> None:
        counters = self._counters[session.name]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Flow(counters), local_addr=("127.0.0.1", 0)
        )
        try:
            for _ in range(session.repeat + 1):
                await self._run_once(session, counters, transport)
                await asyncio.sleep(session.repeat_interval)
        finally:
            transport.close()

    async def _run_once(
        self,
        session: SenderSession,
        counters: _Counters,
        transport: asyncio.DatagramTransport,
    ) -> None:
        padding = bytes(max(session.padding, _BASE_LENGTH - 14))
        due = time.monotonic()
        target: Address | None = None
        for number in range(session.packets):
            if number % max(1, int(RECONCILE_SECONDS / session.interval)) == 0:
                # Whether packets get through is looked at a few times a second, not for each.
                target = self._resolve(session.reflector)
            packet = struct.pack("!IQH", number, _ntp(time.time()), _SYNCHRONISED) + padding
            if target is not None:
                transport.sendto(packet, target)
            counters.sent += 1
            counters.last_sent = number
            due += session.interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))


def _ntp(seconds: float) -> int:
    return int((seconds + _NTP_EPOCH) * 2**32) & (2**64 - 1)
