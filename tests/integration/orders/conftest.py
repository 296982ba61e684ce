"""The order side of the engine on a real database, with devices that are answers."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

import api
from rom.catalog.loader import load_catalog
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.cancel.runner import CancelRunner
from rom.orders.documents import API_PATH, OrderDocuments
from rom.orders.fallout import Fallout
from rom.orders.intake import Intake
from rom.orders.patch.amendment import Amendments
from rom.orders.patch.replanning import Replanner
from rom.store.embedded import EmbeddedPostgres
from rom.store.tables import metadata
from rom.undo.compensation import Compensation
from rom.vault.vault import Vault
from tests.databases import stocked_database
from tests.integration.fulfilment.conftest import Engine, engine_at, rom

__all__ = ["rom"]

EXAMPLES = Path(api.__file__).parent / "examples"
BASE_URL = f"http://127.0.0.1:1{API_PATH}"


@dataclass
class Northbound:
    """What SOM and NOC ask for, and shorthands for what tests do with it."""

    rom: Engine
    woken: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        engine, transitions = self.rom.engine, self.rom.transitions
        catalog = load_catalog()
        documents = OrderDocuments(catalog, "http://127.0.0.1:1")
        vault = Vault(engine, SecretStr("k" * 40), "http://127.0.0.1:1")
        compensation = Compensation(self.rom.targets, vault, catalog)
        self.intake = Intake(engine, catalog, documents, transitions, self.woken.append)
        self.cancellations = Cancellations(engine, transitions, BASE_URL, self.woken.append)
        self.runner = CancelRunner(engine, catalog, transitions, compensation, BASE_URL)
        wakes = (self.woken.append, self.devices.append)
        self.fallout = Fallout(engine, catalog, documents, transitions, self.cancellations, *wakes)
        replanner = Replanner(catalog, transitions, compensation)
        self.amendments = Amendments(
            engine, documents, transitions, replanner, self.cancellations, self.fallout, *wakes
        )

    def post(self, document: Any, **others: Any) -> str:
        order_id: str = self.intake.take(document, **others).document["id"]
        return order_id

    def cancel(self, order_id: str, **others: Any) -> str:
        task = self.cancellations.request({"resourceOrder": {"id": order_id}, **others})
        assert task["state"] == "acknowledged"
        return str(task["id"])

    def order(self, order_id: str) -> sa.Row[Any]:
        return self.row("SELECT * FROM resource_order WHERE id = :id", id=order_id)

    def row(self, text: str, **values: Any) -> sa.Row[Any]:
        (row,) = self.rows(text, **values)
        return row

    def rows(self, text: str, **values: Any) -> list[sa.Row[Any]]:
        with self.rom.engine.connect() as connection:
            return list(connection.execute(sa.text(text), values))

    def events(self, order_id: str) -> list[tuple[str, str | None]]:
        """Each event's type, and the state of what it is about."""
        rows = self.rows(
            "SELECT event_type, payload FROM event_outbox WHERE order_id = :id ORDER BY sequence",
            id=order_id,
        )
        found = []
        for row in rows:
            about = row.payload["event"]
            subject = next(
                about[name]
                for name in ("resourceOrderItem", "cancelResourceOrder", "resourceOrder")
                if name in about
            )
            found.append((row.event_type, subject.get("state")))
        return found

    def holdings(self, site: str) -> list[str]:
        rows = self.rows("SELECT name FROM reservation WHERE site = :site ORDER BY name", site=site)
        return [row.name for row in rows]


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a database of this test's own with the shipped inventory."""
    with stocked_database(postgres_server) as url:
        yield url


@pytest.fixture
def north(rom: Engine) -> Northbound:
    return Northbound(rom)


@pytest.fixture
def pilot() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "so-pilot-melbourne.json").read_text())
    return found


def cut(document: dict[str, Any], *kept: str) -> dict[str, Any]:
    """Return the order with these items only, independent of each other."""
    found = copy.deepcopy(document)
    found["orderItem"] = [item for item in found["orderItem"] if item["id"] in kept]
    for item in found["orderItem"]:
        item.pop("orderItemRelationship", None)
    return found


@pytest.fixture
def only() -> Any:
    return cut


@pytest.fixture
def states(states_database: Any) -> Any:
    """One order of one item that has just come, whose states the test writes as it likes."""
    north, order_id, restoring = states_database
    with north.rom.engine.begin() as connection:
        connection.exec_driver_sql(restoring)
    return north, order_id


def kept_tables(engine: sa.Engine) -> str:
    """Copy every table as it is now; returns the statements that bring all of them back."""
    restoring = ["SET LOCAL session_replication_role = replica"]
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA kept")
        for table in metadata.sorted_tables:
            copy = f"kept.{table.name}"
            connection.exec_driver_sql(f"CREATE TABLE {copy} AS TABLE {table.name}")
            restoring += [
                f"DELETE FROM {table.name}",  # noqa: S608 - our own tables
                f"INSERT INTO {table.name} OVERRIDING SYSTEM VALUE TABLE {copy}",
            ]
    return "; ".join(restoring)


@pytest.fixture(scope="module")
def states_database(postgres_server: EmbeddedPostgres, tmp_path_factory: Any) -> Iterator[Any]:
    """The order for a whole module, with a copy of all that it begins with."""
    with (
        stocked_database(postgres_server) as url,
        engine_at(url, tmp_path_factory.mktemp("states")) as rom,
    ):
        north = Northbound(rom)
        document = json.loads((EXAMPLES / "so-pilot-melbourne.json").read_text())
        order_id = north.post(cut(document, "ROI-001"))
        yield north, order_id, kept_tables(rom.engine)
