"""The framing of RFC 6242, fed in pieces of every size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_devices.netconf.framing import FrameReader, FramingError, framed

pieces = st.lists(st.integers(1, 9), min_size=1)


def fed(reader: FrameReader, data: bytes, sizes: list[int]) -> list[bytes]:
    messages = []
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        messages += reader.feed(data[at : at + size])
        at += size
        turn += 1
    return messages


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=5), pieces, pieces)
def test_chunked_messages_survive_any_split_of_chunks_and_reads(
    messages: list[bytes], chunks: list[int], reads: list[int]
) -> None:
    data = b""
    for message in messages:
        at = turn = 0
        while at < len(message):
            part = message[at : at + chunks[turn % len(chunks)]]
            data += b"\n#%d\n%s" % (len(part), part)
            at += len(part)
            turn += 1
        data += b"\n##\n"
    reader = FrameReader()
    reader.chunked = True
    assert fed(reader, data, reads) == messages


@given(
    st.lists(st.binary(max_size=60).filter(lambda text: b"]" not in text), max_size=5),
    pieces,
)
def test_marked_messages_survive_any_split_of_reads(
    messages: list[bytes], reads: list[int]
) -> None:
    data = b"".join(framed(message, chunked=False) for message in messages)
    assert fed(FrameReader(), data, reads) == messages


def test_the_end_marker_inside_a_chunk_is_data() -> None:
    reader = FrameReader()
    reader.chunked = True
    assert list(reader.feed(framed(b"<a>]]>]]></a>", chunked=True))) == [b"<a>]]>]]></a>"]


def test_framing_changes_right_after_the_hello_even_within_one_read() -> None:
    reader = FrameReader()
    seen = []
    for message in reader.feed(b"hello]]>]]>" + framed(b"rpc", chunked=True)):
        reader.chunked = True
        seen.append(message)
    assert seen == [b"hello", b"rpc"]


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"\n#0\n",
        b"\n#01\nx",
        b"\n#x\n",
        b"\n##\n",
        b"\n#3\nabcd",
        b"\n#4294967296\n",
        b"\n\n",
    ],
)
def test_what_is_no_framing_is_an_error_at_once(data: bytes) -> None:
    reader = FrameReader()
    reader.chunked = True
    with pytest.raises(FramingError):
        list(reader.feed(data))


@pytest.mark.parametrize("chunked", [True, False])
def test_a_message_without_end_is_cut_off(*, chunked: bool) -> None:
    reader = FrameReader(largest_message=100)
    reader.chunked = chunked
    endless = b"\n#10\n0123456789" * 20
    with pytest.raises(FramingError):
        fed(reader, endless, [15])
