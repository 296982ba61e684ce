from hypothesis import given
from hypothesis import strategies as st

from adapters.twamp import packet

moments = st.integers(0, 4_000_000_000 * 1_000_000_000)
sequences = st.integers(0, 2**32 - 1)


@given(moments)
def test_a_time_survives_the_wire_to_the_nanosecond(moment: int) -> None:
    assert packet.unix_ns(packet.ntp_timestamp(moment)) == moment


@given(sequences, moments, st.integers(14, 1400))
def test_a_request_is_as_long_as_asked_and_reads_back(sequence: int, sent: int, size: int) -> None:
    data = packet.request(sequence, sent, size)
    asked = packet.parse_request(data)
    assert len(data) == size
    assert asked is not None
    assert (asked.sequence, asked.sent_ns) == (sequence, sent)


@given(sequences, moments, moments, moments, st.integers(36, 1400))
def test_a_reply_reads_back_however_much_of_its_tail_is_missing(
    sequence: int, sent: int, received: int, returned: int, size: int
) -> None:
    asked = packet.Request(sequence, sent, packet.ERROR_ESTIMATE)
    data = packet.reply(sequence, asked, received, returned, size)[:size]
    answer = packet.parse_reply(data)
    assert answer is not None
    assert answer.sender_sequence == sequence
    assert (answer.sent_ns, answer.received_ns, answer.returned_ns) == (sent, received, returned)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_declined_but_never_break_the_reader(data: bytes) -> None:
    assert (packet.parse_request(data) is None) == (len(data) < 14)
    assert (packet.parse_reply(data) is None) == (len(data) < 36)


@given(moments, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers())
def test_the_round_trip_is_free_of_the_reflectors_clock_and_time(
    sent: int, out: int, inside: int, back: int, offset: int
) -> None:
    received = sent + out + offset
    answer = packet.Reply(1, 1, sent, received, received + inside, packet.ERROR_ESTIMATE)
    assert answer.round_trip_ns(sent + out + inside + back) == out + back


def test_the_request_is_laid_out_as_the_standard_says() -> None:
    data = packet.request(7, 0, 44)
    assert data[:4] == b"\0\0\0\7"
    assert data[4:8] == (2_208_988_800).to_bytes(4, "big")
    assert data[13] != 0, "the error estimate's multiplier must not be 0"
    assert len(data) == 44


def test_the_reply_is_laid_out_as_the_standard_says() -> None:
    asked = packet.Request(9, 1_000_000_000, 0x0101)
    data = packet.reply(3, asked, 2_000_000_000, 3_000_000_000, 41, ttl=254)
    assert len(data) == 41
    assert data[:4] == (3).to_bytes(4, "big")
    assert packet.unix_ns(int.from_bytes(data[4:12], "big")) == 3_000_000_000
    assert packet.unix_ns(int.from_bytes(data[16:24], "big")) == 2_000_000_000
    assert data[24:28] == (9).to_bytes(4, "big")
    assert packet.unix_ns(int.from_bytes(data[28:36], "big")) == 1_000_000_000
    assert data[36:38] == b"\x01\x01"
    assert data[40] == 254
