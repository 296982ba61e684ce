"""The engine on a real database, with devices that are answers by the name of a check."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
import yaml
from pydantic import SecretStr

import api
import inventory
from adapters.errors import AdapterError
from adapters.fleet import Fleet
from adapters.seam import Session
from device_profiles.profile import load_profile
from inventory.load import load_file
from rom.catalog.loader import Catalog, load_catalog
from rom.devices.directory import DeviceDirectory
from rom.fulfilment.fulfiller import Fulfiller, Work
from rom.fulfilment.incidents import Incidents
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.transitions import Transitions
from rom.fulfilment.verifying import ProofSettings, Prover
from rom.orders.documents import OrderDocuments
from rom.orders.validate import validate
from rom.store import order_items, orders
from rom.store.database import make_engine
from rom.store.scope import known_sites
from rom.undo.compensation import Compensation
from rom.vault.vault import Vault

EXAMPLES = Path(api.__file__).parent / "examples"
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"
GOOD = {
    "onu-presence": "bbf-xpon-onu-types:onu-present-and-on-intended-channel-termination",
    "detected-serial": "ALCLFA3B91C2",
    "v-ani-oper-status": "up",
}


@dataclass
class Devices:
    """What every device answers; an error is raised instead."""

    answers: dict[str, str | None] = field(default_factory=lambda: dict(GOOD))
    error: AdapterError | None = None
    looks: int = 0

    def probe(self, asked: Any) -> Mapping[str, str | None]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return {query.name: self.answers.get(query.name, "up") for query in asked}


class StubTargets(DeviceDirectory):
    """Finds targets as ever, but opens the stub; ``real`` opens what inventory says."""

    devices: Devices
    real = False

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        if self.real:
            with super().open(device, site) as session:
                yield session
        else:
            yield cast(Session, self.devices)


@dataclass
class Engine:
    """The fulfiller and shorthands for what tests do with it."""

    engine: sa.Engine
    targets: StubTargets
    transitions: Transitions
    fulfiller: Fulfiller
    place: Path
    catalog: Catalog

    @property
    def devices(self) -> Devices:
        return self.targets.devices

    def order(self, name: str, *kept: str, **places: str) -> str:
        """Insert a shipped order, cut down to the items of these specifications."""
        document = json.loads((EXAMPLES / f"{name}.json").read_text())
        items = []
        for item in document["orderItem"]:
            if kept and item["resourceSpecification"]["id"] not in kept:
                continue
            if kept:
                item.pop("orderItemRelationship", None)
            if "site" in places:
                item["resource"]["place"]["id"] = places["site"]
            items.append(item)
        document["orderItem"] = items
        return self.insert(document)

    def insert(self, document: Any) -> str:
        with self.engine.begin() as connection:
            new = validate(document, self.catalog, partial(known_sites, connection))
            return orders.insert_order(connection, new)

    def run(self, site: str) -> Work:
        return self.fulfiller.run(site)

    def write(self, key: str = "%") -> None:
        """Do what the writers do, with devices that hold everything at once."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE change SET state = 'done', finished_at = now() "
                    "WHERE state IN ('waiting', 'blocked') AND (item_id IS NULL OR item_id IN "
                    "(SELECT item_id FROM order_item WHERE key LIKE :key))"
                ),
                {"key": key},
            )

    def item(self, order_id: str, item_id: str = "ROI-001") -> sa.Row[Any]:
        with self.engine.connect() as connection:
            (row,) = [
                row
                for row in order_items.items_of_orders(connection, [order_id])
                if row.item_id == item_id
            ]
            return row

    def notes(self, order_id: str) -> list[str]:
        with self.engine.connect() as connection:
            return [row.text for row in orders.notes_of_orders(connection, [order_id])]

    def do(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def load(self, change: Any) -> None:
        """Load the shipped inventory as ``change`` leaves it."""
        document = yaml.safe_load(INVENTORY.read_text())
        change({pool["name"]: pool for pool in document["pools"]})
        file = self.place / "inventory.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        with self.engine.begin() as connection:
            load_file(connection, file)


@contextmanager
def engine_at(database_url: str, place: Path, catalog_dir: Path | None = None) -> Iterator[Engine]:
    """Put the fulfiller together over the database at this URL."""
    engine = make_engine(database_url)
    vault = Vault(engine, SecretStr("k" * 40), "http://127.0.0.1:1")
    fleet = Fleet(load_profile, vault.resolve)
    catalog = load_catalog(catalog_dir)
    transitions = Transitions(OrderDocuments(catalog, "http://127.0.0.1:1"))
    targets = StubTargets(engine, fleet, vault)
    targets.devices = Devices()
    settings = ProofSettings(retry_seconds=0.0, twamp_packets=3000, twamp_interval=0.0002)
    fulfiller = Fulfiller(
        engine,
        catalog,
        SiteHandler(transitions, targets, Compensation(targets, vault, catalog), 0.0),
        Prover(engine, transitions, targets, settings),
        lambda site: f"http://127.0.0.1:1/ztp/v1/{site}/ztp.py",
        Incidents(engine, transitions, 0.0),
    )
    yield Engine(engine, targets, transitions, fulfiller, place, catalog)
    fleet.close()
    engine.dispose()


@pytest.fixture
def rom(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    with engine_at(database_url, tmp_path) as found:
        yield found
