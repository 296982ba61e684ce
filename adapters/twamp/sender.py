"""Send test packets at a steady pace and account for every one of them."""

import select
import socket
import time
from array import array
from contextlib import closing

from adapters.errors import Unreachable
from adapters.twamp.datagrams import ANCILLARY_BYTES, arrival, datagram_socket
from adapters.twamp.measurement import (
    BAD_SECOND_LOSS,
    Measurement,
    loss_upper_bound,
    percentile,
    unavailable_seconds,
)
from adapters.twamp.packet import SENDER_BYTES, SENDER_TTL, SHORTEST_REQUEST, parse_reply, request

_PAUSE = 0.001
"""Shortest sleep; packets that fall due meanwhile leave together."""
_BATCH = 64
_REFUSALS = 3
"""This many refusals without a single reply end the test: the port is closed."""
_WINDOW = 128
"""Most packets without an answer; what a reflector's smallest usual receive buffer holds."""
_PATIENCE = 0.25
"""Seconds without any reply after which the unanswered packets stop nothing any more."""
_NOT_BACK = -1


def measure(
    target: tuple[str, int],
    *,
    packets: int,
    interval: float,
    size: int = SENDER_BYTES,
    timeout: float = 2.0,
) -> Measurement:
    """Send ``packets`` packets ``interval`` seconds apart to a TWAMP-light or STAMP reflector.

    Blocks for about ``packets * interval`` plus at most ``timeout`` seconds, in which late replies
    still count. Where the reflector falls behind, the pace slows down, so that its queue does not
    overflow and nothing is called lost that only we have made too much of. Nothing of it spins.
    Raises Unreachable when the target has no route or no such name; ValueError for a size below
    14 bytes.
    """
    if packets < 1 or interval <= 0 or size < SHORTEST_REQUEST:
        raise ValueError("packets, interval and size must be positive, size at least 14 bytes")
    host, port = target
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        udp = datagram_socket(family)
    except OSError as error:
        raise Unreachable(f"no way to {host}: {error}") from error
    with closing(udp):
        try:
            _set_hop_limit(udp, family)
            udp.connect(address)
        except OSError as error:
            raise Unreachable(f"no way to {host}: {error}") from error
        run = _Run(udp, packets, interval, size)
        run.send_all()
        run.wait_for_the_rest(timeout)
    return run.result(f"{host}:{port}")


def _set_hop_limit(udp: socket.socket, family: int) -> None:
    if family == socket.AF_INET6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, SENDER_TTL)
    else:
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, SENDER_TTL)


class _Run:
    def __init__(self, udp: socket.socket, packets: int, interval: float, size: int) -> None:
        self.udp = udp
        self.packets = packets
        self.interval = interval
        self.size = size
        self.sent = self.received = self.duplicates = self.dropped = self.refusals = 0
        self.refusal = ""
        self.round_trips = array("q", [_NOT_BACK]) * packets
        self.written_off = 0
        self.began = time.monotonic()
        self.ended = self.heard = self.began

    @property
    def gave_up(self) -> bool:
        return self.received == 0 and self.refusals >= _REFUSALS

    def send_all(self) -> None:
        self.began = time.monotonic()
        while self.sent < self.packets and not self.gave_up:
            elapsed = time.monotonic() - self.began
            due = min(self.packets, int(elapsed / self.interval) + 1, self.sent + _BATCH)
            while self.sent < due and self._has_room() and self._send_one():
                pass
            self.drain()
            if self.sent < self.packets:
                next_due = self.began + self.sent * self.interval
                time.sleep(max(_PAUSE, next_due - time.monotonic()))

    def _has_room(self) -> bool:
        if self.sent - self.received - self.written_off < _WINDOW:
            return True
        if time.monotonic() - self.heard < _PATIENCE:
            return False
        self.written_off = self.sent - self.received
        return True

    def _send_one(self) -> bool:
        """Send the next packet; false when the kernel has no room for it now."""
        # An error may answer an earlier packet, and this one has not left: it is sent anew. One
        # that comes at once is the host's own, and the packet is lost as far as we can measure.
        for _ in range(2):
            try:
                self.udp.send(request(self.sent, time.time_ns(), self.size))
                break
            except BlockingIOError:
                return False
            except OSError as error:
                self._refused(error)
                if self.gave_up:
                    return False
        self.sent += 1
        return True

    def drain(self) -> None:
        while True:
            try:
                data, ancillary, _, _ = self.udp.recvmsg(2048, ANCILLARY_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._refused(error)
                continue
            arrived, dropped = arrival(ancillary)
            self.dropped = max(self.dropped, dropped)
            self._account(data, arrived)

    def _refused(self, error: OSError) -> None:
        """An ICMP error came for an earlier packet, which is lost by that (RFC 1122, 4.1.3.3)."""
        self.refusals += 1
        self.refusal = error.strerror or str(error)

    def _account(self, data: bytes, arrived: int) -> None:
        reply = parse_reply(data)
        if reply is None or reply.sender_sequence >= self.sent:
            return
        if self.round_trips[reply.sender_sequence] != _NOT_BACK:
            self.duplicates += 1
            return
        self.round_trips[reply.sender_sequence] = max(0, reply.round_trip_ns(arrived))
        self.received += 1
        self.heard = time.monotonic()

    def wait_for_the_rest(self, timeout: float) -> None:
        self.drain()
        deadline = time.monotonic() + timeout
        while self.received < self.sent and not self.gave_up:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.udp], [], [], left)[0]:
                break
            self.drain()
        self.ended = time.monotonic()

    def result(self, target: str) -> Measurement:
        ordered = sorted(ns / 1e6 for ns in self.round_trips[: self.sent] if ns != _NOT_BACK)
        missing = self.sent - self.received
        discarded = min(self.dropped, missing)
        judged = self.sent - discarded
        lost = missing - discarded
        return Measurement(
            target=target,
            sent=self.sent,
            received=self.received,
            lost=lost,
            duplicates=self.duplicates,
            discarded=discarded,
            refusal=self.refusal,
            rtt_min_ms=ordered[0] if ordered else None,
            rtt_p50_ms=percentile(ordered, 50),
            rtt_p95_ms=percentile(ordered, 95),
            rtt_p99_ms=percentile(ordered, 99),
            rtt_max_ms=ordered[-1] if ordered else None,
            loss_percent=100 * lost / judged if judged else 100.0,
            loss_upper_percent=100 * loss_upper_bound(lost, judged),
            seconds=self.ended - self.began,
            unavailable_seconds=unavailable_seconds(self._bad_seconds()),
        )

    def _bad_seconds(self) -> list[bool]:
        a_second = max(1, round(1 / self.interval))
        bins = [self.round_trips[i : i + a_second] for i in range(0, self.sent, a_second)]
        width = max(1, round(self.interval * a_second))
        return [
            bad
            for packets in bins
            for bad in [packets.count(_NOT_BACK) > BAD_SECOND_LOSS * len(packets)] * width
        ]
