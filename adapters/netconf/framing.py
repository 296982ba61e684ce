"""Messages out of octets: both framings of RFC 6242, as servers in the field send them.

A chunk is a number of octets and may end inside a character, so only whole messages are decoded.
"""

import re

from ncclient.devices.default import DefaultDeviceHandler
from ncclient.transport.errors import NetconfFramingError
from ncclient.transport.session import MSG_DELIM, NetconfBase, Session

MESSAGE_BYTES = 64 * 1024 * 1024
"""A device that sends more without an end of message is cut off."""
_HEADER = re.compile(rb"\n#(?:([1-9][0-9]{0,9})|#)\n")
_BEGINNING = re.compile(rb"(?:\n(?:#(?:#|[1-9][0-9]{0,9})?)?)?\Z")
"""What may still become the header of a chunk."""
_DECLARATION = re.compile(r"\s*(?:<\?xml\b[^>]*\?>)?\s*")


class Handler(DefaultDeviceHandler):  # type: ignore[misc]  # ncclient has no types
    """Has ncclient take messages apart by ``Framing``."""

    def get_xml_parser(self, session: Session) -> "Framing":
        """Return what the session gives all that it reads to."""
        return Framing(session)


class Framing:
    """Takes what a session reads, and gives it whole messages.

    Raises NetconfFramingError for what is no framing, and for a message that does not end.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting = bytearray()
        self._message = bytearray()
        """The octets of the chunks so far."""
        self._looked = 0

    def parse(self, data: bytes) -> None:
        """Take what was read; every message that is whole by that is dispatched."""
        self._waiting += data
        if len(self._waiting) + len(self._message) > MESSAGE_BYTES:
            raise NetconfFramingError("message without end")
        while (message := self._next()) is not None:
            self._session._dispatch_message(text_of(message))

    def _next(self) -> bytes | None:
        chunked = self._session._base == NetconfBase.BASE_11
        return self._next_of_chunks() if chunked else self._next_before_mark()

    def _next_before_mark(self) -> bytes | None:
        """Return what stands before an end-of-message mark (RFC 6242 section 4.3)."""
        end = self._waiting.find(MSG_DELIM, self._looked)
        if end < 0:
            self._looked = max(0, len(self._waiting) - len(MSG_DELIM) + 1)
            return None
        message = bytes(self._waiting[:end])
        del self._waiting[: end + len(MSG_DELIM)]
        self._looked = 0
        return message

    def _next_of_chunks(self) -> bytes | None:
        """Return the octets of the chunks up to the end of chunks (RFC 6242 section 4.2)."""
        while header := _HEADER.match(self._waiting):
            if header[1] is None:
                del self._waiting[: header.end()]
                message, self._message = bytes(self._message), bytearray()
                return message
            end = header.end() + int(header[1])
            if len(self._waiting) < end:
                return None
            self._message += self._waiting[header.end() : end]
            del self._waiting[:end]
        if not _BEGINNING.match(self._waiting):
            raise NetconfFramingError("no header of a chunk where one should be")
        return None


def text_of(message: bytes) -> str:
    """Return a message as text, without what some servers put before it.

    NETCONF is UTF-8 (RFC 6241 section 3). What is not was typed on a device of Latin-1, where every
    octet is a character. The declaration goes, for the text needs none any more.
    """
    try:
        text = message.decode()
    except UnicodeDecodeError:
        text = message.decode("latin-1")
    return text[_DECLARATION.match(text).end() :]  # type: ignore[union-attr]  # matches nothing too
