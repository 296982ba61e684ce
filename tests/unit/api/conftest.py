"""An in-memory twin of the gateway, and an application over it."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
import uvicorn
from fastapi.testclient import TestClient

import api
from adapters.ztp.service import ZtpRefused
from api.app import create_app
from inventory.conditions import AllOf, Comparison, Listing
from rom.answers.orders import OrderReport
from rom.answers.sites import Reapplied, RollbackPreview
from rom.gateway.events import Events
from rom.gateway.gateway import Gateway
from rom.gateway.inventory import Inventory
from rom.gateway.operation import Counts, Operation
from rom.gateway.orders import Orders, Taken
from rom.gateway.sites import Sites, Wanted
from rom.model.deed import Actor
from rom.model.errors import OrderRefused, UnknownOrder, UnknownResource, UnknownSite
from rom.resources.documents import BASE_PATH, resource_document

EXAMPLES = Path(api.__file__).parent / "examples"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"


@dataclass
class RefusingBootstrap:
    """A bootstrap server that knows one token."""

    def script(self, token: str, *_: Any) -> bytes:
        if token != "known":
            raise ZtpRefused
        return b"print('day 0')\n"

    def config(self, *_: str) -> bytes:
        raise ZtpRefused

    def sha512(self, *_: str) -> str:
        raise ZtpRefused

    def exec_lines(self, *_: str) -> bytes:
        raise ZtpRefused

    def event(self, *_: str) -> None:
        raise ZtpRefused


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return resource_document(row, f"http://127.0.0.1:8652{BASE_PATH}/{row['resource_id']}")


@dataclass
class Twin:
    """What the parts of the gateway's twin keep, in dictionaries."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    counts: dict[str, dict[tuple[str, ...], int]] = field(default_factory=dict)
    resent: int = 0

    def gateway(self) -> Gateway:
        """The whole as the application takes it; what no test asks of it is absent."""
        absent: Any = None
        return Gateway(
            orders=TwinOrders(self),
            sites=TwinSites(self),
            devices=absent,
            inventory=TwinInventory(self),
            catalog=absent,
            events=TwinEvents(self),
            access=absent,
            bootstrap=RefusingBootstrap(),
            operation=TwinOperation(self),
            trail=absent,
            secrets=absent,
        )


class OfTwin:
    """A part of the gateway over the twin's dictionaries."""

    def __init__(self, twin: Twin) -> None:
        object.__setattr__(self, "twin", twin)  # the parts are frozen


class TwinOrders(OfTwin, Orders):
    """Takes what looks like an order."""

    twin: Twin

    def take(
        self,
        body: object,
        *,
        by: Actor,
        key: str | None = None,
        requester: str | None = None,
    ) -> Taken:
        if not isinstance(body, dict):
            raise OrderRefused("", "is no object", "send one resource order")
        if body.get("category") == "bug":
            raise ZeroDivisionError("a bug with password=geheim in it")
        for place, item in enumerate(body.get("orderItem", [])):
            if item.get("action") not in {"add", "modify", "delete", "noChange"}:
                raise OrderRefused(f"orderItem[{place}].action", "is unknown", "use add")
        number = f"RO-{len(self.twin.orders) + 1}"
        order = body | {
            "id": number,
            "href": f"http://127.0.0.1:8652{ORDERS}/{number}",
            "orderDate": "2026-11-21T10:00:00Z",
            "state": "acknowledged",
            "orderItem": [item | {"state": "acknowledged"} for item in body["orderItem"]],
        }
        self.twin.orders[number] = order
        return Taken(order, is_new=True)

    def find(self, order_id: str) -> dict[str, Any]:
        if order_id not in self.twin.orders:
            raise UnknownOrder(order_id)
        return self.twin.orders[order_id]

    def page(self, asked: Listing, within: Any = None) -> tuple[list[dict[str, Any]], int]:
        found = list(self.twin.orders.values())
        return found[asked.offset : asked.offset + asked.limit], len(found)

    def report(self, order_id: str) -> OrderReport:
        if order_id not in self.twin.reports:
            raise UnknownOrder(order_id)
        return OrderReport.model_validate(self.twin.reports[order_id])


class TwinInventory(OfTwin, Inventory):
    """Pages of what the twin keeps; filters are for a database to answer."""

    twin: Twin

    def page(self, asked: Listing, within: Any = None) -> tuple[list[dict[str, Any]], int]:
        (condition, *_) = cast(AllOf, asked.condition).conditions
        places = condition.operands if isinstance(condition, Comparison) else None
        found = [
            shown(row)
            for row in self.twin.resources
            if places is None or any(held["site"] in places for held in row["holders"])
        ]
        return found[asked.offset : asked.offset + asked.limit], len(found)

    def find(self, resource_id: str, within: Any = None) -> dict[str, Any]:
        rows = [row for row in self.twin.resources if row["resource_id"] == resource_id]
        if not rows:
            raise UnknownResource(resource_id)
        return shown(rows[0])


class TwinSites(OfTwin, Sites):
    """Knows one site."""

    twin: Twin

    def reapply(self, site: str, *, by: Actor, reason: str = "", ticket: str = "") -> Reapplied:
        self._known(site)
        row = {
            "device": "OLT-SOUTH-03", "edits": self.twin.resent, "state": "done",
            "transaction": None,
        }  # fmt: skip
        return Reapplied.model_validate({"site": site, "devices": [row]})

    def preview(self, wanted: Wanted) -> RollbackPreview:
        self._known(wanted.site)
        device = {
            "device": "BNG-MEL-01", "role": "bng", "order": 1, "edits": 1,
            "sends": "<service[.='x']/>",
            "already": [], "kept": [], "conflicts": [], "later": [],
        }  # fmt: skip
        release = {"name": "vlan", "pool": "ENT", "value": "2108"}
        return RollbackPreview.model_validate({
            "site": wanted.site, "target": 0, "orders": ["RO-1"], "devices": [device],
            "releases": [release], "hash": 64 * "0",
        })  # fmt: skip

    def _known(self, site: str) -> None:
        if site != "ENT-1102-MELB":
            raise UnknownSite(site)


class TwinEvents(OfTwin, Events):
    """The events that a test has put there."""

    twin: Twin

    def of_stream(self, stream: str, sequence: int) -> list[dict[str, Any]]:
        assert stream in self.twin.orders
        return [event for event in self.twin.events if event["sequence"] > sequence]

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        grown = [e["sequence"] for e in self.twin.events if e["sequence"] > (after or 0)]
        return [(max(grown), "RO-1")] if grown else []


class TwinOperation(OfTwin, Operation):
    """As well as a test says."""

    twin: Twin

    def statistics(self) -> dict[str, Counts]:
        return dict(self.twin.counts)

    def problems(self) -> list[str]:
        return self.twin.trouble

    def start(self) -> None:
        return

    def stop(self) -> None:
        return


@dataclass(frozen=True)
class Limits:
    """Settings with a body limit that tests can pass."""

    max_body_bytes: int = 20_000
    base_url: str = "http://127.0.0.1:8652"


def row(number: str, value: str, *sites: str, **others: Any) -> dict[str, Any]:
    """A resource as inventory gives it."""
    holders = [
        {"site": site, "name": "vlan", "order_id": "RO-1", "item_id": "ROI-002", "state": "in-use"}
        for site in sites
    ]
    return {
        "resource_id": number, "kind": "vlan", "pool": "ENT", "value": value, "state": "in-use",
        "attributes": {"value": value}, "pool_attributes": {"l2_domain": "SOUTH"}, "amount": None,
        "holders": holders, "used_by": None, "quarantine_until": None, **others,
    }  # fmt: skip


@pytest.fixture
def make_row() -> Any:
    return row


@pytest.fixture
def twin() -> Twin:
    return Twin()


@pytest.fixture
def http(twin: Twin) -> Iterator[TestClient]:
    app = create_app(twin.gateway(), Limits())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def pilot() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "so-pilot-melbourne.json").read_text())
    return found


@pytest.fixture
def finished_report() -> dict[str, Any]:
    """A report as the engine gives it, with text that looks like markup and like an escape."""
    item = {
        "id": "ROI-001", "state": "completed", "action": "add",
        "resource": {"name": "bearer", "place": {"id": "ENT-1102-MELB"}},
        "resourceSpecification": {"id": "RFS:GPON-Bearer", "name": "RFS:GPON-Bearer"},
    }  # fmt: skip
    return {
        "order": {"id": "RO-1", "state": "completed", "orderItem": [item]},
        "allocations": [
            {"item": "ROI-001", "specification": "RFS:GPON-Bearer", "resource": "OLT Port",
             "type": "Physical", "value": "LC2 Port 8", "site": "ENT-1102-MELB"}
        ],
        "transactions": [
            {"id": "T-1", "device": "OLT-SOUTH-03", "role": "access", "state": "committed",
             "edits": 2, "sites": ["ENT-1102-MELB"], "sent": "vlan[.='2109'] \x1b[31m",
             "error": None, "seconds": 0.25}
        ],
        "unchanged": [],
        "measurements": [
            {"site": "ENT-1102-MELB", "probe": "Probe-ENT-1102-MELB", "sent": 30000,
             "received": 30000, "lost": 0, "loss_percent": 0.0, "loss_upper_bound_percent": 0.00999,
             "rtt_ms": {"p50": 0.4, "p95": 0.9, "max": 2.1},
             "limits": {"latencyMs": 10}, "verdict": "VERIFIED", "seconds": 9.1}
        ],
        "steps": [
            {"item": "ROI-001", "step": "reserved", "state": "done", "time": "", "note": "port 8"}
        ],
    }  # fmt: skip


@pytest.fixture
def url(twin: Twin) -> Iterator[str]:
    """The application behind a real HTTP server; its logs stay out of the commands' output."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(twin.gateway(), Limits())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    app.state.live.closed = True
    thread.join()
    listening.close()
    structlog.reset_defaults()
