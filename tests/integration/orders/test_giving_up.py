"""A cancellation that is stuck at a device goes on without it, on somebody's word."""

from typing import Any

import pytest

from rom.model.errors import NotPossible
from rom.orders.fallout import Decision
from rom.undo.give_back import end_of_waiting

SITE, DEVICE = "ENT-1102-MELB", "OLT-SOUTH-03"
WHY = Decision("burnt down", "noc-anna")


@pytest.fixture
def stuck(north: Any, pilot: Any, only: Any) -> tuple[str, str]:
    """An order that was on its device, and its cancellation, which cannot reach that device."""
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.write()
    task_id = north.cancel(order_id)
    north.runner.advance(SITE)
    north.rom.do(
        "UPDATE change SET attempts = 4, reason = 'DEVICE_UNREACHABLE', error = 'no route', "
        "due_at = now() + interval '1 hour' WHERE kind = 'rollback'"
    )
    assert north.runner.advance(SITE).blocked
    return order_id, task_id


def endless(north: Any) -> list[str]:
    rows = north.rows(
        "SELECT id FROM resource WHERE state = 'quarantined' AND quarantine_until IS NULL"
    )
    return [str(row.id) for row in rows]


def test_the_order_is_cancelled_and_what_it_had_rests_without_end(
    north: Any, stuck: tuple[str, str]
) -> None:
    order_id, task_id = stuck
    held = {str(row.resource_id) for row in north.rows(
        "SELECT resource_id FROM reservation WHERE site = :site AND exclusive", site=SITE
    )}  # fmt: skip
    task = north.fallout.give_up(order_id, DEVICE, WHY)
    words = "by noc-anna: burnt down"
    assert [note["text"] for note in task["note"]] == [
        f"{SITE}: {DEVICE}: CANCEL_GIVEN_UP: {words}"
    ]
    assert north.rom.notes(order_id)[-1] == f"CANCEL_GIVEN_UP: {DEVICE} {words}"
    assert SITE in north.woken
    assert not north.runner.advance(SITE).blocked
    done = north.cancellations.find(task_id)
    assert (done["state"], done["note"]) == ("done", task["note"])
    assert north.order(order_id).state == "cancelled"
    assert north.holdings(SITE) == []
    assert held
    assert set(endless(north)) == held
    asked = north.row("SELECT state, reason, error FROM change WHERE kind = 'rollback'")
    assert tuple(asked) == ("refused", "CANCEL_GIVEN_UP", words)


def test_once_the_site_is_rolled_back_the_quarantine_is_the_pools(
    north: Any, stuck: tuple[str, str]
) -> None:
    north.fallout.give_up(stuck[0], DEVICE, WHY)
    north.runner.advance(SITE)
    assert endless(north)
    with north.rom.engine.begin() as connection:
        end_of_waiting(connection, SITE)  # as a rollback does that has found all clean
    assert endless(north) == []


def test_a_retry_does_not_ask_a_device_again_that_was_given_up(
    north: Any, stuck: tuple[str, str]
) -> None:
    north.fallout.give_up(stuck[0], DEVICE, WHY)
    with pytest.raises(NotPossible, match="nothing of order"):
        north.fallout.retry(stuck[0], WHY)
    assert north.devices == []
    assert north.row("SELECT state FROM change WHERE kind = 'rollback'").state == "refused"


def test_a_device_that_refuses_may_be_given_up_too(north: Any, stuck: tuple[str, str]) -> None:
    north.rom.do(
        "UPDATE change SET state = 'refused', reason = 'FOREIGN_CONTENT', error = 'x' "
        "WHERE kind = 'rollback'"
    )
    north.fallout.give_up(stuck[0], DEVICE, WHY)
    north.runner.advance(SITE)
    assert north.order(stuck[0]).state == "cancelled"
    assert (
        north.row("SELECT reason FROM change WHERE kind = 'rollback'").reason == "FOREIGN_CONTENT"
    )


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE change SET state = 'claimed', transaction = 'claim-1' WHERE kind = 'rollback'",
        "UPDATE change SET attempts = 1 WHERE kind = 'rollback'",
        "UPDATE change SET state = 'done' WHERE kind = 'rollback'",
    ],
)
def test_what_is_under_way_is_waited_for(
    north: Any, stuck: tuple[str, str], meanwhile: str
) -> None:
    north.rom.do(meanwhile)
    before = north.rows("SELECT * FROM change ORDER BY id"), north.rows("SELECT * FROM cancel_task")
    with pytest.raises(NotPossible, match="not stuck") as refused:
        north.fallout.give_up(stuck[0], DEVICE, WHY)
    assert refused.value.code == "notStuck"
    after = north.rows("SELECT * FROM change ORDER BY id"), north.rows("SELECT * FROM cancel_task")
    assert after == before


def test_only_a_device_that_a_cancellation_is_stuck_at_can_be_given_up(
    north: Any, stuck: tuple[str, str]
) -> None:
    with pytest.raises(NotPossible, match="not stuck"):
        north.fallout.give_up(stuck[0], "BNG-MEL-01", WHY)
    with pytest.raises(LookupError):
        north.fallout.give_up("RO-0", DEVICE, WHY)
    north.rom.write()
    north.runner.advance(SITE)
    with pytest.raises(NotPossible, match="no open cancellation"):
        north.fallout.give_up(stuck[0], DEVICE, WHY)
    assert endless(north) == []


def shares(north: Any) -> set[int]:
    rows = north.rows(
        "SELECT amount FROM reservation WHERE site = :site AND amount IS NOT NULL", site=SITE
    )
    return {row.amount for row in rows}


def test_a_new_order_gets_what_it_needs_beside_a_share_that_was_left_behind(
    north: Any, pilot: Any, only: Any
) -> None:
    document = only(pilot, "ROI-001", "ROI-002", "ROI-003", "ROI-004")
    north.post(document)
    north.rom.run(SITE)
    before = shares(north)
    north.rom.do("UPDATE order_item SET state = 'cancelled', in_force = false")
    north.rom.do("UPDATE resource_order SET state = 'cancelled'")
    (rate,) = [item for item in document["orderItem"] if item["id"] == "ROI-004"]
    for each in rate["resource"]["resourceCharacteristic"]:
        if each["name"] in ("downstream", "upstream"):
            each["value"] = "600M"
    north.post(document | {"description": "again, and faster"})
    north.rom.run(SITE)
    assert 600_000_000 in shares(north)
    assert min(shares(north)) > min(before)
