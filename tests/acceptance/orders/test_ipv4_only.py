"""An order for IPv4 only is completed, and nothing of IPv6 comes to any device."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.network import Gateway, network, order

BETWEEN = re.compile(r"\n|(?=<)")
"""What is before every line, and every element where a configuration is XML in one line."""
pytestmark = [pytest.mark.timeout(240)]


def ipv4_only(document: dict[str, Any]) -> dict[str, Any]:
    """The order with its one characteristic that says so changed."""
    asked = [
        characteristic
        for item in document["orderItem"]
        for characteristic in item["resource"]["resourceCharacteristic"]
        if characteristic["name"] == "ipVersion"
    ]
    assert [each["value"] for each in asked] == ["dualStack"]
    asked[0]["value"] = "ipv4"
    return document


def lines(gateway: Gateway) -> set[tuple[str, str]]:
    devices = set(gateway.lab.ready["devices"]) - {"LOG-01"}
    return {
        (device, line.strip())
        for device in devices
        for line in BETWEEN.split(gateway.lab.running(device))
    }


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with network(delivery_seconds=0.2) as found:
        yield found


def test_an_order_for_ipv4_only_is_completed_without_anything_of_ipv6(gateway: Gateway) -> None:
    before = lines(gateway)
    gateway.completes(gateway.post(ipv4_only(order("so-pilot-melbourne"))))
    added = lines(gateway) - before
    changed = {device for device, _ in added}
    assert {"OLT-SOUTH-03", "BNG-MEL-01"} < changed
    assert any("10.88.12.1" in line for device, line in added if device == "BNG-MEL-01")
    assert [line for _, line in added if "2001:db8" in line or "ipv6" in line.lower()] == []
    held = gateway.rows("SELECT name FROM reservation JOIN resource ON resource_id = resource.id")
    names = {row.name for row in held}
    assert "ipv4" in names
    assert not {"ipv6", "ipv6_delegated"} & names
