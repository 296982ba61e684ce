"""Two gateways on one PostgreSQL, either of which may be killed or stopped at any moment."""

import itertools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from api.serving.child import Child
from api.serving.claim import ADDRESS_FILE
from rom.store.embedded import EmbeddedPostgres
from tests.faults.network import MASTER_KEY, Gateway, Lab, a_place, inventory_file

LEASE_SECONDS = 5
BUSINESS = range(200, 500)
"""Statuses that a gateway decides on; anything else is asked again."""
LINKS = ("10.88.15.0/24", "10.88.16.0/24")


class Replica(Gateway):
    """One of the two; they share the database and the address that routers know."""

    def __init__(self, place: Path, lab: Lab, database: str, public: "Replica | None") -> None:
        place.mkdir(mode=0o711)
        super().__init__(place, lab, place)
        self.engine.dispose()
        self.engine = sa.create_engine(database, poolclass=sa.NullPool)
        self.environment = {
            "ROM_DATABASE_URL": database,
            "ROM_PUBLIC_URL": (public or self).url,
            "ROM_LAB_READY_FILE": str(lab.ready_file),
            "ROM_MASTER_KEY": MASTER_KEY,
            "ROM_RETRY_SECONDS": "0.6",
            "ROM_LEASE_SECONDS": str(LEASE_SECONDS),
            "ROM_CONFIRM_SECONDS": "10",
            "ROM_TWAMP_PACKETS": "1000",
            "ROM_TWAMP_INTERVAL": "0.0002",
        }

    def begin(self, *words: str) -> None:
        """Start and do not wait."""
        (self.place / ADDRESS_FILE).unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "api.cli", "serve", "--port", str(self.port),
            "--data-dir", str(self.place), *words,
        ]  # fmt: skip
        self.child = Child(command, self.place / "serve.log", self.environment)

    def takes_orders(self) -> bool:
        """Tell whether it has started wholly."""
        assert self.child is not None
        assert self.child.exit_code is None, self.child.last_words()
        return (self.place / ADDRESS_FILE).exists()

    def signal(self, number: int) -> None:
        assert self.child is not None
        os.kill(self.child.pid, number)

    def kill(self) -> None:
        """Kill it at once; what it has left is not tidied up."""
        self.signal(signal.SIGKILL)
        assert self.child is not None
        self.child.stop(5)


class Pair:
    """What clients see: one service, of which some replica answers at last."""

    def __init__(self, replicas: tuple[Replica, Replica]) -> None:
        self.replicas = replicas
        self._turn = itertools.count()
        self._mine = threading.local()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the first answer that decides something, asked of one after the other.

        A request may have been served though no answer came, as with any service.
        """
        pause = threading.Event()
        while True:
            replica = self.replicas[next(self._turn) % 2]
            try:
                answer = self._client().request(method, f"{replica.url}{path}", **request)
            except httpx.HTTPError:
                pause.wait(0.1)
                continue
            if answer.status_code in BUSINESS:
                return answer
            assert answer.status_code in (503, 504), answer.text
            pause.wait(0.1)

    def _client(self) -> httpx.Client:
        if not hasattr(self._mine, "client"):
            # A stopped replica takes connections and says nothing.
            self._mine.client = httpx.Client(timeout=httpx.Timeout(4), trust_env=False)
        client: httpx.Client = self._mine.client
        return client


@contextmanager
def two_gateways() -> Iterator[Pair]:
    """Run a lab, a durable PostgreSQL and two gateways; all are stopped in the end."""
    with a_place() as place, EmbeddedPostgres(place / "database") as database:
        state = place / "lab"
        state.mkdir(mode=0o700)
        lab = Lab(state, "enterprise-fibre", 0.2)
        first = Replica(place / "first", lab, database.url, None)
        second = Replica(place / "second", lab, database.url, first)
        file = inventory_file(place, brisbane_links=LINKS)
        try:
            first.begin("--inventory", str(file))
            yield Pair((first, second))
        finally:
            for replica in (first, second):
                if replica.child is not None:
                    replica.signal(signal.SIGCONT)
                    replica.child.stop(30)
                replica.http.close()
            lab.stop()
