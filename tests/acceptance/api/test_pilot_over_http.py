"""The pilot order as a service order manager sends it, and what comes of it.

Tests run in file order on one gateway; each later one needs the completed pilot and makes sure of
it by itself.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import api
from rom.orders.states import FINAL_ORDER_STATES

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
EXAMPLES = Path(api.__file__).parent / "examples"
SITE = "ENT-1102-MELB"
pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("pilot")]


def complete(http: httpx.Client, order_id: str) -> dict[str, Any]:
    """Follow an order by its events until it is final; return its report."""
    after = 0
    while True:
        answer = http.get(f"/rom/v1/orders/{order_id}/events", params={"after": after, "wait": 25})
        after = max([after, *(event["sequence"] for event in answer.json())])
        order = http.get(f"{ORDERS}/{order_id}").json()
        if order["state"] in FINAL_ORDER_STATES:
            found: dict[str, Any] = http.get(f"/rom/v1/orders/{order_id}/report").json()
            return found


@pytest.fixture(scope="module")
def report(url: str) -> dict[str, Any]:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        body = (EXAMPLES / "so-pilot-melbourne.json").read_bytes()
        headers = {"Content-Type": "application/json"}
        taken = http.post(ORDERS, content=body, headers=headers)
        assert taken.status_code == 201, taken.text
        assert taken.headers["Location"] == taken.json()["href"]
        return complete(http, taken.json()["id"])


def test_the_pilot_completes_and_gets_the_resources_of_the_worked_example(
    report: dict[str, Any],
) -> None:
    assert report["order"]["state"] == "completed"
    assert {item["state"] for item in report["order"]["orderItem"]} == {"completed"}
    values = {row["item"]: str(row["value"]) for row in report["allocations"]}
    for item, part in {
        "ROI-001": "OLT-SOUTH-03",
        "ROI-002": "2108",
        "ROI-003": "10.88.12.0/29",
        "ROI-004": "BW-500-500-GOLD-ENT",
        "ROI-005": "Probe-ENT-1102-MELB",
        "ROI-006": "FDO2340567",
    }.items():
        assert part in values[item]


def test_every_role_of_the_service_was_written_once_and_committed(report: dict[str, Any]) -> None:
    devices = {row["device"] for row in report["transactions"]}
    assert {"OLT-SOUTH-03", "BNG-MEL-01", "PROBE-MEL-01", "KEA4-01", "RADIUS-01"} <= devices
    assert {row["state"] for row in report["transactions"]} == {"committed"}
    assert all(row["edits"] for row in report["transactions"])


def test_the_service_was_measured_with_real_packets_and_met_its_limits(
    report: dict[str, Any],
) -> None:
    (measured,) = report["measurements"]
    assert measured["sent"] >= 30_000
    assert measured["verdict"] == "VERIFIED"
    assert measured["loss_percent"] <= 0.01
    assert measured["rtt_ms"]["p95"] <= 10


def test_a_second_run_of_the_same_intent_sends_nothing(
    http: httpx.Client, report: dict[str, Any]
) -> None:
    answer = http.post(f"/rom/v1/sites/{SITE}/reapply").json()
    assert answer["devices"]
    assert {row["device"]: row["edits"] for row in answer["devices"]} == {
        row["device"]: 0 for row in answer["devices"]
    }


def test_a_rollback_preview_names_every_device_and_changes_nothing(
    http: httpx.Client, report: dict[str, Any]
) -> None:
    first = http.get(f"/rom/v1/sites/{SITE}/rollbackPreview").json()
    assert [row["order"] for row in first["devices"]] == sorted(
        row["order"] for row in first["devices"]
    )
    assert any("2108" in str(row["value"]) for row in first["releases"])
    assert http.get(f"/rom/v1/sites/{SITE}/rollbackPreview").json() == first


def test_the_inventory_shows_what_the_site_holds(
    http: httpx.Client, report: dict[str, Any]
) -> None:
    found = http.get(
        "/tmf-api/resourceInventoryManagement/v4/resource",
        params={"place.id": SITE, "category": "vlan"},
    ).json()
    assert [(row["name"], row["usageState"]) for row in found] == [("2108", "active")]


def test_the_same_site_ordered_twice_is_refused_and_named(
    http: httpx.Client, report: dict[str, Any]
) -> None:
    body = (EXAMPLES / "so-pilot-melbourne.json").read_bytes()
    again = http.post(ORDERS, content=body, headers={"Content-Type": "application/json"})
    assert again.status_code == 400
    assert SITE in again.json()["reason"]


@pytest.mark.parametrize("name", ["so-wave1-sydney-1.json", "so-wave1-sydney-2.json"])
def test_a_sydney_site_completes_on_its_switch(http: httpx.Client, name: str) -> None:
    body = (EXAMPLES / name).read_bytes()
    taken = http.post(ORDERS, content=body, headers={"Content-Type": "application/json"})
    assert taken.status_code == 201, taken.text
    assert complete(http, taken.json()["id"])["order"]["state"] == "completed"


def test_metrics_and_readiness_are_there(http: httpx.Client, report: dict[str, Any]) -> None:
    assert http.get("/readyz").status_code == 200
    assert 'rom_orders{state="completed"}' in http.get("/metrics").text


def test_a_second_server_on_the_same_data_directory_is_refused(url: str, data_dir: Path) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--data-dir", str(data_dir)],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert "in use by another rom process" in done.stderr


def test_a_second_server_on_the_same_port_is_refused(url: str, tmp_path: Path) -> None:
    port = url.rsplit(":", 1)[1]
    place = tmp_path / "other"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "api.cli", "serve", "--port", port, "--data-dir", str(place)],
        capture_output=True, text=True, check=False, timeout=30, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
