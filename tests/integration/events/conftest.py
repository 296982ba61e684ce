"""A migrated database, listeners on real sockets, and gateways that deliver to them."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from inventory import tables as inventory
from rom.events.service import Events
from rom.settings import Settings
from rom.store import outbox
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.store.event_tables import hub_subscription
from rom.store.tables import event_outbox, resource_order
from rom.vault.vault import Vault
from tests.databases import fresh_database

PATIENCE = 30.0
KEY = SecretStr("k" * 40)
QUICK: dict[str, Any] = {
    "callback_allow": "127.0.0.0/8",
    "callback_http": True,
    "event_timeout_seconds": 1.0,
    "event_backoff_seconds": 0.1,
    "event_backoff_most_seconds": 0.3,
}


@dataclass
class Taken:
    """One request a listener has got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """A listener; ``answer`` is its status, or is asked for one per event and may take its time."""

    def __init__(self, answer: int | Callable[[dict[str, Any]], int] = 201, port: int = 0) -> None:
        self.answer = answer
        self.taken: list[Taken] = []
        self.seen = 0
        """Requests begun, answered well or not."""
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.callback = f"http://127.0.0.1:{self.port}/events"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, condition: Callable[["Receiver"], bool], seconds: float = PATIENCE) -> None:
        with self._news:
            assert self._news.wait_for(lambda: condition(self), seconds), (self.seen, self.events)

    @property
    def events(self) -> list[tuple[str, int]]:
        return [(each.event["correlationId"], each.event["priority"]) for each in self.taken]

    def streams(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for stream, number in self.events:
            found[stream].append(number)
        return found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taken = Taken(self.path, dict(self.headers), body)
                with receiver._news:
                    receiver.seen += 1
                    receiver._news.notify_all()
                answer = receiver.answer
                status = answer if isinstance(answer, int) else answer(taken.event)
                if 200 <= status < 300:
                    with receiver._news:
                        receiver.taken.append(taken)
                        receiver._news.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture(scope="session")
def events_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """One database for the area; making a schema takes longer than most tests."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def engine(events_database: str) -> Iterator[sa.Engine]:
    """An engine on empty tables."""
    found = make_engine(events_database)
    yield found
    with found.begin() as connection:
        tables = (hub_subscription, event_outbox, resource_order, *inventory.metadata.sorted_tables)
        names = ", ".join(table.name for table in tables)
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    found.dispose()


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    with ExitStack() as stack:

        def make(*arguments: Any, **options: Any) -> Receiver:
            made = Receiver(*arguments, **options)
            stack.callback(made.close)
            return made

        yield make


Gateway = Callable[..., AbstractContextManager[Events]]


@pytest.fixture
def gateway(engine: sa.Engine) -> Gateway:
    """Something that delivers while its block runs, as one gateway of maybe several."""

    @contextmanager
    def running(**options: Any) -> Iterator[Events]:
        settings = Settings(**(QUICK | options))
        events = Events(engine, Vault(engine, KEY), settings, settings.base_url)
        events.start()
        try:
            yield events
        finally:
            events.stop()

    return running


def event_of(stream: str, number: int, **more: Any) -> dict[str, Any]:
    """Return a notification about an order; ``number`` counts them."""
    return {
        "eventId": f"{stream}/{number}",
        "eventTime": "2026-11-21T10:00:00.000Z",
        "eventType": "ResourceOrderStateChangeEvent",
        "correlationId": stream,
        "priority": number,
        "event": {"resourceOrder": {"id": stream, "state": "inProgress"}},
    } | more


@pytest.fixture
def tell(engine: sa.Engine) -> Callable[..., None]:
    """Write an order's events, each in a transaction of its own."""

    def write(stream: str, *numbers: int, **more: Any) -> None:
        for number in numbers:
            with engine.begin() as connection:
                outbox.emit(connection, stream, event_of(stream, number, **more))

    return write
