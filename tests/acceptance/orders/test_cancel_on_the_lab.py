"""A cancellation in the middle of an activation: every device holds again what it held before."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import api
from api.serving.scratch import gateway_process

BASE = "/tmf-api/resourceOrdering/v4"
PILOT = json.loads((Path(api.__file__).parent / "examples/so-pilot-melbourne.json").read_text())
DEVICES = ("OLT-SOUTH-03", "BNG-MEL-01", "PROBE-MEL-01", "KEA4-01", "KEA6-01")


@pytest.fixture(scope="module")
def network() -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The gateway and the lab's control."""
    with tempfile.TemporaryDirectory(prefix="rom-cancel-") as name:
        place = Path(name)
        if os.geteuid() == 0:
            place.chmod(0o711)
        with gateway_process(place, "enterprise-fibre") as url:
            (ready,) = place.glob("lab/**/ready.json")
            lab = json.loads(ready.read_text())
            headers = {"authorization": f"Bearer {lab['token']}"}
            with (
                httpx.Client(base_url=url, timeout=60, trust_env=False) as gateway,
                httpx.Client(base_url=lab["control"], headers=headers, trust_env=False) as control,
            ):
                yield gateway, control


def test_half_an_activation_is_taken_back_to_the_baseline(
    network: tuple[httpx.Client, httpx.Client],
) -> None:
    gateway, lab = network

    def running() -> dict[str, str]:
        return {name: lab.get(f"/devices/{name}/running").text for name in DEVICES}

    before = running()
    order_id = gateway.post(f"{BASE}/resourceOrder", json=PILOT).json()["id"]
    follow(gateway, order_id, lambda order: order["orderItem"][0]["state"] == "completed")
    taken = gateway.post(f"{BASE}/cancelResourceOrder", json={"resourceOrder": {"id": order_id}})
    assert taken.status_code == 201, taken.text
    order = follow(gateway, order_id, lambda order: order["state"] == "cancelled")
    assert order["cancellationDate"]
    assert running() == before
    held = gateway.get(
        "/tmf-api/resourceInventoryManagement/v4/resource", params={"place.id": "ENT-1102-MELB"}
    )
    assert held.json() == []
    task = gateway.get(f"{BASE}/cancelResourceOrder/{taken.json()['id']}").json()
    assert task["state"] == "done"
    assert task["effectiveCancellationDate"]


def follow(gateway: httpx.Client, order_id: str, reached: Any) -> dict[str, Any]:
    """Wait, event by event, until the order is as wanted."""
    after = 0
    while True:
        order: dict[str, Any] = gateway.get(f"{BASE}/resourceOrder/{order_id}").json()
        if reached(order):
            return order
        assert order["state"] not in ("completed", "failed", "partial"), order["state"]
        found = gateway.get(
            f"/rom/v1/orders/{order_id}/events", params={"after": after, "wait": 25}
        ).json()
        after = max([after, *(event["sequence"] for event in found)])
