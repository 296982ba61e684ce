"""NETCONF over SSH framing (RFC 6242 section 4): end-of-message marker and chunks.

A reader takes bytes as they come, in pieces of any size, and yields whole messages.
"""

import re
from collections.abc import Iterator

END_OF_MESSAGE = b"]]>]]>"
MAX_CHUNK = 4_294_967_295
_HEADER = re.compile(rb"\n#([1-9][0-9]{0,9}|#)\n")
_HEADER_LONGEST = 13


class FramingError(Exception):
    """The peer's bytes are no valid framing, or a message is larger than allowed."""


class FrameReader:
    """Splits a byte stream into messages; starts with end-of-message framing, as hello does."""

    def __init__(self, largest_message: int = 64 * 1024 * 1024) -> None:
        self.chunked = False
        self._largest = largest_message
        self._buffer = bytearray()
        self._message = bytearray()
        self._missing = 0
        self._scanned = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield every message that ``data`` completes.

        Framing may be switched between two messages by setting ``chunked``: what is buffered is
        then read by the new rules. Raises ``FramingError``.
        """
        self._buffer += data
        while True:
            message = self._next_chunked() if self.chunked else self._next_marked()
            if len(self._message) + len(self._buffer) > self._largest:
                raise FramingError("message larger than allowed")
            if message is None:
                return
            yield message

    def _next_marked(self) -> bytes | None:
        end = self._buffer.find(END_OF_MESSAGE, max(0, self._scanned - len(END_OF_MESSAGE)))
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[: end + len(END_OF_MESSAGE)]
        self._scanned = 0
        return message

    def _next_chunked(self) -> bytes | None:
        while True:
            if self._missing:
                part = self._buffer[: self._missing]
                self._message += part
                self._missing -= len(part)
                del self._buffer[: len(part)]
                if self._missing:
                    return None
            header = _HEADER.match(self._buffer)
            if header is None:
                self._check_partial_header()
                return None
            size, end = header[1], header.end()
            del header, self._buffer[:end]
            if size == b"#":
                if not self._message:
                    raise FramingError("end of chunks without a chunk")
                message = bytes(self._message)
                self._message.clear()
                return message
            self._missing = int(size)
            if self._missing > min(MAX_CHUNK, self._largest):
                raise FramingError("chunk larger than allowed")

    def _check_partial_header(self) -> None:
        start = bytes(self._buffer[: _HEADER_LONGEST + 1])
        if len(start) > _HEADER_LONGEST or not re.fullmatch(
            rb"|\n|\n#|\n##|\n#[1-9][0-9]{0,9}", start
        ):
            raise FramingError("chunk header expected")


def framed(message: bytes, *, chunked: bool, size: int = 0) -> bytes:
    """Return the message ready to be sent, in chunks of ``size`` octets, or in one."""
    if not chunked:
        return message + END_OF_MESSAGE
    size = size or len(message)
    chunks = (message[start : start + size] for start in range(0, len(message), size))
    return b"".join(b"\n#%d\n%s" % (len(chunk), chunk) for chunk in chunks) + b"\n##\n"
