"""HTTP/1.1 at the socket: framing that leaves a doubt is refused, and nobody holds the door.

What RFC 9112 lets a recipient mend is where two recipients come to differ (sections 2.2, 5.2 and
6.3): here it is answered 400, and the connection ends. A client that does not finish what it has
begun is answered 408. How many connections there may be is bounded, for one address and in all.
"""

import json
import re
from asyncio import BaseTransport, TimerHandle, Transport
from http import HTTPStatus
from typing import Any, cast

import h11
from prometheus_client import Counter
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_BYTES = 16 * 1024
"""Largest request line with headers."""

TOO_MANY = Counter(
    "rom_http_connections_refused", "Connections refused because there are too many", ["bound"]
)
MALFORMED = Counter("rom_http_malformed", "Requests refused before they were read", ["status"])

# A CR or LF that ends no line, and a header that goes on in the next line (obs-fold).
_LOOSE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\n[ \t]")


class Door(H11Protocol):
    """uvicorn's protocol with strict framing, time limits and bounds on connections."""

    most = 512
    """Most connections in all."""
    most_of_address = 256
    """Most connections of one address."""
    head_seconds = 20.0
    """Longest a request line with headers may take, or a body that nobody reads any more."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = _StrictConnection(h11.SERVER, HEAD_BYTES)
        self._limit: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(cast(Transport, transport))
        bound = self._exceeded()
        if bound is None:
            self._limit = self.loop.call_later(self.head_seconds, self._too_slow)
            return
        TOO_MANY.labels(bound).inc()
        self._refuse(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "tooManyConnections",
            "connections: too many are open",
            "Close some, or come back later",
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes; those behind a refusal are dropped."""
        if not self.transport.is_closing():
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        """Go on with the connection's next request."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._set_no_limit()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be read."""
        error = self.conn.refused if isinstance(self.conn, _StrictConnection) else None
        status = HTTPStatus(error.error_status_hint if error else HTTPStatus.BAD_REQUEST)
        MALFORMED.labels(status.value).inc()
        reason = str(error) if isinstance(error, _Loose) else f"request: {msg}"
        self._refuse(status, "malformedRequest", reason, "Send a request as RFC 9112 says")

    def _exceeded(self) -> str | None:
        others = [
            other
            for other in self.connections
            if isinstance(other, Door) and other is not self and not other.transport.is_closing()
        ]
        if len(others) >= self.most:
            return "all"
        address = self.client and self.client[0]
        same = sum(1 for other in others if other.client and other.client[0] == address)
        return "address" if same >= self.most_of_address else None

    def _watch(self) -> None:
        """Limit how long the client may take for what it has begun and we wait for."""
        begun = bool(self.conn.trailing_data[0]) or self.conn.our_state is h11.DONE
        waiting = self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and self.conn.our_state in (
            h11.IDLE,
            h11.DONE,
        )
        if not waiting or self.transport.is_closing():
            self._set_no_limit()
        elif begun and self._limit is None:
            self._limit = self.loop.call_later(self.head_seconds, self._too_slow)

    def _set_no_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _too_slow(self) -> None:
        self._limit = None
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            MALFORMED.labels(HTTPStatus.REQUEST_TIMEOUT.value).inc()
            reason = f"headers: not complete within {self.head_seconds:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "headersTooSlow", reason, "Send them at once")
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, code: str, reason: str, message: str) -> None:
        """Answer with the TM Forum error body, as far as nothing has been answered, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # what is under way finds that nobody listens
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            error = {"code": code, "reason": reason, "message": message}
            body = json.dumps({**error, "status": str(status.value), "@type": "Error"}).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            if status is HTTPStatus.SERVICE_UNAVAILABLE:
                headers.append(("retry-after", "5"))
            for event in (
                h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def door(most: int, most_of_address: int) -> type[Door]:
    """Return the protocol for a server with these bounds."""
    return type("BoundedDoor", (Door,), {"most": most, "most_of_address": most_of_address})


class _Loose(h11.RemoteProtocolError):
    """A head that RFC 9112 lets a recipient mend, or that is too large; the text says what."""


class _StrictConnection(h11.Connection):
    """h11's connection, which mends nothing."""

    refused: h11.RemoteProtocolError | None = None

    def next_event(self) -> Any:
        """Return as h11 does; raises ``RemoteProtocolError``, which ``refused`` keeps."""
        try:
            if self.their_state is not h11.IDLE:
                return super().next_event()
            before, _ = self.trailing_data
            event = super().next_event()
            if isinstance(event, h11.Request):
                after, _ = self.trailing_data
                _check(event, before[: len(before) - len(after)])
        except h11.RemoteProtocolError as error:
            self.refused = error
            raise
        return event


def _check(request: h11.Request, head: bytes) -> None:
    if len(head) > HEAD_BYTES:
        raise _Loose(f"headers: larger than {HEAD_BYTES} bytes", 431)
    if _LOOSE.search(head):
        raise _Loose("headers: a line does not end with CR LF, or is folded")
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" not in names:
        return
    if b"content-length" in names:
        raise _Loose("headers: both Content-Length and Transfer-Encoding")
    if request.http_version < b"1.1":
        raise _Loose("headers: Transfer-Encoding in HTTP/1.0")
