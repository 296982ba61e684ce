"""A whole gateway with the simulated lab, as processes, reached over HTTP only."""

import json
import os
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa

import api
from api.serving.scratch import gateway_process
from rom.model.order_states import FINAL_ORDER_STATES
from rom.store.database import make_engine
from rom.store.tables import effect, secret
from rom.vault.master_key import KEY_FILE, read_key
from rom.vault.vault import Vault

EXAMPLES = Path(api.__file__).parent / "examples"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
HUB = "/tmf-api/resourceOrdering/v4/hub"
Document = dict[str, Any]


class Som:
    """A service order manager: it posts orders and follows them by their events."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def post(self, name: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        body = (EXAMPLES / name).read_bytes()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self.http.post(ORDERS, content=body, headers=sent)

    def order(self, name: str) -> str:
        taken = self.post(name)
        assert taken.status_code == 201, taken.text
        assert taken.headers["Location"] == taken.json()["href"]
        return str(taken.json()["id"])

    def read(self, path: str, **query: str | int) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code in {200, 206}, answer.text
        return answer.json()

    def follow(self, order_id: str, reached: Callable[[Document], bool]) -> Document:
        """Wait, event by event, until the order is as wanted; return it."""
        after = 0
        while True:
            order: Document = self.read(f"{ORDERS}/{order_id}")
            if reached(order):
                return order
            assert order["state"] not in FINAL_ORDER_STATES, order
            events = self.read(f"/rom/v1/orders/{order_id}/events", after=after, wait=25)
            after = max([after, *(event["sequence"] for event in events)])

    def completed(self, order_id: str) -> Document:
        """Wait until the order is final and return its report."""
        self.follow(order_id, lambda order: order["state"] in FINAL_ORDER_STATES)
        found: Document = self.read(f"/rom/v1/orders/{order_id}/report")
        return found


def secrets_kept(database_url: str, data_dir: Path) -> set[str]:
    """Return the master key and the value of every secret stored, or named by what was sent."""
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection:
            names = set(connection.scalars(sa.select(secret.c.name)))
            sent = connection.scalars(
                sa.select(effect.c.intended).where(effect.c.intended.startswith("secret:"))
            )
            names |= {str(reference).removeprefix("secret:") for reference in sent}
            sites = set(connection.scalars(sa.select(effect.c.site)))
        names |= {f"ztp/{site}" for site in sites}
        key = read_key(data_dir / KEY_FILE)
        vault = Vault(engine, key)
        values = {vault.resolve(name).get_secret_value() for name in names}
    finally:
        engine.dispose()
    return values | {key.get_secret_value()}


def secrets_of_lab(ready_file: Path) -> set[str]:
    """Return every password and token of the lab's ready file."""

    def inside(value: object, name: str = "") -> Iterator[str]:
        if isinstance(value, dict):
            for key, below in value.items():
                yield from inside(below, key)
        elif isinstance(value, str) and any(word in name for word in ("password", "token")):
            yield value
        elif isinstance(value, str) and "://" in value:
            yield urlsplit(value).password or ""

    return set(inside(json.loads(ready_file.read_text())))


def found_in(text: str, values: Collection[str]) -> list[str]:
    """Return the values that the text holds; empty and everyday ones cannot be told from words."""
    return [value for value in values if len(value) >= 8 and value in text]


@pytest.fixture(scope="session")
def make_data_dir() -> Iterator[Callable[[], Path]]:
    places = []

    def make() -> Path:
        place = tempfile.TemporaryDirectory(prefix="rom-acceptance-")
        places.append(place)
        if os.geteuid() == 0:
            Path(place.name).chmod(0o711)  # PostgreSQL runs as another user then
        return Path(place.name)

    yield make
    for place in places:
        place.cleanup()


@pytest.fixture(scope="module")
def data_dir(make_data_dir: Callable[[], Path]) -> Path:
    return make_data_dir()


@pytest.fixture(scope="module")
def url(data_dir: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        # However long a listener has been down: a test can wait for the next attempt.
        patched.setenv("ROM_EVENT_BACKOFF_MOST_SECONDS", "8")
        with gateway_process(data_dir, "enterprise-fibre") as found:
            yield found


@pytest.fixture(scope="module")
def som(url: str) -> Iterator[Som]:
    found = Som(url)
    yield found
    found.http.close()


@pytest.fixture(scope="module")
def dead_port(som: Som) -> Iterator[int]:
    """The port of a listener that is registered and down."""
    with socket.socket() as bound:  # and not listening, so that nobody else takes it
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        hub = {"callback": f"http://127.0.0.1:{port}/events"}
        assert som.http.post(HUB, json=hub).status_code == 201
        yield port


@pytest.fixture(scope="module")
def pilot(som: Som, dead_port: int) -> Document:
    """The report of the pilot order, which has come to its end."""
    return som.completed(som.order("so-pilot-melbourne.json"))


@pytest.fixture(scope="session")
def som_at() -> Callable[[str], Som]:
    return Som


@pytest.fixture(scope="session")
def known_secrets() -> Callable[[str, Path], set[str]]:
    return secrets_kept


@pytest.fixture(scope="session")
def lab_secrets() -> Callable[[Path], set[str]]:
    return secrets_of_lab


@pytest.fixture(scope="session")
def leaks() -> Callable[[str, Collection[str]], list[str]]:
    return found_in
