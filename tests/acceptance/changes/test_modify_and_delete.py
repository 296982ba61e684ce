"""A site's life after activation, over HTTP: faster, slower, gone, and nobody else touched."""

import copy
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

import api
from api.serving.scratch import gateway_process
from inventory.holding import sweep_quarantine
from rom.store.embedded import EmbeddedPostgres

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
PILOT = json.loads((Path(api.__file__).parent / "examples/so-pilot-melbourne.json").read_text())
ROUTER = "FDO2340567"
FINAL = ("completed", "failed", "partial", "cancelled")
SHARED = ("OLT-SOUTH-03", "BNG-MEL-01", "PROBE-MEL-01", "KEA4-01", "KEA6-01")


class Site:
    """Melbourne, as a service order manager and a lab engineer see it."""

    def __init__(self, url: str, lab: dict[str, Any], database_url: str) -> None:
        self.engine = sa.create_engine(database_url, poolclass=sa.NullPool)
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self.lab = httpx.Client(
            base_url=lab["control"],
            headers={"authorization": f"Bearer {lab['token']}"},
            trust_env=False,
        )

    def post(self, body: dict[str, Any]) -> httpx.Response:
        # A key of its own: the same wish once more is a new order, no repetition of the first.
        return self.http.post(ORDERS, json=body, headers={"Idempotency-Key": str(uuid4())})

    def done(self, body: dict[str, Any]) -> dict[str, Any]:
        """Post an order, follow it by its events, return its report."""
        taken = self.post(body)
        assert taken.status_code == 201, taken.text
        return self.until(taken.json()["id"], *FINAL, "held")

    def running(self, device: str) -> str:
        answer = self.lab.get(f"/devices/{device}/running")
        answer.raise_for_status()
        return answer.text

    def whole(self) -> dict[str, str]:
        return {device: self.running(device) for device in SHARED}

    @contextmanager
    def refusing(self, device: str, text: str) -> Iterator[None]:
        """Let a device refuse every commit that touches ``text``."""
        faults = f"/devices/{device}/faults"
        fault = {"fault": "refuse-commit", "text": text, "times": None}
        self.lab.post(faults, json=fault).raise_for_status()
        yield
        self.lab.post(faults, json={"fault": "clear"}).raise_for_status()

    def until(self, order_id: str, *awaited: str) -> dict[str, Any]:
        """Follow an order by its events until it is in an awaited state; returns its report."""
        after = 0
        while True:
            order = self.http.get(f"{ORDERS}/{order_id}").json()
            if order["state"] in awaited:
                report: dict[str, Any] = self.http.get(f"/rom/v1/orders/{order_id}/report").json()
                return report
            found = self.http.get(
                f"/rom/v1/orders/{order_id}/events", params={"after": after, "wait": 25}
            ).json()
            after = max([after, *(event["sequence"] for event in found)])

    def cancelled(self, order_id: str) -> None:
        answer = self.http.post(
            ORDERS.replace("v4/r", "v4/cancelR"),
            json={"resourceOrder": {"id": order_id}, "cancellationReason": "not any more"},
        )
        answer.raise_for_status()
        assert self.until(order_id, "cancelled")

    def held(self) -> dict[str, str]:
        rows = self.http.get(
            "/tmf-api/resourceInventoryManagement/v4/resource",
            params={"place.id": "ENT-1102-MELB", "limit": 100},
        ).json()
        return {row["category"]: row["name"] for row in rows}

    def at(self, speed: str) -> dict[str, Any]:
        """Bring it about that the site has this rate; returns what it holds."""
        if self.held()["sap-bandwidth"] != speed.replace("M", "000000"):
            assert self.done(rate("modify", speed))["order"]["state"] == "completed"
        return self.held()

    def deleted(self) -> dict[str, Any]:
        """Delete all that the site has; returns the order's report."""
        body = copy.deepcopy(PILOT)
        for item in body["orderItem"]:
            item["action"] = "delete"
            item.pop("orderItemRelationship", None)
        return self.done(body)

    def as_never_used(self) -> None:
        """Let the time go by after which what the site had can be had again."""
        with self.engine.begin() as connection:
            sweep_quarantine(connection, datetime.now(UTC) + timedelta(days=3650))
        for deed in ("factory-reset", "boot"):
            self.lab.post(f"/ce/{ROUTER}/{deed}").raise_for_status()


@pytest.fixture(scope="module")
def site(near_lab: str) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="rom-changes-") as name:
        place = Path(name)
        if os.geteuid() == 0:
            place.chmod(0o711)
        with gateway_process(place, near_lab) as url:
            (ready,) = place.glob("lab/**/ready.json")
            yield Site(url, json.loads(ready.read_text()), EmbeddedPostgres(place).url)


@pytest.fixture(scope="module")
def before(site: Site) -> dict[str, str]:
    """What the shared devices held before the site's first order."""
    return {device: site.running(device) for device in SHARED}


@pytest.fixture(scope="module")
def first(site: Site, before: dict[str, str]) -> dict[str, Any]:
    """The report of the site's first order."""
    return site.done(PILOT)


@pytest.fixture
def pilot(site: Site, first: dict[str, Any]) -> None:
    """The site is in service, whatever an earlier test did to it."""
    if not site.held():
        site.as_never_used()
        assert site.done(PILOT)["order"]["state"] == "completed"


def rate(action: str, speed: str | None = None) -> dict[str, Any]:
    body = copy.deepcopy(PILOT)
    (item,) = [each for each in body["orderItem"] if each["id"] == "ROI-004"]
    item["action"] = action
    del item["orderItemRelationship"]
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": speed} for name in ("downstream", "upstream") if speed
    ]
    body["orderItem"] = [item]
    return body


def edits(report: dict[str, Any]) -> dict[str, int]:
    return {each["device"]: each["edits"] for each in report["transactions"]}


def test_the_first_order_brings_the_site_into_service(first: dict[str, Any]) -> None:
    assert first["order"]["state"] == "completed"


def test_faster_touches_only_what_carries_the_rate(site: Site, pilot: None) -> None:
    site.at("500M")
    report = site.done(rate("modify", "600M"))
    assert report["order"]["state"] == "completed"
    assert edits(report)["OLT-SOUTH-03"] == 1
    assert edits(report)["BNG-MEL-01"] == 3
    assert "BW-600-600-GOLD-ENT" in site.running("BNG-MEL-01")
    assert "TDP-BW-600-GOLD" in site.running("OLT-SOUTH-03")
    assert {"KEA4-01", "PROBE-MEL-01"}.isdisjoint(edits(report))


def test_slower_goes_the_same_way(site: Site, pilot: None) -> None:
    site.at("600M")
    report = site.done(rate("modify", "100M"))
    assert report["order"]["state"] == "completed"
    assert "BW-600-600-GOLD-ENT" not in site.running("BNG-MEL-01")
    assert "BW-100-100-GOLD-ENT" in site.running("BNG-MEL-01")
    assert site.held()["sap-bandwidth"] == "100000000"


def test_the_same_rate_again_sends_nothing(site: Site, pilot: None) -> None:
    site.at("100M")
    report = site.done(rate("modify", "100M"))
    assert report["order"]["state"] == "completed"
    assert report["transactions"] == []


def test_a_modify_that_one_device_refuses_goes_back_on_the_others_by_itself(
    site: Site, pilot: None
) -> None:
    site.at("100M")
    before = site.whole()
    with site.refusing("BNG-MEL-01", "BW-700-700-GOLD-ENT"):
        report = site.done(rate("modify", "700M"))
    assert report["order"]["state"] == "held"
    note = report["order"]["orderItem"][0]["note"][-1]["text"]
    assert note.startswith("RESOURCE_EXHAUSTED: BNG-MEL-01:")
    assert note.endswith("FDO2340567, RADIUS-01, OLT-SOUTH-03 back as before")
    assert site.whole() == before
    assert site.held()["sap-bandwidth"] == "100000000"
    (back_out,) = report["back_outs"]
    assert back_out["verdict"] == "VERIFIED"
    assert {each["device"] for each in back_out["devices"]} == {
        "OLT-SOUTH-03", "RADIUS-01", ROUTER
    }  # fmt: skip
    site.cancelled(report["order"]["id"])
    assert site.whole() == before


def test_a_retry_sends_all_of_a_modify_that_went_back(site: Site, pilot: None) -> None:
    site.at("100M")
    with site.refusing("BNG-MEL-01", "BW-650-650-GOLD-ENT"):
        order_id = site.done(rate("modify", "650M"))["order"]["id"]
    site.http.post(f"/rom/v1/orders/{order_id}/retry", json={}).raise_for_status()
    report = site.until(order_id, "completed", "held")
    assert report["order"]["state"] == "completed", report["order"]["orderItem"][0]["note"]
    assert "BW-650-650-GOLD-ENT" in site.running("BNG-MEL-01")
    assert "TDP-BW-650-GOLD" in site.running("OLT-SOUTH-03")
    assert site.held()["sap-bandwidth"] == "650000000"


def test_what_something_else_needs_is_not_deleted(site: Site, pilot: None) -> None:
    answer = site.post(rate("delete"))
    assert answer.status_code == 400
    assert "orderItem[0].action" in answer.text
    assert "RFS:SLA-Monitoring" in answer.text


def test_a_second_add_is_refused_with_the_way_out(site: Site, pilot: None) -> None:
    answer = site.post(PILOT)
    assert answer.status_code == 400
    assert "send modify" in answer.text


def test_gone_means_gone_and_the_neighbours_never_noticed(
    site: Site, pilot: None, before: dict[str, str]
) -> None:
    held = site.held()
    report = site.deleted()
    assert report["order"]["state"] == "completed"
    for device in SHARED:
        assert site.running(device) == before[device], device
    assert site.held() == {}
    vlan = site.http.get(
        "/tmf-api/resourceInventoryManagement/v4/resource",
        params={"category": "vlan", "name": held["vlan"]},
    ).json()
    allocations = [
        each["value"]
        for row in vlan
        for each in row["resourceCharacteristic"]
        if each["name"] == "state"
    ]
    assert "quarantined" in allocations


def test_nothing_is_left_to_modify(site: Site, first: dict[str, Any]) -> None:
    if site.held():
        site.deleted()
    answer = site.post(rate("modify", "500M"))
    assert answer.status_code == 400
    assert "nothing of it" in answer.text
