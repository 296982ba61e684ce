"""Kill -9 of the gateway: the order completes and no device is sent anything twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tests.faults.network import Gateway, Shared, network, order, state_of, until

pytestmark = [pytest.mark.timeout(200)]


@contextmanager
def item_locked(gateway: Gateway, order_id: str, item_id: str) -> Iterator[None]:
    """Nobody moves the item on while the block runs."""
    with gateway.engine.begin() as connection:
        connection.execute(
            sa.text("SELECT 1 FROM order_item WHERE order_id = :o AND item_id = :i FOR UPDATE"),
            {"o": order_id, "i": item_id},
        )
        yield
        connection.rollback()


def open_changes(gateway: Gateway, order_id: str, item_id: str) -> list[Any]:
    return gateway.rows(
        "SELECT 1 FROM change WHERE order_id = :o AND item_id = :i AND state <> 'done'",
        o=order_id,
        i=item_id,
    )


def test_five_kills_on_the_way_leave_the_devices_as_an_undisturbed_run_does(
    shared: Shared,
) -> None:
    with network(ROM_TWAMP_INTERVAL="0.001") as gateway:
        gateway.lab.fault("OLT-SOUTH-03", "slow-commit", seconds=2)
        order_id = gateway.post(order("so-pilot-melbourne"))
        gateway.kill()  # right after the answer to the POST

        gateway.start()
        until(
            lambda: gateway.rows(
                "SELECT 1 FROM device_txn WHERE device = 'OLT-SOUTH-03' AND state = 'sent'"
            ),
            "the OLT's commit has left",
        )
        gateway.kill()  # while a device transaction is sent and nobody knows how it ended

        gateway.start()
        gateway.awaits(order_id, "ROI-006", state="pending", reason="AWAITING_CPE")
        gateway.kill()  # while the router is on its way

        gateway.start()
        gateway.awaits(order_id, "ROI-005", step="queued")
        with item_locked(gateway, order_id, "ROI-005"):
            until(lambda: not open_changes(gateway, order_id, "ROI-005"), "last commit")
            gateway.kill()  # between the last commit and what follows from it

        gateway.start()
        gateway.awaits(order_id, "ROI-005", step="measuring")
        gateway.kill()  # while test packets are under way

        gateway.start()
        done = gateway.completes(order_id)
        assert {item["state"] for item in done["orderItem"]} == {"completed"}
        running, changes = state_of(gateway)
        assert running == shared.running
        assert changes == shared.changes
        assert not gateway.rows(
            "SELECT 1 FROM device_txn WHERE state NOT IN ('committed', 'reverted')"
        )
