"""What a cancellation gives back where orders meet, and what it asks no device for."""

import copy
from typing import Any

import sqlalchemy as sa

from rom.orders.fallout import Decision
from rom.store.tables import device_txn, txn_site

SITE, DEVICE = "ENT-1102-MELB", "OLT-SOUTH-03"


def modify(pilot: Any, only: Any, speed: str) -> Any:
    """A modify of the rate under the very item id that the first order's has."""
    document = copy.deepcopy(only(pilot, "ROI-004"))
    (item,) = document["orderItem"]
    item["action"] = "modify"
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": speed} for name in ("downstream", "upstream")
    ]
    return document | {"description": f"rate {speed}"}


def in_service(north: Any, pilot: Any, only: Any) -> str:
    """The site has a bearer and a rate of 500M, completed, by one order."""
    order_id: str = north.post(only(pilot, "ROI-001", "ROI-002", "ROI-004"))
    north.rom.run(SITE)
    north.rom.write()
    north.rom.do("UPDATE order_item SET state = 'completed', step = 'done'")
    north.rom.do("UPDATE resource_order SET state = 'completed'")
    return order_id


def shares(north: Any) -> dict[str, int]:
    rows = north.rows(
        "SELECT name, amount FROM reservation WHERE site = :s AND amount IS NOT NULL", s=SITE
    )
    return {row.name: row.amount for row in rows}


def test_another_orders_item_of_the_same_id_is_not_ours(north: Any, pilot: Any, only: Any) -> None:
    first = in_service(north, pilot, only)
    held, before = north.holdings(SITE), shares(north)
    second = north.post(modify(pilot, only, "600M"))
    north.rom.run(SITE)
    assert shares(north)["sap_bandwidth"] == 600_000_000
    north.cancel(second)
    north.runner.advance(SITE)
    assert north.order(second).state == "cancelled"
    assert north.holdings(SITE) == held  # what the first one's ROI-004 needs stays
    assert shares(north) == before
    in_force = north.rows("SELECT order_id FROM order_item WHERE key = 'qos' AND in_force")
    assert [row.order_id for row in in_force] == [first]


def test_a_transaction_that_the_device_took_back_has_left_nothing_there(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    with north.rom.engine.begin() as connection:
        connection.execute(
            sa.insert(device_txn).values(
                id="t", device=DEVICE, kind="apply", state="reverted", epoch=1,
                started_at=sa.func.clock_timestamp(),
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(txn_site).values(
                txn="t", site=SITE, order_id=order_id, outcome="planned", plan={}
            )
        )
    north.rom.do("UPDATE change SET state = 'refused', transaction = 't', reason = 'X', error = ''")
    north.cancel(order_id)
    step = north.runner.advance(SITE)
    assert (step.blocked, step.devices) == (False, set())
    assert north.order(order_id).state == "cancelled"
    assert not north.rows("SELECT 1 FROM change WHERE kind = 'rollback'")
    assert not north.rows("SELECT 1 FROM resource WHERE state = 'quarantined'")


def test_a_share_stays_counted_where_a_device_was_given_up(
    north: Any, pilot: Any, only: Any
) -> None:
    order_id = north.post(only(pilot, "ROI-001", "ROI-002", "ROI-004"))
    north.rom.run(SITE)
    north.rom.write()
    before = shares(north)
    north.cancel(order_id)
    while north.runner.advance(SITE).devices:
        north.rom.do(
            "UPDATE change SET state = 'refused', reason = 'DEVICE_REFUSED', error = 'no' "
            "WHERE kind = 'rollback' AND state = 'waiting'"
        )
    for row in north.rows("SELECT device FROM change WHERE kind = 'rollback'"):
        north.fallout.give_up(order_id, row.device, Decision("burnt down", "noc-anna"))
    north.runner.advance(SITE)
    assert north.order(order_id).state == "cancelled"
    assert shares(north) == before
    assert {row.name for row in north.rows(
        "SELECT name FROM reservation WHERE site = :s AND exclusive", s=SITE
    )} == set()  # fmt: skip
