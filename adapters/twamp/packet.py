"""Test packets of STAMP (RFC 8762 section 4) and TWAMP (RFC 5357 section 4), unauthenticated.

Times are nanoseconds since the Unix epoch; on the wire they are 64-bit NTP timestamps (RFC 5905
section 6), whose unit is 2^-32 s.
"""

import struct
from dataclasses import dataclass

NTP_TO_UNIX_SECONDS = 2_208_988_800
SENDER_BYTES = 44
"""Length of a STAMP base test packet."""
SHORTEST_REQUEST = 14
SHORTEST_REPLY = 36
"""Some reflectors leave out what follows the sender's error estimate."""
REPLY_BYTES = 41
SENDER_TTL = 255

ERROR_ESTIMATE = 0x1601
"""Not synchronised (S = 0), NTP format, 1 * 2^(22-32) s: about a millisecond. The multiplier
must not be 0 (RFC 4656 section 4.1.2)."""

_REQUEST = struct.Struct("!IQH")
_REPLY = struct.Struct("!IQHxxQIQHxxBxxx")
_SHORT_REPLY = struct.Struct("!IQHxxQIQ")
_ERA_SECONDS = 1 << 32


@dataclass(frozen=True, slots=True)
class Request:
    """What a reflector reads of a sender's packet."""

    sequence: int
    sent_ns: int
    error_estimate: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a sender reads of a reflected packet."""

    sequence: int
    """The reflector's number; stateless reflectors repeat the sender's."""
    sender_sequence: int
    sent_ns: int
    received_ns: int
    returned_ns: int
    error_estimate: int

    def round_trip_ns(self, arrived_ns: int) -> int:
        """Return (T4 - T1) - (T3 - T2), free of the reflector's own time and clock offset."""
        return (arrived_ns - self.sent_ns) - (self.returned_ns - self.received_ns)


def ntp_timestamp(unix_ns: int) -> int:
    """Return the NTP timestamp of ``unix_ns``; eras wrap (RFC 5905 section 6)."""
    seconds, rest = divmod(unix_ns, 1_000_000_000)
    # Rounded up, so that reading it back returns the very nanosecond.
    fraction = -(-(rest << 32) // 1_000_000_000)
    return ((seconds + NTP_TO_UNIX_SECONDS) % _ERA_SECONDS) << 32 | fraction


def unix_ns(timestamp: int) -> int:
    """Return the Unix time of an NTP timestamp, in the eras that span 1970 to 2104."""
    seconds = (timestamp >> 32) - NTP_TO_UNIX_SECONDS
    if seconds < 0:
        seconds += _ERA_SECONDS
    return seconds * 1_000_000_000 + ((timestamp & 0xFFFFFFFF) * 1_000_000_000 >> 32)


def request(sequence: int, sent_ns: int, size: int = SENDER_BYTES) -> bytes:
    """Return a sender's packet of ``size`` bytes, at least 14."""
    head = _REQUEST.pack(sequence & 0xFFFFFFFF, ntp_timestamp(sent_ns), ERROR_ESTIMATE)
    return head.ljust(size, b"\0")


def parse_request(data: bytes) -> Request | None:
    """Return what ``data`` asks, ``None`` when it is too short to be a test packet."""
    if len(data) < SHORTEST_REQUEST:
        return None
    sequence, sent, error = _REQUEST.unpack_from(data)
    return Request(sequence, unix_ns(sent), error)


def reply(
    sequence: int, asked: Request, received_ns: int, returned_ns: int, size: int, ttl: int = 255
) -> bytes:
    """Return a reflector's packet as long as the request where that is possible (at least 41)."""
    data = _REPLY.pack(
        sequence & 0xFFFFFFFF,
        ntp_timestamp(returned_ns),
        ERROR_ESTIMATE,
        ntp_timestamp(received_ns),
        asked.sequence,
        ntp_timestamp(asked.sent_ns),
        asked.error_estimate,
        ttl,
    )
    return data[:REPLY_BYTES].ljust(size, b"\0")


def parse_reply(data: bytes) -> Reply | None:
    """Return what ``data`` reports, ``None`` when it is too short to be a reflected packet."""
    if len(data) < SHORTEST_REPLY:
        return None
    sequence, returned, error, received, sender_sequence, sent = _SHORT_REPLY.unpack_from(data)
    return Reply(
        sequence, sender_sequence, unix_ns(sent), unix_ns(received), unix_ns(returned), error
    )
