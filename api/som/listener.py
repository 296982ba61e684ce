"""Receives TM Forum notifications over HTTP, as a SOM's listener does."""

import json
import queue
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Event = dict[str, Any]
_MAX_BYTES = 4 * 1024 * 1024
_PATIENCE_SECONDS = 30


class Listener:
    """A listener on loopback; each event is put into a queue once, however often it comes.

    Its address holds a random token, so that only who was told it can make it believe something.
    """

    def __init__(self) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._path = f"/listener/{secrets.token_urlsafe(16)}"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="listener")

    @property
    def callback(self) -> str:
        """The URL to register at a hub."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{self._path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next(self, seconds: float) -> Event | None:
        """Return the next event; ``None`` when none has come within ``seconds``."""
        try:
            return self._events.get(timeout=max(seconds, 0))
        except queue.Empty:
            return None

    def take(self, body: bytes) -> HTTPStatus:
        """Take one notification as it was posted and return the answer to it."""
        try:
            event = json.loads(body)
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        if not isinstance(event, dict) or not isinstance(event.get("eventId"), str):
            return HTTPStatus.BAD_REQUEST
        with self._lock:
            if event["eventId"] not in self._seen:
                self._seen.add(event["eventId"])
                self._events.put(event)
        return HTTPStatus.NO_CONTENT

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = _PATIENCE_SECONDS

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if self.path != listener._path:
                    self._answer(HTTPStatus.NOT_FOUND)
                elif not (length.isdecimal() and int(length) <= _MAX_BYTES):
                    self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                else:
                    self._answer(listener.take(self.rfile.read(int(length))))

            def _answer(self, status: HTTPStatus) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status >= HTTPStatus.BAD_REQUEST:
                    self.close_connection = True
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: what comes in is shown by who waits for it."""

        return Handler
