"""TMF639 over HTTP: status words, places, filters."""

from datetime import UTC, datetime
from typing import Any

import pytest

BASE = "/tmf-api/resourceInventoryManagement/v4/resource"


def test_a_resource_in_use_names_its_place_its_order_item_and_itself(
    http: Any, twin: Any, make_row: Any
) -> None:
    twin.resources = [make_row("1", "2108", "ENT-1102-MELB")]
    found = http.get(f"{BASE}/1").json()
    assert found["href"] == f"http://127.0.0.1:8652{BASE}/1"
    assert (found["name"], found["category"]) == ("2108", "vlan")
    assert found["place"]["id"] == "ENT-1102-MELB"
    assert found["resourceOrderItem"] == [{"resourceOrderId": "RO-1", "itemId": "ROI-002"}]
    assert {"name": "l2_domain", "value": "SOUTH"} in found["resourceCharacteristic"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("available", ("available", "idle", "locked")),
        ("reserved", ("reserved", "idle", "locked")),
        ("standby", ("standby", "idle", "locked")),
        ("in-use", ("available", "active", "unlocked")),
        ("used-elsewhere", ("available", "active", "unlocked")),
        ("quarantined", ("suspended", "idle", "locked")),
        ("retired", ("unknown", "idle", "locked")),
    ],
)
def test_every_inventory_state_has_words_of_the_standard(
    http: Any, twin: Any, make_row: Any, state: str, words: tuple[str, str, str]
) -> None:
    rest = datetime(2026, 12, 1, tzinfo=UTC)
    twin.resources = [make_row("1", "2108", state=state, quarantine_until=rest)]
    found = http.get(f"{BASE}/1").json()
    names = ("resourceStatus", "usageState", "administrativeState")
    assert tuple(found[name] for name in names) == words


def test_a_shared_resource_has_no_single_place(http: Any, twin: Any, make_row: Any) -> None:
    twin.resources = [make_row("1", "port 8", "A", "B", kind="pon-port")]
    found = http.get(f"{BASE}/1").json()
    assert "place" not in found
    assert found["@type"] == "PhysicalResource"
    assert len(found["resourceOrderItem"]) == 2


def test_resources_are_paged_and_cut_to_fields(http: Any, twin: Any, make_row: Any) -> None:
    twin.resources = [make_row("1", "2108", "A"), make_row("2", "2109", "B")]
    second = http.get(BASE, params={"offset": 1, "fields": "name"})
    assert second.json() == [{"id": "2", "href": f"http://127.0.0.1:8652{BASE}/2", "name": "2109"}]
    first = http.get(BASE, params={"limit": 1})
    assert (first.status_code, first.headers["X-Total-Count"]) == (206, "2")
    assert http.get(f"{BASE}/9").status_code == 404
    assert http.get(BASE, params={"colour": "red"}).status_code == 400
