import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from adapters.errors import Unreachable
from adapters.twamp.packet import parse_request, reply
from adapters.twamp.reflector import Reflector
from adapters.twamp.sender import measure

Answer = Callable[[int, bytes], list[bytes]]


@contextmanager
def peculiar_reflector(answer: Answer, buffer: int = 4 << 20) -> Iterator[tuple[str, int]]:
    """A reflector that answers each packet with what ``answer`` makes of it."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    udp.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, sender = udp.recvfrom(2048)
            asked = parse_request(data)
            if asked is None:
                return
            good = reply(asked.sequence, asked, asked.sent_ns, asked.sent_ns, len(data))
            for each in answer(asked.sequence, good):
                udp.sendto(each, sender)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield udp.getsockname()
    finally:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as last:
            last.sendto(b"", udp.getsockname())
        thread.join()
        udp.close()


def test_ten_thousand_packets_a_second_lose_nothing_of_our_own() -> None:
    with Reflector() as reflector:
        found = measure(reflector.address, packets=20_000, interval=0.0001, timeout=5)
    assert (found.sent, found.received, found.lost, found.duplicates) == (20_000, 20_000, 0, 0)
    assert found.discarded == 0
    assert 1.9 < found.seconds < 6
    assert found.rtt_min_ms is not None
    assert found.rtt_max_ms is not None
    assert 0 <= found.rtt_min_ms <= found.rtt_max_ms


def test_a_reflector_that_falls_behind_slows_the_pace_and_loses_nothing() -> None:
    behind = threading.Event()

    def slowly(number: int, good: bytes) -> list[bytes]:
        behind.wait(0.0002)  # set by nobody: half of the pace at which packets would come
        return [good]

    with peculiar_reflector(slowly, buffer=128 * 1024) as address:
        found = measure(address, packets=5_000, interval=0.0001, timeout=5)
    assert (found.received, found.lost, found.discarded) == (5_000, 0, 0)
    assert found.seconds > 1


def test_silence_does_not_hold_the_test_up() -> None:
    with peculiar_reflector(lambda n, good: [good] if n < 10 else []) as address:
        found = measure(address, packets=400, interval=0.0005, timeout=0.2)
    assert (found.sent, found.lost) == (400, 390)
    assert found.seconds < 5


def test_packets_keep_their_pace() -> None:
    with Reflector() as reflector:
        found = measure(reflector.address, packets=50, interval=0.01, timeout=1)
    assert 0.48 <= found.seconds < 1.5


def test_lost_packets_are_counted_each_once() -> None:
    with peculiar_reflector(lambda n, good: [] if n % 10 == 0 else [good]) as address:
        found = measure(address, packets=100, interval=0.0005, timeout=0.3)
    assert (found.received, found.lost) == (90, 10)
    assert found.loss_percent == 10.0


def test_duplicates_are_no_packets() -> None:
    with peculiar_reflector(lambda _, good: [good, good]) as address:
        found = measure(address, packets=50, interval=0.0005, timeout=0.3)
    assert (found.received, found.lost) == (50, 0)
    assert found.duplicates > 0


def test_a_short_reply_of_a_liberal_reflector_counts() -> None:
    with peculiar_reflector(lambda _, good: [good[:38]]) as address:
        found = measure(address, packets=20, interval=0.0005, timeout=0.3)
    assert found.lost == 0


def test_nonsense_is_not_taken_for_a_reply() -> None:
    with peculiar_reflector(lambda _, good: [good[:20], b"\xff" * 44]) as address:
        found = measure(address, packets=20, interval=0.0005, timeout=0.2)
    assert (found.received, found.lost) == (0, 20)
    assert not found.refusal


def test_a_closed_port_is_found_out_at_once() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    found = measure(address, packets=1000, interval=0.005, timeout=5)
    assert found.refusal == "Connection refused"
    assert found.received == 0
    assert found.sent < 1000


def test_ipv6_is_measured_as_well() -> None:
    with Reflector("::1") as reflector:
        found = measure(("::1", reflector.address[1]), packets=10, interval=0.001, timeout=1)
    assert found.lost == 0


def test_an_unknown_name_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        measure(("no-such-host.invalid", 862), packets=1, interval=0.1)
