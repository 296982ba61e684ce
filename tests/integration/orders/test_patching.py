"""PATCH and DELETE of orders: attributes, states, items before anything has left."""

import json
from pathlib import Path
from typing import Any

import pytest

from inventory.model import ResourceExhausted
from rom.documents.patching import PatchKind
from rom.model.errors import (
    CancelImpossible,
    IllegalTransition,
    NotPossible,
    OrderRefused,
    PatchRefused,
    PatchTestFailed,
)
from rom.model.order_states import (
    CLIENT_ITEM_TRANSITIONS,
    CLIENT_ORDER_TRANSITIONS,
    ITEM_LIFE,
    ORDER_LIFE,
    ItemState,
    OrderState,
)

SITE = "ENT-1102-MELB"
MERGE, JSON = PatchKind.MERGE, PatchKind.JSON
DIAGRAM = Path(__file__).parents[4] / "shared" / "tmf" / "tmf652_state_machine.json"


def everything(north: Any) -> list[Any]:
    """All that a refused change must leave as it is."""
    tables = ("resource_order", "order_item", "item_note", "event_outbox", "change", "cancel_task")
    return [north.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608 - names above


def test_a_merge_patch_changes_attributes_and_tells_which(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    patch = {"description": "new words", "priority": 0, "own": {"a": [1, {"b": None}]}}
    order = north.amendments.patch(order_id, MERGE, patch)
    assert (order["description"], order["priority"], order["own"]) == (
        "new words", 0, {"a": [1, {"b": None}]},
    )  # fmt: skip
    row = north.row("SELECT payload FROM event_outbox ORDER BY sequence DESC LIMIT 1")
    assert row.payload["eventType"] == "ResourceOrderAttributeValueChangeEvent"
    assert row.payload["fieldPath"] == "description,own,priority"
    assert row.payload["event"]["resourceOrder"]["description"] == "new words"


def test_a_patch_of_a_started_order_tells_of_what_it_changes_alone(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    assert "startDate" in north.amendments.patch(order_id, MERGE, {"description": "new words"})
    row = north.row("SELECT payload FROM event_outbox ORDER BY sequence DESC LIMIT 1")
    assert row.payload["fieldPath"] == "description"
    assert "startDate" not in north.order(order_id).document


def test_an_order_is_not_patched_into_another_customers_name(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    before = everything(north)
    patch = {"relatedParty": [{"id": "CUST-OTHER", "role": "customer"}]}
    with pytest.raises(OrderRefused, match="CUST-ENT-1102") as refused:
        north.amendments.patch(order_id, MERGE, patch)
    assert refused.value.field == "relatedParty[customer].id"
    assert everything(north) == before


def test_a_json_patch_works_on_the_order_as_it_is_shown(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    operations = [
        {"op": "test", "path": "/state", "value": "acknowledged"},
        {"op": "add", "path": "/note", "value": [{"id": "n1", "text": "call first"}]},
        {"op": "replace", "path": "/orderItem/0/resource/name", "value": "other name"},
    ]
    order = north.amendments.patch(order_id, JSON, operations)
    assert order["note"] == [{"id": "n1", "text": "call first"}]
    assert order["orderItem"][0]["resource"]["name"] == "other name"


def test_a_patch_that_changes_nothing_writes_nothing(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    shown = north.amendments.patch(order_id, MERGE, {})
    before = everything(north)
    assert north.amendments.patch(order_id, MERGE, shown) == shown
    assert everything(north) == before


@pytest.mark.parametrize(
    "name",
    [
        "id", "href", "orderDate", "completionDate", "startDate", "cancellationDate",
        "cancellationReason", "expectedCompletionDate", "@type", "@baseType", "@schemaLocation",
    ],
)  # fmt: skip
def test_what_nobody_patches_is_named(north: Any, pilot: Any, only: Any, name: str) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    before = everything(north)
    with pytest.raises(OrderRefused) as refused:
        north.amendments.patch(order_id, MERGE, {name: "2026-01-01T00:00:00Z", "description": "x"})
    assert refused.value.field == name
    assert everything(north) == before


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ([{"op": "replace", "path": "/nowhere/0", "value": 1}], "operation 0 at /nowhere/0"),
        ([{"op": "jump", "path": "/id"}], "operation 0 at /id"),
        ([{"op": "add", "path": "/a", "value": 1}, 7], "operation 1"),
        ({"op": "add"}, "array"),
        ([{"op": "add", "path": "/a", "value": 1}] * 501, "at most 500"),
        ([{"op": "replace", "path": "", "value": 1}], "no JSON object"),
    ],
)
def test_a_json_patch_that_cannot_be_done_names_the_pointer(
    north: Any, pilot: Any, only: Any, patch: Any, words: str
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    with pytest.raises(PatchRefused, match=words):
        north.amendments.patch(order_id, JSON, patch)


def test_a_failed_test_changes_nothing(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    operations = [
        {"op": "add", "path": "/description", "value": "x"},
        {"op": "test", "path": "/state", "value": "held"},
    ]
    with pytest.raises(PatchTestFailed, match="/state"):
        north.amendments.patch(order_id, JSON, operations)
    assert north.order(order_id).document["description"] == pilot["description"]


def test_the_gateways_notes_cannot_be_erased_but_ones_own_can(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001") | {"note": [{"id": "mine", "text": "a"}]})
    north.rom.do(
        "INSERT INTO item_note (order_id, text, author) VALUES (:id, 'CHECK_FAILED: x', 'ROM')",
        id=order_id,
    )
    order = north.amendments.patch(order_id, MERGE, {"note": [{"id": "other", "text": "b"}]})
    assert [note["text"] for note in order["note"]] == ["b", "CHECK_FAILED: x"]


@pytest.mark.parametrize("new", list(OrderState))
@pytest.mark.parametrize("old", list(OrderState))
def test_a_written_order_state_obeys_the_diagram_and_is_a_clients_to_write(
    states: Any, old: OrderState, new: OrderState
) -> None:
    north, order_id = states
    north.rom.do("UPDATE resource_order SET state = :s, started_at = now()", s=old)
    north.rom.do("UPDATE order_item SET state = :s", s="failed" if old == "partial" else old)
    before = everything(north)
    allowed = new in CLIENT_ORDER_TRANSITIONS.get(old, ())
    if old == new or allowed:
        north.amendments.patch(order_id, MERGE, {"state": new.value})
        assert (everything(north) == before) == (old == new)
        return
    error = NotPossible if new in ORDER_LIFE.arrows[old] else IllegalTransition
    with pytest.raises(error):
        north.amendments.patch(order_id, MERGE, {"state": new.value})
    assert everything(north) == before


@pytest.mark.parametrize("new", list(ItemState))
@pytest.mark.parametrize("old", list(ItemState))
def test_a_written_item_state_obeys_the_same_diagram(
    states: Any, old: ItemState, new: ItemState
) -> None:
    north, order_id = states
    order_state = "inProgress" if old in ("failed", "completed", "rejected", "cancelled") else old
    north.rom.do("UPDATE resource_order SET state = :s, started_at = now()", s=order_state)
    north.rom.do("UPDATE order_item SET state = :s", s=old)
    before = everything(north)
    patch = [{"op": "replace", "path": "/orderItem/0/state", "value": new.value}]
    allowed = new in CLIENT_ITEM_TRANSITIONS.get(old, ())
    if old == new or allowed:
        north.amendments.patch(order_id, JSON, patch)
        assert (everything(north) == before) == (old == new)
        return
    error = NotPossible if new in ITEM_LIFE.arrows[old] else IllegalTransition
    with pytest.raises(error):
        north.amendments.patch(order_id, JSON, patch)
    assert everything(north) == before


def test_our_tables_are_the_published_diagram() -> None:
    if not DIAGRAM.exists():
        pytest.skip("the published state machine is not on this machine")
    drawn = json.loads(DIAGRAM.read_text())
    ours = {old.value: sorted(new) for old, new in ORDER_LIFE.arrows.items()}
    assert ours == {old: sorted(new) for old, new in drawn["transitions"].items()}
    assert [state.value for state in OrderState] == drawn["orderStates"]
    assert [state.value for state in ItemState] == drawn["itemStates"]


@pytest.mark.parametrize("new", list(ItemState))
@pytest.mark.parametrize("old", list(ItemState))
def test_a_legal_transition_emits_one_event_and_an_illegal_one_none(
    states: Any, old: ItemState, new: ItemState
) -> None:
    north, order_id = states
    north.rom.do("UPDATE resource_order SET state = 'assessingCancellation'")  # follows nothing
    north.rom.do("UPDATE order_item SET state = :s", s=old)
    north.rom.do("DELETE FROM event_outbox")
    row = north.rom.item(order_id)
    if new not in ITEM_LIFE.arrows[old]:
        return
    with north.rom.engine.begin() as connection:
        north.rom.transitions.move(connection, row, new, by_cancellation=True)
    told = [kind for kind, _ in north.events(order_id) if "InformationRequired" not in kind]
    assert told == ["ResourceOrderItemStateChangeEvent"]


def test_an_item_that_waits_for_something_outside_says_that_information_is_required(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    with north.rom.engine.begin() as connection:
        north.rom.transitions.move(connection, north.rom.item(order_id), ItemState.PENDING)
    asked = [kind for kind, _ in north.events(order_id) if "InformationRequired" in kind]
    assert asked == ["ResourceOrderInformationRequiredEvent"]


def test_only_a_final_order_is_deleted_and_its_site_keeps_what_it_has(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    with pytest.raises(NotPossible, match="only a final order"):
        north.amendments.delete(order_id)
    north.rom.write()
    north.rom.run(SITE)
    assert north.order(order_id).state == "completed"
    held = north.holdings(SITE)
    north.amendments.delete(order_id)
    assert north.events(order_id)[-1][0] == "ResourceOrderDeleteEvent"
    with pytest.raises(LookupError):
        north.amendments.delete(order_id)
    with pytest.raises(LookupError):
        north.cancel(order_id)
    assert north.holdings(SITE) == held
    with pytest.raises(OrderRefused, match="already"):
        north.post(only(pilot, "ROI-001") | {"description": "again"})
    assert north.post(only(pilot, "ROI-002"))  # stands on the bearer that is still there


def test_a_final_order_is_not_patched_and_one_under_cancellation_neither(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.do("UPDATE change SET state = 'claimed'")
    north.cancel(order_id)
    north.runner.advance(SITE)
    with pytest.raises(CancelImpossible, match="being cancelled"):
        north.amendments.patch(order_id, MERGE, {"description": "x"})
    north.rom.do("UPDATE change SET state = 'waiting'")
    north.runner.advance(SITE)
    with pytest.raises(NotPossible, match="final"):
        north.amendments.patch(order_id, MERGE, {"description": "x"})


def rate(north: Any, order_id: str, speed: str) -> list[dict[str, Any]]:
    """A JSON Patch that sets both rates of the order's QoS item."""
    document = north.order(order_id).document
    operations = []
    for index, item in enumerate(document["orderItem"]):
        for number, each in enumerate(item["resource"]["resourceCharacteristic"]):
            if each["name"] in ("downstream", "upstream"):
                path = f"/orderItem/{index}/resource/resourceCharacteristic/{number}/value"
                operations.append({"op": "replace", "path": path, "value": speed})
    assert operations
    return operations


def amounts(north: Any) -> set[int]:
    rows = north.rows("SELECT amount FROM reservation WHERE amount IS NOT NULL")
    return {row.amount for row in rows}


def test_an_amended_rate_is_exchanged_before_anything_has_left(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    names, vlan = north.holdings(SITE), value_of(north, "vlan")
    north.amendments.patch(order_id, JSON, rate(north, order_id, "100M"))
    assert amounts(north) == {100_000_000, 105_000_000}  # the latter with its share of overhead
    assert (north.holdings(SITE), value_of(north, "vlan")) == (names, vlan)
    assert not north.rows("SELECT 1 FROM change")
    states = north.rows("SELECT DISTINCT state, step FROM order_item")
    assert [tuple(row) for row in states] == [("inProgress", "reserved")]
    assert any(note.startswith("AMENDED: ") for note in north.rom.notes(order_id))
    assert north.rom.run(SITE).devices  # goes on with the new plan
    assert not north.rows("SELECT 1 FROM change WHERE state = 'refused'")


def value_of(north: Any, name: str) -> Any:
    row = north.row(
        "SELECT value FROM resource JOIN reservation ON resource_id = resource.id WHERE name = :n",
        n=name,
    )
    return row.value


def test_an_amendment_that_needs_more_than_there_is_leaves_the_order_as_it_was(
    north: Any, pilot: Any
) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    north.rom.do("UPDATE pool SET capacity = used_elsewhere + 600000000 WHERE capacity IS NOT NULL")
    before = (everything(north), north.rows("SELECT * FROM reservation ORDER BY id"))
    with pytest.raises(ResourceExhausted):
        north.amendments.patch(order_id, JSON, rate(north, order_id, "900M"))
    assert (everything(north), north.rows("SELECT * FROM reservation ORDER BY id")) == before


def test_items_come_and_go_with_their_resources(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    everything_held = north.holdings(SITE)
    document = north.order(order_id).document
    fewer = [item for item in document["orderItem"] if item["id"] not in ("ROI-005", "ROI-006")]
    order = north.amendments.patch(order_id, MERGE, {"orderItem": fewer})
    assert [item["id"] for item in order["orderItem"]] == [item["id"] for item in fewer]
    assert set(north.holdings(SITE)) < set(everything_held)
    order = north.amendments.patch(order_id, MERGE, {"orderItem": document["orderItem"]})
    assert len(order["orderItem"]) == len(document["orderItem"])
    assert north.holdings(SITE) == everything_held
    north.rom.run(SITE)
    assert north.rom.item(order_id).step == "queued"


def test_once_something_has_left_the_way_is_a_modify_order(north: Any, pilot: Any) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    north.rom.do("UPDATE change SET state = 'claimed' WHERE item_id = 'ROI-001'")
    before = everything(north)
    with pytest.raises(NotPossible, match="ROI-001") as refused:
        north.amendments.patch(order_id, JSON, rate(north, order_id, "100M"))
    assert "modify order" in refused.value.mend
    assert everything(north) == before


def test_what_makes_an_item_another_one_is_refused(north: Any, pilot: Any, only: Any) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    with pytest.raises(OrderRefused) as refused:
        north.amendments.patch(
            order_id, JSON, [{"op": "replace", "path": "/orderItem/0/action", "value": "delete"}]
        )
    assert refused.value.field == "orderItem[0].action"


WRONG = ["x", 1, True, ["x"], {"a": 1}, [["x"]], [1], [None]]
NOTES = [
    *[value for value in WRONG if value != {"a": 1}],
    *[[{"id": value, "text": "x"}] for value in WRONG if not isinstance(value, str)],
    *[[{"text": value}] for value in WRONG if not isinstance(value, str)],
    *[[{"text": "x", "author": value}] for value in WRONG if not isinstance(value, str)],
    *[[{"text": "x", "date": value}] for value in WRONG],
]


def test_wrong_types_inside_notes_are_refused_with_the_field_and_change_nothing(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    shown = north.amendments.patch(order_id, MERGE, {"description": "x"})
    before = everything(north)
    for notes in NOTES:
        of_item = {"orderItem": [shown["orderItem"][0] | {"note": notes}]}
        for patch in ({"note": notes}, of_item):
            with pytest.raises((PatchRefused, OrderRefused)) as refused:
                north.amendments.patch(order_id, MERGE, patch)
            assert "note" in str(refused.value), notes
    assert everything(north) == before
