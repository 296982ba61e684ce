"""What is taken back follows from orders and their items, and never half of one."""

from typing import Any

import pytest

from tests.acceptance.noc import (
    FIRST,
    SECOND,
    Noc,
    brisbane,
    changed,
    faster,
    only,
)

pytestmark = [pytest.mark.timeout(240)]
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
Whole = dict[str, str]


def same(found: Whole, expected: Whole) -> None:
    """Fail with the devices that differ, and how."""
    lines = {
        name: (
            [line for line in found[name].splitlines() if line not in expected.get(name, "")],
            [line for line in expected[name].splitlines() if line not in found.get(name, "")],
        )
        for name in sorted(found.keys() & expected.keys())
        if found[name] != expected[name]
    }
    assert not lines, lines


def notes(noc: Noc, order_id: str) -> str:
    document = noc.http.get(f"{ORDERS}/{order_id}").json()
    return str([note for item in document["orderItem"] for note in item.get("note", [])])


def patient(latency: int) -> Any:
    """A modify of a threshold, which no device has to be told of."""
    return changed(FIRST, "SLA-Monitoring", latencyMs=latency)


def ended_well(task: Any) -> None:
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED"), task["result"]


def test_an_order_that_has_sent_nothing_is_taken_back_as_any_other(noc: Noc, full: Whole) -> None:
    order_id = noc.done(patient(501))
    same(noc.whole(), full)
    preview = noc.preview(FIRST, before=order_id)
    assert preview["orders"] == [order_id]
    assert not any(device["edits"] for device in preview["devices"])
    task = noc.rolled_back(FIRST, before=order_id)
    ended_well(task)
    assert task["target"]["orders"] == [order_id]
    assert "ROLLED_BACK" in notes(noc, order_id)
    assert "ROLLED_BACK" not in notes(noc, noc.orders[FIRST])
    same(noc.whole(), full)


def test_a_value_that_is_so_already_is_an_order_as_well(noc: Noc, full: Whole) -> None:
    order_id = noc.done(faster(FIRST, "500M"))
    ended_well(noc.rolled_back(FIRST, before=order_id))
    assert "ROLLED_BACK" in notes(noc, order_id)
    assert noc.held(FIRST)["sap-bandwidth"] == "500000000"
    same(noc.whole(), full)


def test_only_boundaries_of_orders_are_offered_and_taken(noc: Noc, full: Whole) -> None:
    quiet = noc.rom_json("site", "snapshots", FIRST)
    assert quiet[-1]["boundary"]
    order_id = noc.done(faster(FIRST, "300M"))
    rows = [row for row in noc.rom_json("site", "snapshots", FIRST) if row["order"] == order_id]
    inside = [row["snapshot"] for row in rows if not row["boundary"]]
    assert len(inside) >= 2  # of BNG, OLT and RADIUS one is done first, and one last
    assert [rows[0]["boundary"], rows[-1]["boundary"]] == [True, True]
    whole = [row["snapshot"] for row in rows if row["boundary"]]
    first = max(number for number in whole if number < inside[0])
    last = min(number for number in whole if number > inside[-1])
    for number in (inside[0], inside[-1]):
        for policy in ("refuse", "keep"):
            answer = noc.start(FIRST, to=number, policy=policy)
            assert answer.status_code == 400, answer.text
            said = answer.json()["reason"]
            assert said.startswith("to:")
            assert order_id in said
            assert f"{first} and {last}" in said
    shown = noc.rom("site", "rollback", FIRST, "--to", str(inside[0]), "--yes")
    assert shown.exit_code == 2
    assert f"{first} and {last}" in " ".join(shown.output.split())
    assert "boundary" in noc.rom("site", "snapshots", FIRST).output.lower()
    ended_well(noc.rolled_back(FIRST, to=first))
    same(noc.whole(), full)
    assert noc.held(FIRST)["sap-bandwidth"] == "500000000"


def test_one_modify_among_several_goes_with_those_after_it(noc: Noc, full: Whole) -> None:
    noc.done(faster(FIRST, "200M"))
    slow = noc.whole()
    orders = [noc.done(faster(FIRST, "300M")), noc.done(patient(503))]
    orders.append(noc.done(faster(FIRST, "400M")))
    task = noc.rolled_back(FIRST, before=orders[0])
    ended_well(task)
    assert task["target"]["orders"] == orders
    same(noc.whole(), slow)
    assert noc.held(FIRST)["sap-bandwidth"] == "200000000"
    first = noc.gateway.rows(
        "SELECT order_id FROM order_item WHERE site = :s AND key = 'qos' AND in_force", s=FIRST
    )
    ended_well(noc.rolled_back(FIRST, before=first[0].order_id))
    same(noc.whole(), full)
    assert noc.held(FIRST)["sap-bandwidth"] == "500000000"


def test_an_add_in_the_middle_goes_with_what_came_after_it(noc: Noc, full: Whole) -> None:
    slower = noc.done(faster(SECOND, "200M"))
    unmeasured = noc.whole()
    added = noc.done(only(brisbane(SECOND), "SLA-Monitoring"))
    noc.done(faster(SECOND, "300M"))
    ended_well(noc.rolled_back(SECOND, before=added))
    same(noc.whole(), unmeasured)
    assert noc.held(SECOND)["sap-bandwidth"] == "200000000"
    assert "probe" not in noc.held(SECOND)
    ended_well(noc.rolled_back(SECOND, before=slower))
    same(noc.whole(), full)
    assert noc.held(SECOND)["sap-bandwidth"] == "500000000"
