"""An in-memory twin of the engine's façade, and an application over it."""

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
from rom.documents.refused import OrderRefused
from rom.orders.intake import Taken
from rom.resources.documents import BASE_PATH, resource_document

EXAMPLES = Path(api.__file__).parent / "examples"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"


@dataclass
class RefusingDesk:
    """A desk that knows one token."""

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


@dataclass
class TwinQueries:
    """Pages of what the twin keeps; filters are for a database to answer."""

    twin: "Twin"

    def orders(self, asked: Listing, _: Any) -> tuple[list[dict[str, Any]], int]:
        found = list(self.twin.orders.values())
        return found[asked.offset : asked.offset + asked.limit], len(found)

    def resources(self, asked: Listing, _: Any) -> tuple[list[dict[str, Any]], int]:
        (condition, *_) = cast(AllOf, asked.condition).conditions
        places = condition.operands if isinstance(condition, Comparison) else None
        found = [
            shown(row)
            for row in self.twin.resources
            if places is None or any(held["site"] in places for held in row["holders"])
        ]
        return found[asked.offset : asked.offset + asked.limit], len(found)

    def resource(self, resource_id: str, _: Any) -> dict[str, Any] | None:
        rows = [row for row in self.twin.resources if row["resource_id"] == resource_id]
        return shown(rows[0]) if rows else None


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return resource_document(row, f"http://127.0.0.1:8652{BASE_PATH}/{row['resource_id']}")


@dataclass
class Twin:
    """Keeps documents in dictionaries and refuses what is no order."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    counts: dict[str, dict[tuple[str, ...], int]] = field(default_factory=dict)
    resent: int = 0
    ztp_desk: RefusingDesk = field(default_factory=RefusingDesk)

    @property
    def intake(self) -> "Twin":
        return self

    def take(self, body: object, *, key: str | None = None, requester: str | None = None) -> Taken:
        return Taken(self.create_order(body), is_new=True)

    @property
    def queries(self) -> TwinQueries:
        return TwinQueries(self)

    def create_order(self, body: object) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise OrderRefused("", "is no object", "send one resource order")
        if body.get("category") == "bug":
            raise ZeroDivisionError("a bug with password=geheim in it")
        for place, item in enumerate(body.get("orderItem", [])):
            if item.get("action") not in {"add", "modify", "delete", "noChange"}:
                raise OrderRefused(f"orderItem[{place}].action", "is unknown", "use add")
        number = f"RO-{len(self.orders) + 1}"
        order = body | {
            "id": number,
            "href": f"http://127.0.0.1:8652{ORDERS}/{number}",
            "orderDate": "2026-11-21T10:00:00Z",
            "state": "acknowledged",
            "orderItem": [item | {"state": "acknowledged"} for item in body["orderItem"]],
        }
        self.orders[number] = order
        return order

    def find_order(self, order_id: str) -> dict[str, Any] | None:
        return self.orders.get(order_id)

    def report(self, order_id: str) -> dict[str, Any] | None:
        return self.reports.get(order_id)

    def reapply(self, site: str) -> dict[str, Any]:
        if site != "ENT-1102-MELB":
            raise LookupError(site)
        row = {"device": "OLT-SOUTH-03", "edits": self.resent, "sent": "<edit/>"}
        return {"site": site, "devices": [row]}

    def rollback_preview(self, site: str) -> dict[str, Any]:
        if site != "ENT-1102-MELB":
            raise LookupError(site)
        device = {
            "device": "BNG-MEL-01", "role": "bng", "order": 1, "edits": 1,
            "sends": "<service[.='x']/>",
            "already": [], "conflicts": [],
        }  # fmt: skip
        release = {"name": "vlan", "pool": "ENT", "value": "2108"}
        return {
            "site": site, "target": 0, "orders": ["RO-1"], "devices": [device],
            "releases": [release],
        }  # fmt: skip

    def preview_of(self, wanted: Any) -> dict[str, Any]:
        return self.rollback_preview(wanted.site)

    def events_after(self, order_id: str, sequence: int) -> list[dict[str, Any]]:
        assert order_id in self.orders
        return [e for e in self.events if e["sequence"] > sequence]

    def events_grown(self, after: int | None) -> list[tuple[int, str]]:
        grown = [event["sequence"] for event in self.events if event["sequence"] > (after or 0)]
        return [(max(grown), "RO-1")] if grown else []

    def statistics(self) -> dict[str, dict[tuple[str, ...], int]]:
        return self.counts

    def problems(self) -> list[str]:
        return self.trouble

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
    app = create_app(twin, Limits())
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
            {"device": "OLT-SOUTH-03", "role": "access", "state": "committed", "edits": 2,
             "sites": ["ENT-1102-MELB"], "sent": "vlan[.='2109'] \x1b[31m", "seconds": 0.25}
        ],
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
    app = create_app(twin, Limits())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    app.state.live.closed = True
    thread.join()
    listening.close()
    structlog.reset_defaults()
