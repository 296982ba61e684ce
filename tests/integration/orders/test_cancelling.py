"""Cancelling: what had no effect is released, what had is taken back, and nobody else notices."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rom.model.errors import CancelImpossible, OrderRefused

SITE = "ENT-1102-MELB"


def steps(north: Any, order_id: str) -> set[tuple[str, str]]:
    rows = north.rows("SELECT state, step FROM order_item WHERE order_id = :id", id=order_id)
    return {(row.state, row.step) for row in rows}


def test_an_order_that_nothing_was_sent_for_is_cancelled_at_once_and_its_resources_are_free(
    north: Any, pilot: Any
) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    held = north.holdings(SITE)
    assert held
    task_id = north.cancel(order_id, cancellationReason="customer changed its mind")
    step = north.runner.advance(SITE)
    task = north.cancellations.find(task_id)
    assert (task["state"], step.blocked, step.devices) == ("done", False, set())
    assert "effectiveCancellationDate" in task
    order = north.order(order_id)
    assert (order.state, order.cancellation_reason) == ("cancelled", "customer changed its mind")
    assert order.cancelled_at is not None
    assert {state for state, _ in steps(north, order_id)} == {"cancelled"}
    assert north.holdings(SITE) == []
    assert not north.rows("SELECT 1 FROM resource WHERE state IN ('quarantined', 'allocated')")
    assert not north.rows("SELECT 1 FROM change WHERE state IN ('waiting', 'blocked', 'claimed')")
    assert not north.rows("SELECT 1 FROM site_intent")
    assert not north.rows("SELECT 1 FROM ztp_ticket")


def test_the_site_can_be_ordered_again_after_it(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    north.cancel(order_id)
    north.runner.advance(SITE)
    again = north.post(pilot | {"description": "second try"})
    north.rom.run(SITE)
    assert north.rom.item(again).step == "queued"


def test_every_transition_is_told_once_and_in_order(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.cancel(order_id)
    north.runner.advance(SITE)
    assert north.events(order_id) == [
        ("ResourceOrderCreateEvent", "acknowledged"),
        ("CancelResourceOrderCreateEvent", "acknowledged"),
        ("CancelResourceOrderStateChangeEvent", "inProgress"),
        ("ResourceOrderStateChangeEvent", "assessingCancellation"),
        ("ResourceOrderItemStateChangeEvent", "assessingCancellation"),
        ("ResourceOrderStateChangeEvent", "pendingCancellation"),
        ("ResourceOrderItemStateChangeEvent", "pendingCancellation"),
        ("ResourceOrderItemStateChangeEvent", "cancelled"),
        ("ResourceOrderStateChangeEvent", "cancelled"),
        ("CancelResourceOrderStateChangeEvent", "done"),
    ]


def test_a_commit_under_way_is_waited_for_and_then_taken_back(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.do("UPDATE change SET state = 'claimed', transaction = 'claim-1'")
    north.cancel(order_id)
    step = north.runner.advance(SITE)
    assert (step.blocked, step.devices) == (True, set())
    assert north.order(order_id).state == "pendingCancellation"
    assert north.row("SELECT state FROM change").state == "claimed"
    north.rom.do("UPDATE change SET state = 'done'")
    step = north.runner.advance(SITE)
    assert (step.blocked, step.devices) == (True, {"OLT-SOUTH-03"})
    (asked,) = north.rows("SELECT * FROM change WHERE kind = 'rollback'")
    assert asked.state == "waiting"
    assert not north.rows("SELECT 1 FROM site_intent WHERE fragments <> '[]'")
    north.rom.write()
    assert north.holdings(SITE)  # held until the device is clean
    north.runner.advance(SITE)
    assert north.order(order_id).state == "cancelled"
    assert north.holdings(SITE) == []
    assert north.rows("SELECT 1 FROM resource WHERE state = 'quarantined'")


def test_advancing_again_and_again_asks_no_device_twice(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.write()
    north.cancel(order_id)
    for _ in range(3):
        assert north.runner.advance(SITE).blocked
    assert len(north.rows("SELECT 1 FROM change WHERE kind = 'rollback'")) == 1


def test_a_device_that_cannot_be_reached_keeps_the_cancellation_open_and_is_told_once(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.write()
    task_id = north.cancel(order_id)
    north.runner.advance(SITE)
    north.rom.do(
        "UPDATE change SET attempts = 4, reason = 'DEVICE_UNREACHABLE', error = 'no route' "
        "WHERE kind = 'rollback'"
    )
    for _ in range(3):
        assert north.runner.advance(SITE).blocked
    task = north.cancellations.find(task_id)
    assert task["state"] == "inProgress"
    assert task["note"][0]["text"] == f"{SITE}: OLT-SOUTH-03: DEVICE_UNREACHABLE: no route"
    assert north.order(order_id).state == "pendingCancellation"
    asked = [kind for kind, _ in north.events(order_id) if "InformationRequired" in kind]
    assert asked == ["CancelResourceOrderInformationRequiredEvent"]
    assert [n for n in north.rom.notes(order_id) if n.startswith("CANCEL_STUCK: ")]
    north.rom.write()
    north.runner.advance(SITE)
    assert north.order(order_id).state == "cancelled"


def test_a_denied_cancellation_leaves_everything_exactly_where_it_was(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001", "ROI-002"))
    north.rom.run(SITE)
    north.rom.do(
        "UPDATE order_item SET state = 'completed', step = 'done' WHERE item_id = 'ROI-001'"
    )
    later = north.post(only(pilot, "ROI-003"))  # its addresses stand on that VLAN
    text = "SELECT item_id, state, step, reason, attempts, due_at FROM order_item ORDER BY 1"
    before = (north.order(order_id).state, north.rows(text), north.holdings(SITE))
    task_id = north.cancel(order_id)
    step = north.runner.advance(SITE)
    assert not step.blocked
    assert (north.order(order_id).state, north.rows(text), north.holdings(SITE)) == before
    task = north.cancellations.find(task_id)
    assert task["state"] == "done"
    assert later in task["note"][0]["text"]
    assert "effectiveCancellationDate" not in task
    assert any(note.startswith("CANCEL_DENIED: ") for note in north.rom.notes(order_id))
    states = [
        state for kind, state in north.events(order_id) if kind.endswith("OrderStateChangeEvent")
    ]
    assert states[-4:] == ["inProgress", "assessingCancellation", before[0], "done"]


def test_items_under_cancellation_are_moved_by_nobody_else(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.do("UPDATE change SET state = 'claimed', transaction = 'claim-1'")
    north.cancel(order_id)
    north.runner.advance(SITE)
    assert north.rom.run(SITE).devices == set()
    assert north.rom.item(order_id).state == "pendingCancellation"


def test_all_sites_of_an_order_are_taken_back_before_it_is_cancelled(north: Any) -> None:
    order_id = north.rom.order("so-wave2-brisbane")
    sites = ("ENT-1102-BNE1", "ENT-1102-BNE2")
    for site in sites:
        north.rom.run(site)
    north.rom.do("UPDATE change SET state = 'claimed' WHERE site = :site", site=sites[1])
    north.cancel(order_id)
    step = north.runner.advance(sites[0])
    assert set(sites) <= step.sites
    assert not step.blocked
    assert north.order(order_id).state == "pendingCancellation"
    assert north.holdings(sites[0]) == []
    assert north.runner.advance(sites[1]).blocked
    north.rom.do("UPDATE change SET state = 'waiting' WHERE state = 'claimed'")
    north.runner.advance(sites[1])
    assert north.order(order_id).state == "cancelled"
    assert north.holdings(sites[1]) == []


def test_a_final_order_and_a_second_cancellation_are_refused(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.cancel(order_id)
    with pytest.raises(CancelImpossible, match="open cancellation") as second:
        north.cancel(order_id)
    assert second.value.code == "cancellationOpen"
    north.runner.advance(SITE)
    with pytest.raises(CancelImpossible, match="is cancelled") as final:
        north.cancel(order_id)
    assert final.value.code == "orderFinal"
    with pytest.raises(LookupError):
        north.cancel("RO-0")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "resourceOrder"),
        ({"resourceOrder": {}}, "resourceOrder.id"),
        ({"resourceOrder": {"id": "RO-1"}, "requestedCancellationDate": "soon"}, "requestedCanc"),
        ({"resourceOrder": {"id": "RO-1"}, "cancellationReason": 7}, "cancellationReason"),
    ],
)
def test_a_malformed_cancellation_names_its_field(north: Any, body: Any, field: str) -> None:
    with pytest.raises(OrderRefused) as refused:
        north.cancellations.request(body)
    assert refused.value.field.startswith(field)


def test_a_cancellation_waits_for_its_date(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    task_id = north.cancel(order_id, requestedCancellationDate=later)
    north.runner.advance(SITE)
    assert north.order(order_id).state == "acknowledged"
    north.rom.do("UPDATE cancel_task SET due_at = now()")
    north.runner.advance(SITE)
    assert north.cancellations.find(task_id)["state"] == "done"
    assert north.order(order_id).state == "cancelled"


def test_what_the_sender_gave_round_trips(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    task_id = north.cancel(order_id, **{"@type": "OurCancel", "own": {"a": [1]}, "id": "x"})
    task = north.cancellations.find(task_id)
    assert (task["@type"], task["own"]) == ("OurCancel", {"a": [1]})
    assert task["id"] == task_id
    assert task["href"].endswith(f"/cancelResourceOrder/{task_id}")
    assert task["resourceOrder"]["href"].endswith(f"/resourceOrder/{order_id}")


def modified(pilot: Any, only: Any, item_id: str, **values: str) -> Any:
    document = only(pilot, item_id)
    (item,) = document["orderItem"]
    item["action"] = "modify"
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": value} for name, value in values.items()
    ]
    return document


@pytest.fixture
def in_service(north: Any, pilot: Any, only: Any) -> None:
    """The site's bearer, VLAN, addresses and rate are completed."""
    order_id = north.post(only(pilot, "ROI-001", "ROI-002", "ROI-003", "ROI-004"))
    for _ in range(4):
        north.rom.run(SITE)
        north.rom.write()
    assert steps(north, order_id) == {("completed", "done")}


def wanted(north: Any) -> list[Any]:
    return north.rows("SELECT device, fragments FROM site_intent ORDER BY device")


def test_a_modify_on_which_another_change_stands_is_not_taken_back(
    north: Any, pilot: Any, only: Any, in_service: None
) -> None:
    faster = north.post(modified(pilot, only, "ROI-004", downstream="200M", upstream="200M"))
    north.rom.run(SITE)
    later = north.post(modified(pilot, only, "ROI-001", bearerSpeed="2G"))
    north.rom.run(SITE)
    task_id = north.cancel(faster)
    north.runner.advance(SITE)
    note = north.cancellations.find(task_id)["note"][-1]["text"]
    assert "denied" in note
    assert later in note


def test_a_modify_that_nothing_was_asked_for_leaves_what_another_has_brought(
    north: Any, pilot: Any, only: Any, in_service: None
) -> None:
    waiting = north.post(modified(pilot, only, "ROI-001", bearerSpeed="2G"))
    north.rom.do(
        "UPDATE order_item SET state = 'held', reason = 'DEVICE_REFUSED' WHERE order_id = :id",
        id=waiting,
    )
    north.post(modified(pilot, only, "ROI-004", downstream="200M", upstream="200M"))
    north.rom.run(SITE)
    before = wanted(north)
    north.cancel(waiting)
    north.runner.advance(SITE)
    assert north.order(waiting).state == "cancelled"
    assert wanted(north) == before
