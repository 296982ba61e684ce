import copy
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rom.model.errors import OrderRefused
from rom.model.order import Action, ExternalReference
from rom.orders.parse import parse_order

Body = dict[str, Any]
Item = Callable[..., Body]


def refusal(body: object, **options: Any) -> OrderRefused:
    with pytest.raises(OrderRefused) as caught:
        parse_order(body, **options)
    assert caught.value.reason
    assert caught.value.mend
    return caught.value


def test_an_order_is_read_with_its_parties_references_and_relationships(whole_site: Body) -> None:
    order = parse_order(whole_site)
    assert order.requester == "SOM"
    assert order.customer == "CUST-ENT-7"
    assert order.external_references == (ExternalReference("serviceOrder", "SO-7"),)
    assert [entry.depends_on for entry in order.items] == [(), ("1",), ("2",), ("1",), ("4",), ()]
    bearer = order.items[0]
    assert (bearer.site, bearer.specification, bearer.action) == (
        "ENT-7-HOB1", "RFS:GPON-Bearer", Action.ADD,
    )  # fmt: skip
    assert bearer.characteristics == {"bearerSpeed": "1G", "oltArea": "SOUTH-03"}
    assert bearer.name == "GPON-Bearer ENT-7-HOB1"


def test_unknown_attributes_and_at_members_stay_untouched(item: Item) -> None:
    body = {
        "@type": "EnterpriseResourceOrder",
        "@baseType": "ResourceOrder",
        "@schemaLocation": "https://som.example/order.json",
        "crmCase": {"number": 7, "tags": ["a", None]},
        "orderItem": [item(appointment={"id": "A-1"}, colour="blue")],
    }
    sent = copy.deepcopy(body)
    assert parse_order(body).document == sent
    assert body == sent


def test_the_document_shares_nothing_with_the_body(item: Item) -> None:
    body: Body = {"orderItem": [item()], "crmCase": {"number": 7}}
    order = parse_order(body)
    body["orderItem"][0]["resource"]["place"]["id"] = "ELSEWHERE"
    body["crmCase"]["number"] = 8
    assert order.document["orderItem"][0]["resource"]["place"]["id"] == "ENT-7-HOB1"
    assert order.document["crmCase"] == {"number": 7}


def test_both_spellings_of_no_change_become_one(item: Item) -> None:
    for spelling in ("no_change", "noChange"):
        order = parse_order({"orderItem": [item(action=spelling)]})
        assert order.items[0].action is Action.NO_CHANGE
        assert order.document["orderItem"][0]["action"] == "noChange"


def test_both_shapes_of_an_external_reference_become_one(item: Item) -> None:
    order = parse_order(
        {
            "orderItem": [item()],
            "externalReference": [
                {"id": "PO-1", "entityType": "productOrder", "owner": "SOM"},
                {"name": "SO-1", "externalReferenceType": "serviceOrder"},
            ],
            "externalId": "OLD-1",
        }
    )
    assert order.external_references == (
        ExternalReference("externalId", "OLD-1"),
        ExternalReference("productOrder", "PO-1"),
        ExternalReference("serviceOrder", "SO-1"),
    )
    assert order.document["externalReference"] == [
        {"id": "PO-1", "name": "PO-1", "externalReferenceType": "productOrder", "owner": "SOM"},
        {"name": "SO-1", "externalReferenceType": "serviceOrder"},
    ]


def test_the_specification_may_stand_in_the_resource(item: Item) -> None:
    body = item()
    body["resource"]["resourceSpecification"] = body.pop("resourceSpecification") | {
        "version": "1.0"
    }
    order = parse_order({"orderItem": [body]})
    assert order.items[0].specification == "RFS:VLAN-Service"
    assert order.items[0].specification_version == "1.0"


def test_place_may_be_a_list_with_other_roles_in_it(item: Item) -> None:
    body = item()
    body["resource"]["place"] = [
        {"id": "EXCHANGE-1", "role": "exchange"},
        {"id": "ENT-7-HOB2", "role": "InstallationSite"},
    ]
    assert parse_order({"orderItem": [body]}).items[0].site == "ENT-7-HOB2"


def test_members_that_only_the_server_sets_are_dropped(item: Item) -> None:
    body = {
        "id": "mine", "href": "http://x", "state": "completed", "orderDate": "yesterday",
        "completionDate": "1", "description": "kept", "orderItem": [item(state="completed")],
    }  # fmt: skip
    document = parse_order(body).document
    assert set(document) == {"description", "orderItem"}
    assert "state" not in document["orderItem"][0]


def test_dates_are_kept_in_utc(item: Item) -> None:
    body = {"orderItem": [item()], "requestedStartDate": "2026-03-31T19:50:43.2+1000"}
    assert parse_order(body).document["requestedStartDate"] == "2026-03-31T09:50:43.200Z"


def test_a_free_text_may_have_several_lines(item: Item) -> None:
    body = {"orderItem": [item()], "description": "two\nlines", "note": [{"text": "a\tb"}]}
    assert parse_order(body).document["description"] == "two\nlines"


@pytest.mark.parametrize("body", [None, [], "order", 7, True])
def test_what_is_no_object_is_refused(body: object) -> None:
    assert "send a JSON object" in refusal(body).mend


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"orderItem": None}, "orderItem"),
        ({"orderItem": []}, "orderItem"),
        ({"orderItem": "all"}, "orderItem"),
        ({"orderItem": [1]}, "orderItem[0]"),
        ({"priority": "high"}, "priority"),
        ({"priority": 5}, "priority"),
        ({"priority": True}, "priority"),
        ({"requestedStartDate": "tomorrow"}, "requestedStartDate"),
        ({"requestedStartDate": "2026-03-31T19:50:43"}, "requestedStartDate"),
        ({"requestedCompletionDate": 7}, "requestedCompletionDate"),
        ({"externalReference": [{"owner": "x"}]}, "externalReference[0].name"),
        ({"externalReference": ["SO-1"]}, "externalReference[0]"),
        ({"externalReference": [{"name": 7}]}, "externalReference[0].name"),
        ({"relatedParty": [{"role": "customer"}]}, "relatedParty[0].id"),
        ({"relatedParty": [{"role": "customer", "id": "C\n1"}]}, "relatedParty[0].id"),
        ({"description": "nul\x00"}, "description"),
        ({"note": [{"text": "half \ud800"}]}, "note[0].text"),
        ({"x": {"y": float("nan")}}, "x.y"),
        ({"x\x00": 1}, ""),
    ],
)
def test_a_wrong_member_of_the_order_is_named(item: Item, order: Body, field: str) -> None:
    assert refusal({"orderItem": [item()]} | order).field == field


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"id": None}, "orderItem[1].id"),
        ({"id": "  "}, "orderItem[1].id"),
        ({"id": 2}, "orderItem[1].id"),
        ({"id": "x" * 256}, "orderItem[1].id"),
        ({"id": "1"}, "orderItem[1].id"),
        ({"action": None}, "orderItem[1].action"),
        ({"action": "create"}, "orderItem[1].action"),
        ({"quantity": 2}, "orderItem[1].quantity"),
        ({"resource": None}, "orderItem[1].resource"),
        ({"resource": "x"}, "orderItem[1].resource"),
        ({"resourceSpecification": None}, "orderItem[1].resourceSpecification"),
        ({"resourceSpecification": {}}, "orderItem[1].resourceSpecification.id"),
        ({"orderItemRelationship": "1"}, "orderItem[1].orderItemRelationship"),
        ({"orderItemRelationship": [{"orderItem": {}}]},
         "orderItem[1].orderItemRelationship[0].orderItem.itemId"),
        ({"orderItemRelationship": [{"id": "1"}]},
         "orderItem[1].orderItemRelationship[0].orderItem"),
        ({"orderItemRelationship": [{"relationshipType": "before", "orderItem": {"itemId": "1"}}]},
         "orderItem[1].orderItemRelationship[0].relationshipType"),
        ({"orderItemRelationship": [{"orderItem": {"itemId": "1", "resourceOrderId": "o"}}]},
         "orderItem[1].orderItemRelationship[0].orderItem.resourceOrderId"),
        ({"orderItemRelationship": [{"orderItem": {"itemId": "2"}}]},
         "orderItem[1].orderItemRelationship[0].orderItem.itemId"),
        ({"orderItemRelationship": [{"orderItem": {"itemId": "9"}}]},
         "orderItem[1].orderItemRelationship"),
    ],
)  # fmt: skip
def test_a_wrong_member_of_an_item_is_named(item: Item, members: Body, field: str) -> None:
    body = {"orderItem": [item("1"), item("2", site="ENT-7-HOB2") | members]}
    assert refusal(body).field == field


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        ({"place": None}, "place"),
        ({"place": "Hobart"}, "place"),
        ({"place": {"id": "X"}}, "place"),
        ({"place": {"role": "installationSite"}}, "place.id"),
        ({"place": {"role": "installationSite", "id": "a\rb"}}, "place.id"),
        ({"place": [{"role": "installationSite", "id": "A"},
                    {"role": "installationSite", "id": "B"}]}, "place"),
        ({"name": "a\x1b[2Jb"}, "name"),
        ({"resourceSpecification": {"id": "RFS:Other"}}, "resourceSpecification.id"),
        ({"resourceCharacteristic": "x"}, "resourceCharacteristic"),
        ({"resourceCharacteristic": [{"value": 1}]}, "resourceCharacteristic[0].name"),
        ({"resourceCharacteristic": [{"name": "a"}]}, "resourceCharacteristic[a]"),
        ({"resourceCharacteristic": [{"name": "a", "value": {}}]}, "resourceCharacteristic[a]"),
        ({"resourceCharacteristic": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]},
         "resourceCharacteristic[a]"),
    ],
)  # fmt: skip
def test_a_wrong_member_of_a_resource_is_named(item: Item, resource: Body, field: str) -> None:
    body = item()
    body["resource"] |= resource
    assert refusal({"orderItem": [body]}).field == f"orderItem[0].resource.{field}"


def test_two_items_with_one_id_are_refused_and_the_second_is_named(item: Item) -> None:
    found = refusal({"orderItem": [item(id="1"), item(id="2"), item(id=" 1 ")]})
    assert found.field == "orderItem[2].id"
    assert "'1' is used twice" in found.reason


def test_a_circle_of_items_is_named(item: Item) -> None:
    body = {
        "orderItem": [
            item("free"),
            item("a", after=("b",)),
            item("b", after=("c",)),
            item("c", after=("a", "free")),
        ]
    }
    refused = refusal(body)
    assert refused.field.endswith("orderItemRelationship")
    circle = refused.reason.rpartition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1]
    assert set(pairwise(circle)) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_a_long_chain_of_items_is_no_circle(item: Item) -> None:
    chain = [item(str(number), after=(str(number + 1),)) for number in range(998)]
    order = parse_order({"orderItem": [*chain, item("998")]})
    assert len(order.items) == 999


def test_too_many_items_are_refused(item: Item) -> None:
    body = {"orderItem": [item(str(number)) for number in range(4)]}
    assert "at most 3" in refusal(body, maximum_items=3).mend
    assert len(parse_order(body, maximum_items=4).items) == 4


def test_endless_nesting_is_refused(item: Item) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    assert refusal({"orderItem": [item()], "x": deep}).reason == "is nested too deeply"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["orderItem", "id", "action", "resource", "place", "role", "name", "value", "priority",
             "resourceCharacteristic", "resourceSpecification", "orderItemRelationship", "itemId",
             "externalReference", "relatedParty", "quantity"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


# The first text drawn builds a table of Unicode, which takes seconds on a busy machine.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_any_json_is_either_an_order_or_refused(body: object) -> None:
    try:
        order = parse_order(body)
    except OrderRefused:
        return
    assert order.items
    json.dumps(order.document, allow_nan=False).encode()
