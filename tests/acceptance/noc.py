"""What engineers do to a network in service: over HTTP, with ``rom``, and by hand."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from click.testing import Result
from ncclient import manager
from pydantic import SecretStr

from adapters.fleet import Fleet
from adapters.seam import ApplyMode, Session, SiteEdits
from device_profiles.profile import load_profile
from device_profiles.tree import Edit
from rom.devices.directory import DeviceDirectory
from rom.vault.vault import Vault
from tests.faults.network import MASTER_KEY, ORDERS, Gateway, network, order

RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
FINAL = ("done", "terminatedWithError")
PILOT, SYDNEY = "ENT-1102-MELB", "ENT-1102-SYD2"
FIRST, SECOND = "ENT-1102-BNE1", "ENT-1102-BNE2"
Document = dict[str, Any]


def brisbane(site: str) -> Document:
    document = order("so-wave2-brisbane")
    document["orderItem"] = [
        item for item in document["orderItem"] if item["resource"]["place"]["id"] == site
    ]
    return document


def only(document: Document, *specifications: str) -> Document:
    """The order with its items of these specifications alone."""
    document["orderItem"] = [
        item
        for item in document["orderItem"]
        if item["resourceSpecification"]["id"].removeprefix("RFS:") in specifications
    ]
    for item in document["orderItem"]:
        item.pop("orderItemRelationship", None)
    return document


def without(document: Document, *specifications: str) -> Document:
    """The order without its items of these specifications."""
    names = {each["resourceSpecification"]["id"].removeprefix("RFS:") for each in _items(document)}
    return only(document, *(names.difference(specifications)))


def changed(site: str, specification: str, **values: Any) -> Document:
    """A modify of what ``brisbane`` has ordered for a site."""
    document = only(brisbane(site), specification)
    (item,) = _items(document)
    item["action"] = "modify"
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": value} for name, value in values.items()
    ]
    return document


def faster(site: str, speed: str) -> Document:
    """A modify of the rate of a site that ``brisbane`` has ordered."""
    return changed(site, "QoS-Policy", downstream=speed, upstream=speed)


def _items(document: Document) -> list[Document]:
    found: list[Document] = document["orderItem"]
    return found


class Noc:
    """What the night shift has at hand."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.lab = gateway.lab
        self.http = gateway.http
        self.orders: dict[str, str] = {}
        self.devices = sorted(set(self.lab.ready["devices"]) - {"LOG-01"})

    def running(self) -> dict[str, str]:
        return {name: self.lab.running(name) for name in self.devices}

    def whole(self) -> dict[str, str]:
        """What every device holds: the simulated network's, RADIUS rows and routers included."""
        return {
            **self.running(),
            "RADIUS-01": "\n".join(self._radius_rows()),
            **{serial: self._router(serial, site) for serial, site in self._routers().items()},
        }

    def _radius_rows(self) -> list[str]:
        path = self.lab.ready["devices"]["RADIUS-01"]["options"]["path"]
        found = []
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            for table in ("radcheck", "radreply", "radusergroup", "radgroupreply"):
                for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a constant
                    found.append(f"{table} {[row[name] for name in row.keys()[1:]]}")
        return sorted(found)

    def _routers(self) -> dict[str, str]:
        rows = self.gateway.rows(
            "SELECT DISTINCT device, site FROM site_intent WHERE role = 'ce' ORDER BY device"
        )
        return {row.device: row.site for row in rows}

    def _router(self, serial: str, site: str) -> str:
        with self.typing(serial, site) as session:
            return session.evidence([]).decode()

    @contextmanager
    def typing(self, device: str, site: str) -> Iterator[Session]:
        """A conversation of somebody else's with a device, past the gateway's ledger."""
        vault = Vault(self.gateway.engine, SecretStr(MASTER_KEY))
        fleet = Fleet(load_profile, vault.resolve)
        try:
            with DeviceDirectory(self.gateway.engine, fleet, vault).open(device, site) as session:
                yield session
        finally:
            fleet.close()

    def typed(self, device: str, site: str, *edits: Edit) -> None:
        """Somebody types something on a device of any kind."""
        with self.typing(device, site) as session:
            receipt = session.apply([SiteEdits("by hand", edits)], ApplyMode("by-hand"))
        assert [part.error for part in receipt.sites] == [""]

    def held(self, site: str) -> dict[str, str]:
        """What inventory says the site holds, by category."""
        rows = self.http.get(RESOURCES, params={"place.id": site, "limit": 100}).json()
        return {row["category"]: row["name"] for row in rows}

    def done(self, document: Document) -> str:
        """Post an order and follow it until it is completed; returns its id."""
        # A key of its own: the same wish once more is a new order, no repetition of the first.
        headers = {"Idempotency-Key": str(uuid4())}
        taken = self.http.post(ORDERS, json=document, headers=headers)
        assert taken.status_code == 201, taken.text[:500]
        order_id: str = taken.json()["id"]
        self.gateway.completes(order_id)
        return order_id

    def end_quarantine(self) -> None:
        """Much later: nothing rests any more."""
        with self.gateway.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE resource SET state = 'available', quarantine_until = NULL "
                    "WHERE state = 'quarantined'"
                )
            )

    def preview(self, site: str, **asked: Any) -> Document:
        answer = self.http.post("/rom/v1/siteRollback", json={"site": site, **asked})
        assert answer.status_code == 200, answer.text
        found: Document = answer.json()
        return found

    def start(self, site: str, **asked: Any) -> Any:
        body = {"site": site, "dryRun": False, **asked}
        return self.http.post("/rom/v1/siteRollback", json=body)

    def rolled_back(self, site: str, **asked: Any) -> Document:
        """Start a rollback and follow its events until it is final."""
        taken = self.start(site, **asked)
        assert taken.status_code == 201, taken.text
        path, after = f"/rom/v1/siteRollback/{taken.json()['id']}", 0
        while True:
            task: Document = self.http.get(path).json()
            if task["state"] in FINAL:
                return task
            events = self.http.get(f"{path}/events", params={"after": after, "wait": 20}).json()
            after = max([after, *(event["sequence"] for event in events)])

    def events(self, task: Document) -> list[Document]:
        found: list[Document] = self.http.get(f"/rom/v1/siteRollback/{task['id']}/events").json()
        return found

    def rom(self, *words: str) -> Result:
        """Run the command line as it stands in the guide."""
        return self.gateway.rom(*words)

    def rom_json(self, *words: str) -> Any:
        return json.loads(self.rom(*words, "--json").stdout)

    @contextmanager
    def netconf(self, device: str) -> Iterator[Any]:
        way = self.lab.ready["devices"][device]
        with manager.connect(
            host=way["host"],
            port=way["port"],
            username=way["username"],
            password=way["password"],
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
        ) as session:
            yield session

    def by_hand(self, device: str, body: str) -> None:
        """Type something on a NETCONF device, as an operator would."""
        config = f'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{body}</config>'
        with self.netconf(device) as session:
            session.discard_changes()
            session.edit_config(target="candidate", config=config)
            session.commit()


@contextmanager
def roomy_network(**environment: str) -> Iterator[Noc]:
    """A network with addresses for many more sites in Brisbane than the shipped one."""
    links = ["10.88.15.0/24", "10.88.16.0/24"]
    with network(brisbane_links=links, delivery_seconds=0.2, **environment) as gateway:
        yield Noc(gateway)


def audited_network() -> AbstractContextManager[Noc]:
    """The same, audited again and again, which takes much of a machine."""
    return roomy_network(ROM_AUDIT_SECONDS="3")
