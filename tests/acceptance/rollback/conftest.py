"""One network with four sites in service, and what engineers do to it: over HTTP, ``rom``, by hand.

The tests run in one process and in the order of the files; each leaves the network as its last
line says. Brisbane 1 is ordered last, so that the network without it is known.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import Result
from ncclient import manager

from tests.faults.network import Gateway, network, order

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


def faster(site: str, speed: str) -> Document:
    """A modify of the rate of a site that ``brisbane`` has ordered."""
    document = brisbane(site)
    (item,) = [
        each
        for each in document["orderItem"]
        if each["resourceSpecification"]["id"] == "RFS:QoS-Policy"
    ]
    item["action"] = "modify"
    del item["orderItemRelationship"]
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": speed} for name in ("downstream", "upstream")
    ]
    document["orderItem"] = [item]
    return document


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
def audited_network() -> Iterator[Noc]:
    links = ["10.88.15.0/24", "10.88.16.0/24"]
    with network(brisbane_links=links, ROM_AUDIT_SECONDS="0.5") as gateway:
        yield Noc(gateway)


@pytest.fixture(scope="module")
def noc(folder: Any) -> Noc:
    found: Noc = folder.keep("noc", audited_network)
    return found


@pytest.fixture(scope="module")
def before(folder: Any, noc: Noc) -> dict[str, str]:
    """What every device held before the first order."""
    found: dict[str, str] = folder.note("before", noc.running)
    return found


@pytest.fixture(scope="module")
def others(folder: Any, noc: Noc, before: dict[str, str]) -> dict[str, str]:
    """What every device holds with all sites but Brisbane 1 in service."""

    def brought_in() -> dict[str, str]:
        documents = {
            SECOND: brisbane(SECOND),
            PILOT: order("so-pilot-melbourne"),
            SYDNEY: order("so-wave1-sydney-2"),
        }
        noc.orders |= {site: noc.gateway.post(document) for site, document in documents.items()}
        for site in documents:
            noc.gateway.completes(noc.orders[site])
        return noc.running()

    found: dict[str, str] = folder.note("others", brought_in)
    return found


@pytest.fixture(scope="module")
def full(folder: Any, noc: Noc, others: dict[str, str]) -> dict[str, str]:
    """What every device holds with all four sites in service."""

    def brought_in() -> dict[str, str]:
        noc.orders[FIRST] = noc.gateway.post(brisbane(FIRST))
        noc.gateway.completes(noc.orders[FIRST])
        return noc.running()

    found: dict[str, str] = folder.note("full", brought_in)
    return found


@pytest.fixture(scope="session")
def modify() -> Any:
    return faster
