from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from rom.events.order_events import state_change_event
from rom.model.dates import date_text, parse_date
from rom.model.event_types import OrderEventType
from rom.model.order_states import ItemState, OrderState
from rom.orders.parse import parse_order
from rom.orders.render import ItemStatus, Note, OrderStatus, render_order

Body = dict[str, Any]
Item = Callable[..., Body]

BASE = "https://rom.example/tmf-api/resourceOrdering/v4"
NOON = datetime(2026, 11, 21, 12, 0, 0, 214_000, UTC)
NOTE = Note("n1", "RESOURCE_EXHAUSTED: pool VLAN, wanted 1, free 0", "ROM", NOON)


def status(**changes: Any) -> OrderStatus:
    values: dict[str, Any] = {
        "id": "o-1",
        "state": OrderState.HELD,
        "order_date": NOON,
        "items": {"1": ItemStatus(ItemState.HELD, (NOTE,))},
    }
    return OrderStatus(**(values | changes))


def rendered(body: Body, **changes: Any) -> Body:
    return render_order(parse_order(body).document, status(**changes), BASE)


def test_an_answer_has_what_the_conformance_profile_asks_for(item: Item) -> None:
    answer = rendered({"orderItem": [item()]})
    assert answer["id"] == "o-1"
    assert answer["href"] == f"{BASE}/resourceOrder/o-1"
    assert answer["orderDate"] == "2026-11-21T12:00:00.214Z"
    assert answer["state"] == "held"
    assert answer["@type"] == "ResourceOrder"
    entry = answer["orderItem"][0]
    assert (entry["id"], entry["action"], entry["state"]) == ("1", "add", "held")
    assert entry["resource"]["@type"] == "LogicalResource"


def test_what_was_sent_comes_back_with_it(whole_site: Body) -> None:
    whole_site |= {"@schemaLocation": "https://som.example/o.json", "crmCase": [1, {"a": None}]}
    states = {str(number): ItemStatus(ItemState.ACKNOWLEDGED) for number in range(1, 7)}
    answer = rendered(whole_site, items=states)
    for member in ("@type", "@schemaLocation", "crmCase", "priority", "relatedParty"):
        assert answer[member] == whole_site[member]
    for got, sent in zip(answer["orderItem"], whole_site["orderItem"], strict=True):
        assert got.pop("state") == "acknowledged"
        assert got == sent


def test_an_order_sent_back_as_a_new_one_is_the_same_order(whole_site: Body) -> None:
    states = {str(number): ItemStatus(ItemState.COMPLETED) for number in range(1, 7)}
    answer = rendered(whole_site, items=states)
    assert parse_order(answer) == parse_order(whole_site)


def test_notes_are_added_to_those_that_were_sent(item: Item) -> None:
    sent = {"id": "s1", "text": "call before shipping"}
    answer = rendered({"orderItem": [item()], "note": [sent]}, notes=(NOTE,))
    ours = {
        "id": "n1",
        "text": "RESOURCE_EXHAUSTED: pool VLAN, wanted 1, free 0",
        "author": "ROM",
        "date": "2026-11-21T12:00:00.214Z",
    }
    assert answer["note"] == [sent, ours]
    assert answer["orderItem"][0]["note"] == [ours]


def test_what_was_allocated_lies_over_the_items_resource(item: Item) -> None:
    items = {"1": ItemStatus(ItemState.COMPLETED, resource={"id": "r-9", "href": f"{BASE}/x"})}
    resource = rendered({"orderItem": [item()]}, items=items)["orderItem"][0]["resource"]
    assert (resource["id"], resource["place"]["id"]) == ("r-9", "ENT-7-HOB1")


def test_dates_appear_once_they_are_known(item: Item) -> None:
    assert "completionDate" not in rendered({"orderItem": [item()]})
    late = rendered(
        {"orderItem": [item()]},
        start_date=NOON,
        completion_date=NOON + timedelta(hours=1),
        cancellation_reason="moved",
    )
    assert late["completionDate"] == "2026-11-21T13:00:00.214Z"
    assert late["cancellationReason"] == "moved"


def test_an_answer_shares_nothing_with_the_document(item: Item) -> None:
    document = parse_order({"orderItem": [item()]}).document
    render_order(document, status(), BASE)["orderItem"][0]["resource"]["place"]["id"] = "X"
    assert document["orderItem"][0]["resource"]["place"]["id"] == "ENT-7-HOB1"


def test_an_event_carries_the_whole_order(item: Item) -> None:
    order = rendered({"orderItem": [item()]})
    event = state_change_event(
        OrderEventType.STATE_CHANGE,
        order,
        event_id="e-1",
        occurred=NOON,
        sent=NOON + timedelta(seconds=1),
        correlation_id="SO-7",
    )
    assert event == {
        "eventId": "e-1",
        "eventTime": "2026-11-21T12:00:01.214Z",
        "eventType": "ResourceOrderStateChangeEvent",
        "correlationId": "SO-7",
        "domain": "resourceOrdering",
        "title": "Resource order o-1 is held",
        "timeOcurred": "2026-11-21T12:00:00.214Z",
        "event": {"resourceOrder": order},
    }


def test_an_items_event_carries_the_item_beside_its_order(item: Item) -> None:
    order = rendered({"orderItem": [item()]})
    event = state_change_event(
        OrderEventType.ITEM_STATE_CHANGE, order, event_id="e-2", occurred=NOON, item_id="1"
    )
    assert event["eventType"] == "ResourceOrderItemStateChangeEvent"
    assert event["eventTime"] == event["timeOcurred"]
    assert event["event"]["resourceOrderItem"] == order["orderItem"][0]
    assert event["event"]["resourceOrder"] == order


def test_an_event_for_an_item_that_is_not_there_is_a_mistake(item: Item) -> None:
    order = rendered({"orderItem": [item()]})
    for kind, name in (
        (OrderEventType.ITEM_STATE_CHANGE, "9"),
        (OrderEventType.ITEM_STATE_CHANGE, None),
        (OrderEventType.CREATE, "1"),
    ):
        with pytest.raises(ValueError, match="item"):
            state_change_event(kind, order, event_id="e", occurred=NOON, item_id=name)


def test_dates_are_written_in_utc_whatever_their_zone() -> None:
    melbourne = NOON.astimezone(timezone(timedelta(hours=11)))
    assert date_text(melbourne) == "2026-11-21T12:00:00.214Z"
    assert parse_date(date_text(melbourne)) == NOON
    with pytest.raises(ValueError, match="time zone"):
        date_text(NOON.replace(tzinfo=None))
    for junk in ("", "2026-11-21", "2026-11-21T12:00:00", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(ValueError, match=r"."):
            parse_date(junk)
