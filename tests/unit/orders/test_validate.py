from collections.abc import Callable, Collection
from typing import Any

import pytest

from rom.catalog.bandwidth import Bandwidth
from rom.catalog.loader import Catalog
from rom.model.errors import OrderRefused
from rom.model.order import NewOrder
from rom.orders.validate import validate

Body = dict[str, Any]
Item = Callable[..., Body]


def judged(body: Body, catalog: Catalog) -> NewOrder:
    def known(sites: Collection[str]) -> dict[str, str]:
        return {site: "CUST-ENT-7" for site in sites if site.startswith("ENT-7-")}

    return validate(body, catalog, known)


def refusal(body: Body, catalog: Catalog) -> OrderRefused:
    with pytest.raises(OrderRefused) as caught:
        judged(body, catalog)
    return caught.value


def test_items_get_key_version_and_types(whole_site: Body, catalog: Catalog) -> None:
    order = judged(whole_site, catalog)
    assert [entry.key for entry in order.items] == ["bearer", "vlan", "ip", "qos", "sla", "ce"]
    assert {entry.specification_version for entry in order.items} == {"1.0"}
    assert order.items[3].typed["downstream"] == Bandwidth(500_000_000)
    assert order.items[3].characteristics["downstream"] == "500M"


def test_two_sites_may_come_in_one_order(whole_site: Body, item: Item, catalog: Catalog) -> None:
    whole_site["orderItem"].append(item("7", rfs="GPON-Bearer", site="ENT-7-HOB2"))
    assert judged(whole_site, catalog).items[6].site == "ENT-7-HOB2"


def test_an_unknown_site_is_refused(item: Item, catalog: Catalog) -> None:
    refused = refusal({"orderItem": [item(site="ENT-8-PER1")]}, catalog)
    assert refused.field == "orderItem[0].resource.place"
    assert "ENT-8-PER1" in refused.reason


def test_an_order_in_the_name_of_another_customer_is_refused(
    whole_site: Body, catalog: Catalog
) -> None:
    whole_site["relatedParty"][0]["id"] = "CUST-ENT-8"
    refused = refusal(whole_site, catalog)
    assert refused.field == "relatedParty[customer].id"
    assert "CUST-ENT-7" in refused.reason


def test_an_unknown_specification_or_version_is_refused(item: Item, catalog: Catalog) -> None:
    for reference in ({"id": "RFS:Fax"}, {"id": "RFS:CE-Router", "version": "9"}):
        refused = refusal({"orderItem": [item(resourceSpecification=reference)]}, catalog)
        assert refused.field == "orderItem[0].resourceSpecification"


@pytest.mark.parametrize(
    ("name", "value"),
    [("vlanType", "q-in-q"), ("vlanType", 7), ("colour", "red"), ("vlanType", "c-tag\n!")],
)
def test_a_wrong_characteristic_is_named(
    item: Item, catalog: Catalog, name: str, value: object
) -> None:
    body = item("1", rfs="VLAN-Service")
    kept = [c for c in body["resource"]["resourceCharacteristic"] if c["name"] != name]
    body["resource"]["resourceCharacteristic"] = [*kept, {"name": name, "value": value}]
    refused = refusal({"orderItem": [item("0", rfs="GPON-Bearer"), body]}, catalog)
    assert refused.field == f"orderItem[1].resource.resourceCharacteristic[{name}]"


def test_a_missing_characteristic_is_named(item: Item, catalog: Catalog) -> None:
    body = item()
    del body["resource"]["resourceCharacteristic"]
    refused = refusal({"orderItem": [body]}, catalog)
    assert refused.field == "orderItem[0].resource.resourceCharacteristic[vlanType]"
    assert refused.reason == "is missing"


def test_a_modify_names_only_what_changes(item: Item, catalog: Catalog) -> None:
    body = item("1", rfs="QoS-Policy", action="modify")
    body["resource"]["resourceCharacteristic"] = [{"name": "downstream", "value": "800M"}]
    order = judged({"orderItem": [body]}, catalog)
    assert order.items[0].typed == {"downstream": Bandwidth(800_000_000)}
    body["resource"]["resourceCharacteristic"] = [{"name": "downstream", "value": "fast"}]
    assert "downstream" in refusal({"orderItem": [body]}, catalog).field


def test_a_delete_needs_no_characteristics(item: Item, catalog: Catalog) -> None:
    body = item("1", rfs="QoS-Policy", action="delete")
    del body["resource"]["resourceCharacteristic"]
    assert judged({"orderItem": [body]}, catalog).items[0].typed == {}


def test_a_site_takes_one_item_of_a_kind(item: Item, catalog: Catalog) -> None:
    body = {"orderItem": [item("1"), item("2", site="ENT-7-HOB2"), item("3")]}
    refused = refusal(body, catalog)
    assert refused.field == "orderItem[2]"
    assert "another vlan item, 1" in refused.reason


def test_a_relationship_against_the_technical_order_is_refused(
    item: Item, catalog: Catalog
) -> None:
    body = {
        "orderItem": [
            item("1", rfs="GPON-Bearer", after=("6",)),
            item("6", rfs="CE-Router"),
        ]
    }
    refused = refusal(body, catalog)
    assert "technical order" in refused.reason
    assert set(refused.reason.rpartition(": ")[2].split(" -> ")) == {"1", "6"}
    body["orderItem"][1]["resource"]["place"]["id"] = "ENT-7-HOB2"
    assert judged(body, catalog).items[0].depends_on == ("6",)


def test_a_retired_specification_takes_no_new_items(item: Item, catalog: Catalog) -> None:
    retired = Catalog(
        spec.model_copy(update={"lifecycleStatus": "Retired"}) for spec in catalog.specifications()
    )
    assert "Retired" in refusal({"orderItem": [item()]}, retired).reason
    assert judged({"orderItem": [item(action="delete")]}, retired).items[0].key == "vlan"
