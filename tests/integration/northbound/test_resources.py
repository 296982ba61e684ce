"""TMF639 resources over HTTP, from a real inventory: found, shown and annotated."""

from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from inventory.model import BundleRequest, ResourceRequest
from inventory.reservation import reserve

RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
SITE = "ENT-1102-MELB"


@pytest.fixture(scope="module")
def held(http: TestClient, engine: sa.Engine) -> dict[str, str]:
    """What the pilot's site holds, by name: the resource's id."""
    wanted = (
        ResourceRequest(name="bearer", kind="pon-port", match={"area": "MEL-SOUTH"}),
        ResourceRequest(name="vlan", kind="vlan", match={"l2_domain": "@bearer.l2_domain"}),
        ResourceRequest(name="loopback", kind="loopback"),
    )
    with engine.begin() as connection:
        area = connection.scalar(
            sa.text("SELECT attributes ->> 'area' FROM pool WHERE kind = 'pon-port' LIMIT 1")
        )
        wanted = (
            ResourceRequest(name="bearer", kind="pon-port", match={"area": str(area)}),
            *wanted[1:],
        )
        bundle = BundleRequest(
            site=SITE, order_id="RO-1", requests=wanted, items={"vlan": "ROI-002"}
        )
        return {a.name: a.resource_id for a in reserve(connection, bundle)}


def found(http: TestClient, query: str) -> list[dict[str, Any]]:
    answer = http.get(f"{RESOURCES}?{query}")
    assert answer.status_code in {200, 206}, answer.text
    documents: list[dict[str, Any]] = answer.json()
    return documents


def test_what_a_site_holds_is_reserved_placed_and_relies_on_its_access(
    http: TestClient, held: dict[str, str]
) -> None:
    vlan = http.get(f"{RESOURCES}/{held['vlan']}").json()
    states = ("resourceStatus", "usageState", "administrativeState", "operationalState")
    assert tuple(vlan[name] for name in states) == ("reserved", "idle", "locked", "enable")
    assert vlan["place"]["id"] == SITE
    assert vlan["resourceOrderItem"] == [{"resourceOrderId": "RO-1", "itemId": "ROI-002"}]
    (relation,) = vlan["resourceRelationship"]
    assert (relation["id"], relation["relationshipType"]) == (held["bearer"], "reliesOn")
    assert http.get(relation["href"]).json()["id"] == held["bearer"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("place.id=ENT-1102-MELB", {"bearer", "vlan", "loopback"}),
        ("place.id=ENT-1102-MELB&category=vlan", {"vlan"}),
        ("place.id=ENT-1102-MELB&category.ne=vlan", {"bearer", "loopback"}),
        ("place.id=ENT-1102-MELB&resourceStatus=reserved,standby", {"bearer", "vlan", "loopback"}),
        ("place.id=ENT-1102-MELB&resourceStatus=available", set()),
        ("place.id=ENT-1102-MELB&@type=PhysicalResource", {"bearer"}),
        ("resourceOrderItem.itemId=ROI-002", {"vlan"}),
        ("resourceOrderItem.resourceOrderId=RO-1&resourceOrderItem.itemId=ROI-002", {"vlan"}),
        ("resourceOrderItem.resourceOrderId=RO-2&resourceOrderItem.itemId=ROI-002", set()),
        ("place.id=ENT-1102-MELB&resourceCharacteristic.name=state"
         "&resourceCharacteristic.value=reserved", {"bearer", "vlan", "loopback"}),
        ("place.id=ENT-1102-MELB&resourceCharacteristic.name=pool"
         "&resourceCharacteristic.value=reserved", set()),
        ("resourceStatus=suspended", set()),
    ],
)  # fmt: skip
def test_a_list_holds_exactly_what_was_asked_for(
    http: TestClient, held: dict[str, str], query: str, names: set[str]
) -> None:
    assert {entry["id"] for entry in found(http, query)} == {held[name] for name in names}


def test_lists_are_sorted_and_paged(http: TestClient, held: dict[str, str]) -> None:
    up = [entry["name"] for entry in found(http, "category=vlan&sort=name&limit=5")]
    down = [entry["name"] for entry in found(http, "category=vlan&sort=-name&limit=5")]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    answer = http.get(RESOURCES, params={"category": "vlan", "limit": 2, "fields": "none"})
    assert answer.status_code == 206
    assert all(set(entry) == {"id", "href"} for entry in answer.json())


def test_what_clients_say_is_kept_and_found_and_what_is_not_theirs_stays(
    http: TestClient, held: dict[str, str]
) -> None:
    path = f"{RESOURCES}/{held['loopback']}"
    before = http.get(path).json()
    patch = {
        "description": "Managed by wholesale",
        "administrativeState": "shutdown",
        "@type": "LoopbackAddress",
        "@baseType": "LogicalResource",
        "note": [{"text": "Call before work", "author": "NOC"}],
        "resourceCharacteristic": [{"name": "ticket", "value": {"number": 7}}],
        "x-own": {"deep": [1, None]},
    }
    changed = http.patch(path, json=patch)
    assert changed.status_code == 200, changed.text
    after = http.get(path).json()
    assert after == changed.json()
    assert after["x-own"] == patch["x-own"]
    assert after["administrativeState"] == "shutdown"
    assert after["note"][0]["text"] == "Call before work"
    own = [entry for entry in after["resourceCharacteristic"] if entry["name"] == "ticket"]
    assert own == [{"name": "ticket", "value": {"number": 7}}]
    assert len(after["resourceCharacteristic"]) == len(before["resourceCharacteristic"]) + 1
    for query in (
        "administrativeState=shutdown",
        "@type=LoopbackAddress",
        "description*=wholesale",
        "note.text*=before&note.author=NOC",
        "resourceCharacteristic.name=ticket",
    ):
        assert [entry["id"] for entry in found(http, query)] == [held["loopback"]], query
    assert found(http, f"id={held['loopback']}&administrativeState=locked") == []
    gone = http.patch(path, json=dict.fromkeys(patch))
    assert gone.json() == before


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ({"usageState": "busy"}, "usageState"),
        ({"resourceStatus": "available"}, "resourceStatus"),
        ({"operationalState": "disable"}, "operationalState"),
        ({"id": "x"}, "id"),
        ({"name": "x"}, "name"),
        ({"place": {"id": "B"}}, "place"),
        ({"category": None}, "category"),
        ({"administrativeState": "unlock"}, "administrativeState"),
        ({"description": 5}, "description"),
        ({"note": {"text": "x"}}, "note"),
        ({"note": [{"text": ""}]}, "note[0].text"),
        ({"resourceCharacteristic": [{"name": "pool", "value": "other"}]},
         "resourceCharacteristic[pool]"),
        ({"resourceCharacteristic": [{"name": "x"}]}, "resourceCharacteristic[x].value"),
    ],
)  # fmt: skip
def test_what_is_not_a_client_s_to_set_is_refused_by_its_name(
    http: TestClient, held: dict[str, str], patch: Any, named: str
) -> None:
    path = f"{RESOURCES}/{held['vlan']}"
    before = http.get(path).json()
    answer = http.patch(path, json=patch)
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(f"{named}:"), answer.text
    assert http.get(path).json() == before


def test_resources_are_made_and_deleted_by_engineers_only(
    http: TestClient, held: dict[str, str]
) -> None:
    for method, path, allowed in (
        ("POST", RESOURCES, "GET"),
        ("DELETE", f"{RESOURCES}/{held['vlan']}", "GET, PATCH"),
    ):
        answer = http.request(method, path)
        assert (answer.status_code, answer.json()["@type"]) == (405, "Error")
        assert set(answer.headers["Allow"].split(", ")) == set(allowed.split(", "))
    assert http.patch(f"{RESOURCES}/none", json={}).status_code == 404
