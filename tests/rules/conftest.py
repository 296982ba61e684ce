"""Single rules of the core on PostgreSQL: one database for all of them, emptied after each."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

import inventory.tables
import rom.store.access_tables
import rom.store.event_tables
import rom.store.order_tables
import rom.store.tables
from adapters.seam import Session
from device_profiles.folders import VARIABLE
from device_profiles.fragment import Fragment
from device_profiles.tree import Path
from rom.ledger.group import WriterSettings
from rom.ledger.service_check import ServiceCheck
from rom.ledger.writer import DeviceWriter
from rom.model.change import Change, ChangeKind, Policy
from rom.model.effect import SiteState
from rom.store import change_list, changes, effects, intents
from rom.store.catalog_tables import catalog_change
from rom.store.embedded import EmbeddedPostgres
from rom.vault.vault import Vault
from tests.databases import fresh_database
from tests.rules.device import FakeDevice
from tests.rules.kept import Kept
from tests.rules.plant import PLATFORMS, Plant

DEVICE = "OLT-1"
LENT = "ROM_TEST_DATABASES"
"""Environment variable: URLs of databases that runs one after the other may use, by themselves."""
TABLES = [
    table
    for metadata in (inventory.tables.metadata, rom.store.tables.metadata)
    for table in metadata.sorted_tables
    if table not in (catalog_change, rom.store.tables.clock)  # their one row came with the schema
]


def engine_at(url: str) -> sa.Engine:
    return sa.create_engine(url, connect_args={"options": "-c timezone=UTC"})


def empty(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(";".join(str(sa.delete(table)) for table in reversed(TABLES))))


@contextmanager
def lent_database() -> Iterator[str]:
    """Yield one of the databases that are lent; nobody else has it meanwhile."""
    for url in os.environ[LENT].split():
        lock = sa.create_engine(url, poolclass=sa.NullPool)
        with lock.connect() as connection:
            if connection.scalar(sa.text("SELECT pg_try_advisory_lock(1)")):
                yield url
                return
    pytest.fail("more run at once than there are databases lent")


@pytest.fixture(scope="session")
def rules_engine(postgres_server: EmbeddedPostgres) -> Iterator[sa.Engine]:
    with lent_database() if LENT in os.environ else fresh_database(postgres_server) as url:
        made = engine_at(url)
        if LENT in os.environ:
            empty(made)  # whoever had it before may have been stopped
        yield made
        made.dispose()


@pytest.fixture
def engine(rules_engine: sa.Engine) -> Iterator[sa.Engine]:
    yield rules_engine
    empty(rules_engine)


@pytest.fixture
def abroad(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The gateway's machine has another time zone than its database."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Australia/Sydney")
        time.tzset()
        yield
    time.tzset()


@dataclass
class Bench:
    """A writer with one device, and shorthands for what rules are told by."""

    engine: sa.Engine
    device: FakeDevice = field(default_factory=FakeDevice)
    service_check: ServiceCheck | None = None

    @property
    def vault(self) -> Vault:
        return Vault(self.engine, SecretStr("k" * 40))

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        yield self.device

    def want(
        self,
        site: str,
        fragment: Fragment,
        kind: ChangeKind = ChangeKind.APPLY,
        policy: Policy = Policy.APPLY,
        order: str | None = None,
    ) -> int:
        """Ask for what a site is to have; returns the change's number."""
        with self.engine.begin() as connection:
            intents.keep(
                connection,
                device=DEVICE,
                site=site,
                role="access",
                fragments={"bearer": fragment} if fragment.own or fragment.shared else {},
            )
            return changes.request(
                connection, device=DEVICE, site=site, kind=kind, policy=policy, order_id=order
            )

    def write(self) -> set[str]:
        """Let the writer run until nothing waits; returns the sites it decided something for."""
        settings = WriterSettings("rules", 30, 120, 64, 0.001)
        return DeviceWriter(self.engine, self, settings, self.vault, self.service_check).run(DEVICE)

    def change(self, number: int) -> Change:
        with self.engine.connect() as connection:
            (found,) = change_list.of_numbers(connection, [number])
            return found

    def states(self, numbers: Mapping[str, int]) -> dict[str, str]:
        return {site: self.change(number).state.value for site, number in numbers.items()}

    def ledger(self, site: str, *roots: Path) -> SiteState:
        with self.engine.connect() as connection:
            return effects.site_states(connection, DEVICE, {site: roots})[site]

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            done = connection.execute(sa.text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []

    @property
    def transactions(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT state FROM device_txn ORDER BY started_at")]

    def parts(self) -> dict[str, tuple[str, str | None, str | None]]:
        """By site: the outcome, verdict and error of its latest transaction."""
        return {
            row[0]: (row[1], row[2], row[3])
            for row in self.rows(
                "SELECT site, outcome, verdict, txn_site.error FROM txn_site "
                "JOIN device_txn ON id = txn ORDER BY started_at"
            )
        }


@pytest.fixture
def bench(engine: sa.Engine) -> Bench:
    return Bench(engine)


@pytest.fixture(scope="session")
def kept(rules_engine: sa.Engine) -> Kept:
    return Kept(rules_engine, TABLES)


@pytest.fixture
def plant(engine: sa.Engine, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Plant:
    monkeypatch.setenv(VARIABLE, str(PLATFORMS))
    return Plant(engine, kept)
