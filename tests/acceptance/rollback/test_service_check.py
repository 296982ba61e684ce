"""The service check on simulated devices: what breaks a service never becomes permanent."""

from typing import Any

import pytest

from device_profiles.fragment import Fragment
from rom.store import changes, intents
from tests.faults.network import until

pytestmark = [pytest.mark.timeout(300)]

FIRST, SECOND, PILOT = "ENT-1102-BNE1", "ENT-1102-BNE2", "ENT-1102-MELB"
OLT = "OLT-NORTH-07"
ROUTER = "FDO2340567"
UPLINK = ("ietf-interfaces:interfaces", "interface[name='uplink-1']", "enabled")


def changed(
    noc: Any, device: str, site: str, kind: str, change: Any, order_id: str | None = None
) -> Any:
    """Let the gateway bring out a site's intent as ``change`` leaves it; the intent is put back."""
    with noc.gateway.engine.begin() as connection:
        known = intents.fragments(connection, device, site)
        role = intents.of_sites(connection, device, [site])[site].role
        intents.keep(connection, device=device, site=site, role=role, fragments=change(known))
        number = changes.request(connection, device=device, site=site, kind=kind, order_id=order_id)

    def settled() -> Any:
        (row,) = noc.gateway.rows("SELECT * FROM change WHERE id = :n", n=number)
        return row if row.state in ("done", "refused") else None

    try:
        return until(settled, "the change is settled", 60)
    finally:
        with noc.gateway.engine.begin() as connection:
            intents.keep(connection, device=device, site=site, role=role, fragments=known)


def test_a_change_that_takes_a_neighbours_service_down_goes_back_within_its_window(
    noc: Any, full: dict[str, str]
) -> None:
    commits = noc.lab.counters(OLT)["commits"]
    wrong = Fragment(own={UPLINK: "false"})
    row = changed(noc, OLT, FIRST, "reconcile", lambda known: {**known, "wrong": wrong})
    assert (row.state, row.reason) == ("refused", "SERVICE_BROKEN")
    assert SECOND in row.error
    assert "is down" in row.error
    assert noc.lab.counters(OLT)["commits"] > commits  # it was there, and nobody confirmed it
    assert noc.running() == full
    (transaction,) = noc.gateway.rows(
        "SELECT state, error FROM device_txn WHERE id = :t", t=row.transaction
    )
    assert transaction.state == "reverted"
    assert noc.rom("device", "check", OLT).exit_code == 0


def described(words: str) -> Any:
    """Give a service another description: nothing that traffic would notice."""

    def change(known: dict[str, Fragment]) -> dict[str, Fragment]:
        def value(path: Any, held: str) -> str:
            return words if path[-1] == "description" and "interface[" in path[-2] else held

        return {
            key: Fragment({p: value(p, v) for p, v in each.own.items()}, each.shared)
            for key, each in known.items()
        }

    return change


def test_a_modify_is_measured_within_its_window_and_goes_back_when_packets_are_lost(
    noc: Any, full: dict[str, str]
) -> None:
    device = "BNG-MEL-01"
    good = changed(noc, device, PILOT, "modify", described("as good as before"))
    assert (good.state, good.edits > 0) == ("done", True)
    back = changed(noc, device, PILOT, "modify", lambda known: known)
    assert back.state == "done"
    assert noc.running() == full
    noc.lab.do(f"/ce/{ROUTER}/power-off")
    try:
        bad = changed(noc, device, PILOT, "modify", described("nobody answers"))
        assert (bad.state, bad.reason) == ("refused", "SERVICE_BROKEN")
        assert PILOT in bad.error
        assert noc.running()[device] == full[device]
    finally:
        noc.lab.do(f"/ce/{ROUTER}/boot")


NOTE = ("ietf-interfaces:interfaces", "interface[name='uplink-1']", "description")


def noting(words: str) -> Any:
    return lambda known: {**known, "note": Fragment(own={NOTE: words})}


def test_a_later_writer_of_the_same_leaf_keeps_it_and_is_named(
    noc: Any, full: dict[str, str]
) -> None:
    assert changed(noc, OLT, FIRST, "reconcile", noting("one")).state == "done"
    second = changed(noc, OLT, SECOND, "reconcile", noting("two"), noc.orders[SECOND])
    assert second.state == "done"
    (shown,) = [each for each in noc.preview(FIRST)["devices"] if each["device"] == OLT]
    (later,) = shown["later"]
    assert later["path"].endswith("interface[name='uplink-1']/description")
    assert (later["site"], later["order"]) == (SECOND, noc.orders[SECOND])
    assert later["time"]
    assert shown["conflicts"] == []
    assert f"written later by {SECOND}" in noc.rom("site", "rollback", FIRST).output

    gone = changed(noc, OLT, FIRST, "reconcile", lambda known: known)
    assert (gone.state, gone.edits or 0) == ("done", 0)  # nothing sent: the later one is relinked
    assert "<description>two</description>" in noc.running()[OLT]
    assert changed(noc, OLT, SECOND, "reconcile", lambda known: known).edits == 1
    assert noc.running() == full
