"""Held items: retried, completed on somebody's word, cancelled; and who gets what comes free."""

from typing import Any

import pytest

from inventory.conditions import Listing
from rom.model.errors import NotPossible
from rom.model.order_states import ItemState
from rom.orders.fallout import Decision
from rom.store import order_items
from rom.store.order_query import find_cancellations

SITE = "ENT-1102-MELB"
WHY = Decision("ticket 7", "noc-anna")


@pytest.fixture
def refused(north: Any, pilot: Any, only: Any) -> str:
    """An order whose device has said no."""
    order_id: str = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.do(
        "UPDATE change SET state = 'refused', reason = 'DEVICE_REFUSED', error = 'no memory'"
    )
    north.rom.run(SITE)
    assert north.rom.item(order_id).state == "held"
    return order_id


def test_a_retry_sends_what_was_refused_once_more(north: Any, refused: str) -> None:
    order = north.fallout.retry(refused, WHY)
    assert order["state"] == "inProgress"
    assert north.devices == ["OLT-SOUTH-03"]
    assert north.row("SELECT state FROM change").state == "waiting"
    assert north.rom.notes(refused)[-1] == "RETRIED: by noc-anna: ticket 7"
    north.rom.write()
    north.rom.run(SITE)
    assert north.rom.item(refused).state == "completed"


def test_an_order_is_told_completed_after_all_its_items(north: Any, pilot: Any) -> None:
    """Who takes its listener off at the order's last event has heard of every item."""
    order_id = north.post(pilot)
    north.rom.do("UPDATE resource_order SET state = 'inProgress'")
    north.rom.do("UPDATE order_item SET state = 'inProgress', step = 'verifying'")
    with north.rom.engine.begin() as connection:
        for item in order_items.items_of_orders(connection, [order_id]):
            north.rom.transitions.move(connection, item, ItemState.COMPLETED, step="done")
    told = north.events(order_id)[1:]
    items = len(pilot["orderItem"])
    assert told == [
        *[("ResourceOrderItemStateChangeEvent", "completed")] * items,
        ("ResourceOrderStateChangeEvent", "completed"),
    ]
    *before, last = [
        (row.payload["event"]["resourceOrder"]["state"])
        for row in north.rows("SELECT payload FROM event_outbox ORDER BY sequence")
        if "resourceOrder" in row.payload["event"]
    ][1:]
    assert (set(before), last) == ({"inProgress"}, "completed")


def test_what_is_not_held_is_not_retried(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    with pytest.raises(NotPossible, match="not held"):
        north.fallout.retry(order_id, WHY, "ROI-001")
    with pytest.raises(LookupError):
        north.fallout.retry(order_id, WHY, "ROI-009")
    with pytest.raises(LookupError):
        north.fallout.retry("RO-0", WHY)


def test_a_person_may_vouch_for_what_is_configured(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.write()
    north.rom.do("UPDATE order_item SET state = 'held', step = 'verifying', reason = 'WRONG_ONT'")
    north.rom.do("UPDATE reservation SET state = 'standby'")
    north.rom.do("UPDATE resource_order SET state = 'held'")
    order = north.fallout.complete(order_id, "ROI-001", WHY)
    assert order["state"] == "completed"
    assert north.rom.notes(order_id)[-1] == "COMPLETED_BY_HAND: by noc-anna: ticket 7"
    found = north.row("SELECT kind, result, evidence FROM verdict")
    assert (found.kind, found.result) == ("manual", "INDETERMINATE")
    assert {row.state for row in north.rows("SELECT state FROM reservation")} == {"in-use"}


def test_nobody_vouches_for_what_no_device_has(north: Any, refused: str) -> None:
    with pytest.raises(NotPossible, match="not on its devices"):
        north.fallout.complete(refused, "ROI-001", WHY)


def test_a_held_item_is_cancelled_alone_and_the_others_go_on(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    before = set(north.holdings(SITE))
    north.rom.do("UPDATE order_item SET state = 'held' WHERE item_id = 'ROI-005'")
    task = north.fallout.cancel(order_id, "ROI-005", WHY)
    assert task["orderItem"] == [{"id": "ROI-005"}]
    north.runner.advance(SITE)
    assert north.rom.item(order_id, "ROI-005").state == "cancelled"
    assert north.cancellations.find(task["id"])["state"] == "done"
    assert north.order(order_id).state == "inProgress"
    assert set(north.holdings(SITE)) < before
    assert {"bearer", "vlan"} <= set(north.holdings(SITE))
    with north.rom.engine.connect() as connection:  # it is no cancellation as TMF652 means one
        assert find_cancellations(connection, Listing()) == ([], 0)


def test_an_item_that_others_need_is_not_cancelled_alone(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    north.rom.do("UPDATE order_item SET state = 'held' WHERE item_id = 'ROI-001'")
    with pytest.raises(NotPossible, match="needed by"):
        north.fallout.cancel(order_id, "ROI-001", WHY)


def test_a_stuck_cancellation_is_retried_too(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.write()
    north.cancel(order_id)
    north.runner.advance(SITE)
    north.rom.do(
        "UPDATE change SET state = 'refused', reason = 'FOREIGN_CONTENT', error = 'x' "
        "WHERE kind = 'rollback'"
    )
    assert north.runner.advance(SITE).blocked
    north.fallout.retry(order_id, WHY)
    assert north.row("SELECT state FROM change WHERE kind = 'rollback'").state == "waiting"
    north.rom.write()
    north.runner.advance(SITE)
    assert north.order(order_id).state == "cancelled"


def test_a_later_smaller_order_takes_nothing_from_the_pool_an_earlier_one_waits_for(
    north: Any, pilot: Any
) -> None:
    """Sydney's two offices share an access switch's uplink; the first wants more than is left."""
    first = north.rom.order("so-wave1-sydney-1")
    second = north.rom.order("so-wave2-brisbane")
    capacity = "UPDATE pool SET capacity = used_elsewhere + :free WHERE capacity IS NOT NULL"
    north.rom.do(capacity, free=1_000_000)
    north.rom.run("ENT-1102-SYD1")
    assert north.rom.item(first).reason == "RESOURCE_EXHAUSTED"
    (waits,) = {tuple(row.short_of) for row in north.rows(
        "SELECT short_of FROM order_item WHERE order_id = :id", id=first
    )}  # fmt: skip
    assert waits
    north.rom.do("UPDATE order_item SET short_of = (SELECT array_agg(name) FROM pool "
                 "WHERE capacity IS NOT NULL) WHERE order_id = :id", id=first)  # fmt: skip
    north.rom.do(capacity, free=10_000_000_000)
    north.rom.do("UPDATE order_item SET due_at = now() + interval '1 hour'")
    with north.rom.engine.begin() as connection:
        view = north.rom.fulfiller._view(connection, "ENT-1102-BNE1")
        north.rom.fulfiller._handler.advance(connection, view, lambda _: None)
    (note,) = set(north.rom.notes(second))
    assert f"order {first} came before and is short of it" in note
    north.rom.fulfiller.retry_held(now=True)  # in the order of arrival both get their share
    assert north.rom.item(first).step == "reserved"
    assert north.rom.item(second, "BNE1-ROI-001").step == "reserved"
