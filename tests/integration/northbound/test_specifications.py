"""TMF634 specifications over HTTP: judged like catalog files, versions kept, orders follow."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from rom.catalog.live import LOOK_SECONDS, LiveCatalog
from rom.catalog.loader import load_catalog, parse_specification
from rom.catalog.published import extra_members, published, specification_content
from rom.store.database import make_engine

SPECIFICATIONS = "/tmf-api/resourceCatalog/v4/resourceSpecification"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
MERGE = {"Content-Type": "application/merge-patch+json"}
OF_THE_SERVICE = {
    "RFS:GPON-Bearer", "RFS:P2P-Ethernet-Bearer", "RFS:VLAN-Service", "RFS:IP-Profile",
    "RFS:QoS-Policy", "RFS:SLA-Monitoring", "RFS:CE-Router",
}  # fmt: skip
"""Whatever else a release ships."""
BEARER = f"{SPECIFICATIONS}/RFS:GPON-Bearer"
Order = Callable[..., dict[str, Any]]


def test_every_shipped_specification_is_shown_with_all_the_standard_asks_for(
    http: TestClient,
) -> None:
    shown = http.get(SPECIFICATIONS).json()
    assert {entry["id"] for entry in shown} == {s.id for s in load_catalog().specifications()}
    for entry in shown:
        needed = {"id", "href", "name", "isBundle", "lastUpdate", "lifecycleStatus", "@type"}
        assert needed <= set(entry)
        assert http.get(entry["href"]).json() == entry
        for characteristic in entry["resourceSpecCharacteristic"]:
            assert {"name", "configurable", "extensible", "isUnique"} <= set(characteristic)


def test_what_is_published_says_all_that_the_file_says() -> None:
    for spec in load_catalog().specifications():
        document = published(spec, {}, datetime.now(UTC), "http://rom")
        again = parse_specification("again", specification_content(document))
        second = published(again, extra_members(document), datetime.now(UTC), "http://rom")
        for changing in ("lastUpdate",):
            document.pop(changing)
            second.pop(changing)
        assert second == document
        assert again.model_dump(
            include={"reserve", "configure", "preconditions", "steps", "derive"}
        ) == (spec.model_dump(include={"reserve", "configure", "preconditions", "steps", "derive"}))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=VLAN-Service", ["RFS:VLAN-Service"]),
        ("resourceSpecCharacteristic.name=oltArea", ["RFS:GPON-Bearer"]),
        ("resourceSpecCharacteristic.name=bearerSpeed&sort=-name&limit=1",
         ["RFS:P2P-Ethernet-Bearer"]),
        ("lifecycleStatus=Retired", []),
        ("lastUpdate.lt=2020-01-01", []),
        ("category=PhysicalResource&name*=^GPON", ["RFS:GPON-Bearer"]),
    ],
)  # fmt: skip
def test_specifications_are_filtered_like_everything_else(
    http: TestClient, query: str, found: list[str]
) -> None:
    answer = http.get(f"{SPECIFICATIONS}?{query}")
    shown = [entry["id"] for entry in answer.json() if entry["id"] in OF_THE_SERVICE]
    assert shown == found


def test_a_name_is_enough_for_a_specification_in_design(http: TestClient) -> None:
    made = http.post(SPECIFICATIONS, json={"name": "Dark Fibre", "x-owner": {"team": "access"}})
    assert made.status_code == 201, made.text
    document = made.json()
    assert document["id"] == "RFS:Dark-Fibre"
    assert made.headers["Location"] == document["href"]
    assert (document["version"], document["lifecycleStatus"]) == ("1.0", "In design")
    assert document["x-owner"] == {"team": "access"}
    assert http.get(document["href"]).json()["x-owner"] == {"team": "access"}
    assert http.post(SPECIFICATIONS, json={"name": "Dark Fibre"}).status_code == 409
    assert http.delete(document["href"]).status_code == 204
    assert http.get(document["href"]).status_code == 404
    assert http.delete(document["href"]).status_code == 404


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "body"),
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "A", "version": "one"}, "version"),
        ({"name": "A", "version": 1}, "version"),
        ({"name": "A", "lifecycleStatus": "Great"}, "lifecycleStatus"),
        ({"name": "A", "isBundle": True}, "isBundle"),
        ({"name": "A", "fulfilment": []}, "fulfilment"),
        ({"name": "A", "fulfilment": {"gates": []}}, "fulfilment.gates"),
        ({"name": "A", "fulfilment": {"preconditions": [{"before": "configure", "needs": ["x"]}]}},
         "fulfilment.preconditions[0].needs"),
        ({"name": "A", "fulfilment": {"reserve": [{"name": "r", "kind": "vlan",
          "match": {"area": "nothing"}}]}}, "fulfilment.reserve[0].match.area"),
        ({"name": "A", "fulfilment": {"steps": ["dance"]}}, "fulfilment.steps[0]"),
        ({"name": "A", "fulfilment": {"preconditions": [
            {"before": "lunch", "needs": ["vlan"]}]}}, "fulfilment.preconditions[0].before"),
        ({"name": "A", "fulfilment": {"configure": [
            {"role": "toaster", "fragment": "vlan-service"}]}}, "fulfilment.configure[0].role"),
        ({"name": "A", "fulfilment": {"configure": [{"role": "bng", "fragment": "bread"}],
          "preconditions": [{"before": "configure", "needs": ["vlan"]}]}},
         "fulfilment.configure[0].fragment"),
        ({"name": "A", "fulfilment": {"reserve": [{"name": "r", "kind": "toast"}]}},
         "fulfilment.reserve[0].kind"),
        ({"name": "A", "lifecycleStatus": "Active", "fulfilment": {"steps": ["configure"]}},
         "fulfilment.steps"),
        ({"name": "A", "lifecycleStatus": "Active", "fulfilment": {
            "configure": [{"role": "radius", "fragment": "ip-profile"}],
            "preconditions": [{"before": "configure", "needs": ["ip"]}]}}, "fulfilment.configure"),
        ({"name": "A", "resourceSpecCharacteristic": {}}, "resourceSpecCharacteristic"),
        ({"name": "A", "resourceSpecCharacteristic": [{"name": "c", "regex": "("}]},
         "resourceSpecCharacteristic[0].regex"),
        ({"name": "A", "resourceSpecCharacteristic": [{"name": "c", "maxCardinality": 5}]},
         "resourceSpecCharacteristic[0].maxCardinality"),
        ({"name": "A", "resourceSpecCharacteristic": [{"name": "c"}, {"name": "c"}]},
         "resourceSpecCharacteristic"),
    ],
)  # fmt: skip
def test_a_document_is_judged_as_a_catalog_file_is(http: TestClient, body: Any, named: str) -> None:
    answer = http.post(SPECIFICATIONS, json=body)
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(f"{named}:"), answer.text


def test_a_used_specification_gets_a_new_version_and_orders_keep_theirs(
    alone: TestClient, database_url: str, order: Order
) -> None:
    http, engine = alone, make_engine(database_url)
    taken = http.post(ORDERS, json=order()).json()
    before = http.get(BEARER).json()
    assert http.delete(BEARER).status_code == 409
    entries = before["resourceSpecCharacteristic"] + [{"name": "colour", "valueType": "string"}]
    patch = {"resourceSpecCharacteristic": entries}
    changed = http.patch(BEARER, json=patch, headers=MERGE)
    assert changed.status_code == 200, changed.text
    assert (before["version"], changed.json()["version"]) == ("1.0", "1.1")
    assert http.get(BEARER).json()["version"] == "1.1"
    assert http.get(BEARER, params={"version": "1.0"}).json() == before
    versions = http.get(SPECIFICATIONS, params={"version.ne": "7", "id": "RFS:GPON-Bearer"})
    assert [entry["version"] for entry in versions.json()] == ["1.0", "1.1"]
    same = http.get(f"{ORDERS}/{taken['id']}").json()
    assert same["orderItem"][0]["resource"] == taken["orderItem"][0]["resource"]
    with engine.connect() as connection:
        kept = connection.scalar(
            sa.text("SELECT version FROM order_item WHERE order_id = :id AND key = 'bearer'"),
            {"id": taken["id"]},
        )
    assert kept == "1.0"
    # Another process, whose catalog was read before, follows.
    other = LiveCatalog(engine, load_catalog())
    assert other.specification("RFS:GPON-Bearer").version == "1.1"
    retired = http.patch(f"{BEARER}?version=1.1", json={"lifecycleStatus": "Retired"})
    assert (retired.status_code, retired.json()["version"]) == (200, "1.1")
    other._looked -= LOOK_SECONDS  # as if that long ago
    assert other.specification("RFS:GPON-Bearer").version == "1.0"
    engine.dispose()


def test_orders_are_judged_by_the_catalog_as_it_is_now(http: TestClient, order: Order) -> None:
    document = order("so-wave2-brisbane")
    vlan = f"{SPECIFICATIONS}/RFS:VLAN-Service"
    operations = [{"op": "replace", "path": "/lifecycleStatus", "value": "Retired"}]
    kind = {"Content-Type": "application/json-patch+json"}
    for value, status in (("Retired", 400), ("Active", 201)):
        operations[0]["value"] = value
        assert http.patch(vlan, json=operations, headers=kind).status_code == 200
        assert http.post(ORDERS, json=document).status_code == status


@pytest.mark.parametrize(
    ("headers", "patch", "status"),
    [
        (MERGE, {"id": "other"}, 400),
        (MERGE, {"lastUpdate": None}, 400),
        (MERGE, [], 400),
        ({"Content-Type": "application/json-patch+json"}, {}, 400),
        ({"Content-Type": "application/json-patch+json"}, [{"op": "move"}], 400),
        ({"Content-Type": "application/json-patch+json"}, [1], 400),
        ({"Content-Type": "application/json-patch+json"},
         [{"op": "test", "path": "/name", "value": "no"}], 409),
        ({"Content-Type": "text/plain"}, {}, 415),
    ],
)  # fmt: skip
def test_a_patch_that_does_not_fit_changes_nothing(
    http: TestClient, headers: dict[str, str], patch: Any, status: int
) -> None:
    before = http.get(BEARER).json()
    answer = http.patch(BEARER, json=patch, headers=headers)
    assert (answer.status_code, answer.json()["@type"]) == (status, "Error")
    assert http.get(BEARER).json() == before
