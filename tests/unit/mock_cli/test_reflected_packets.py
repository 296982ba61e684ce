"""The reflector's packets: RFC 5357 section 4.2.1, RFC 8762 section 4.3."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from mock_devices.ce.twamp import ntp, reply_to

MILLISECOND = 1_000_000


@given(
    number=st.integers(0, 2**32 - 1),
    padding=st.integers(0, 1400),
    received=st.integers(1_700_000_000 * 10**9, 1_900_000_000 * 10**9),
)
def test_a_reply_carries_the_senders_fields_back_in_a_packet_as_long(
    number: int, padding: int, received: int
) -> None:
    packet = struct.pack("!I8sH", number, b"T1T1T1T1", 0x8005) + bytes(padding)
    reply = reply_to(packet, 7, received, 64, received + MILLISECOND)
    assert reply is not None
    assert len(reply) == max(41, len(packet))
    fields = struct.unpack_from("!I8sHH8sI8sHHB", reply)
    assert fields == (
        7,
        ntp(received + MILLISECOND),
        0x8001,
        0,
        ntp(received),
        number,
        b"T1T1T1T1",
        0x8005,
        0,
        64,
    )


def test_times_count_from_1900_in_units_of_two_to_the_minus_32_seconds() -> None:
    assert ntp(0) == struct.pack("!II", 2208988800, 0)
    assert ntp(500_000_000) == struct.pack("!II", 2208988800, 1 << 31)


def test_what_is_too_short_to_be_a_test_packet_is_not_answered() -> None:
    assert reply_to(bytes(13), 0, 0, 64, 0) is None
