"""One site back, nobody else touched: the acts of one night on one network."""

from itertools import pairwise
from typing import Any

import pytest

from tests.faults.network import until

pytestmark = [pytest.mark.timeout(300)]

FIRST, SECOND = "ENT-1102-BNE1", "ENT-1102-BNE2"
BNG, OLT = "BNG-BNE-01", "OLT-NORTH-07"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
Running = dict[str, str]


def device(document: Any, name: str) -> Any:
    (found,) = [each for each in document["devices"] if each["device"] == name]
    return found


def sent(noc: Any) -> dict[str, int]:
    """How many edits each NETCONF device of Brisbane has been sent so far."""
    return {name: noc.lab.counters(name)["edits"] for name in (BNG, OLT, "PROBE-BNE-01")}


def test_the_preview_names_native_text_for_every_device_in_reverse_order_of_activation(
    noc: Any, full: Running
) -> None:
    before = noc.running(), sent(noc)
    preview = noc.preview(FIRST)
    roles = [each["role"] for each in preview["devices"]]
    assert roles == [
        "agent", "probe", "ce", "radius", "dhcp6", "dhcp4", "bng", "access", "logistics"
    ]  # fmt: skip
    for name, text in {
        BNG: 'nc:operation="remove"',
        OLT: "vani-ENT-1102-BNE1",
        "RADIUS-01": "DELETE FROM",
        "KEA4-01": "10.88.",
    }.items():
        assert text in device(preview, name)["sends"]
    assert preview["orders"] == [noc.orders[FIRST]]
    assert not [each for each in preview["devices"] if each["conflicts"] or each.get("error")]
    assert (noc.running(), sent(noc)) == before


def test_the_command_line_shows_it_and_sends_nothing_without_yes(noc: Any, full: Running) -> None:
    shown = noc.rom("site", "rollback", FIRST)
    assert shown.exit_code == 0, shown.output
    for text in ("dry run: nothing was sent", BNG, OLT, "Goes into quarantine"):
        assert text in shown.output
    assert noc.running() == full


def test_snapshots_were_taken_before_and_after_every_change_and_can_be_compared(
    noc: Any, full: Running
) -> None:
    taken = noc.rom_json("site", "snapshots", FIRST)
    committed = {
        row.id for row in noc.gateway.rows("SELECT id FROM device_txn WHERE state = 'committed'")
    }
    rows = [
        row
        for row in taken
        if row["order"] == noc.orders[FIRST] and row["transaction"] in committed
    ]
    by_transaction: dict[str, list[str]] = {}
    for row in rows:
        by_transaction.setdefault(row["transaction"], []).append(row["moment"])
    assert set(map(tuple, by_transaction.values())) == {("before", "after")}
    assert {BNG, OLT, "RADIUS-01", "KEA4-01"} <= {row["device"] for row in rows}
    assert noc.rom("site", "diff", FIRST).exit_code == 0
    compared = noc.rom_json("site", "diff", FIRST, "0", str(rows[-1]["snapshot"]))
    assert {row["kind"] for row in device(compared, OLT)["differences"]} == {"added"}
    assert noc.rom("site", "diff", FIRST, "999999").exit_code == 2


def test_snapshots_rest_compressed_and_encrypted(noc: Any, full: Running) -> None:
    kept = [bytes(row.sealed) for row in noc.gateway.rows("SELECT sealed FROM snapshot")]
    kept += [bytes(row.sealed) for row in noc.gateway.rows("SELECT sealed FROM evidence")]
    words = (b"ENT-1102", b"interface", b"netops", b"fragments", b"10.88.")
    assert len(kept) > 40
    assert not [word for sealed in kept for word in words if word in sealed]
    whole = [
        len(bytes(row.sealed))
        for row in noc.gateway.rows("SELECT sealed FROM evidence WHERE device = :d", d=OLT)
    ]
    assert max(whole) < len(full[OLT]) / 2


def test_back_to_before_a_modify_gives_the_old_rate_and_keeps_the_site(
    noc: Any, full: Running, modify: Any
) -> None:
    order_id = noc.gateway.post(modify(FIRST, "200M"))
    noc.gateway.completes(order_id)
    assert "BW-200-200-GOLD-ENT" in noc.running()[BNG]
    task = noc.rolled_back(FIRST, before=order_id, ticket="CHG-7")
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert task["target"]["orders"] == [order_id]
    assert task["result"]["released"] == []
    assert noc.running() == full
    held = noc.http.get(RESOURCES, params={"place.id": FIRST, "limit": 100}).json()
    assert {row["category"]: row["name"] for row in held}["sap-bandwidth"] == "500000000"
    done = noc.http.get(f"/tmf-api/resourceOrdering/v4/resourceOrder/{order_id}").json()
    (item,) = done["orderItem"]
    assert item["state"] == "completed"
    assert any("ROLLED_BACK" in note["text"] and "CHG-7" in note["text"] for note in item["note"])


def test_back_to_a_snapshot_by_its_number(noc: Any, full: Running, modify: Any) -> None:
    number = noc.rom_json("site", "snapshots", FIRST)[-1]["snapshot"]
    order_id = noc.gateway.post(modify(FIRST, "300M"))
    noc.gateway.completes(order_id)
    assert noc.running() != full
    done = noc.rom("site", "rollback", FIRST, "--to", str(number), "--yes", "--ticket", "CHG-8")
    assert done.exit_code == 0, done.output
    assert "VERIFIED" in done.output
    assert noc.running() == full
    assert noc.rom("site", "rollback", FIRST, "--to", "999999").exit_code == 2


def test_drift_typed_by_hand_is_refused_with_the_list_and_nothing_is_sent(
    noc: Any, drifted: Running
) -> None:
    edits = sent(noc)
    answer = noc.start(FIRST)
    assert answer.status_code == 409
    (conflict,) = answer.json()["conflicts"]
    assert (conflict["device"], conflict["kind"]) == (BNG, "drift")
    assert conflict["path"].endswith("/description")
    assert (conflict["expected"], conflict["found"]) == (f"SI-FA-{FIRST}", "Tuesday night")
    shown = noc.rom("site", "rollback", FIRST, "--yes")
    assert shown.exit_code == 2
    assert "Tuesday night" in shown.output
    assert noc.start(FIRST, policy="force").status_code == 400  # no reason given
    assert (noc.running(), sent(noc)) == (drifted, edits)


def test_devices_are_checked_with_exit_codes_and_the_audit_keeps_what_it_saw(
    noc: Any, drifted: Running
) -> None:
    assert noc.rom("device", "check", OLT).exit_code == 0
    report = noc.rom("device", "check", "--all")
    assert report.exit_code == 1
    for text in (FIRST, BNG, "changed", "Tuesday night"):
        assert text in report.output
    assert noc.rom("device", "check", "NOWHERE").exit_code == 2
    assert noc.rom("device", "check").exit_code == 2
    listed = noc.rom_json("device", "list")
    assert {FIRST, SECOND} <= set(device({"devices": listed}, BNG)["sites"])
    assert audited(noc, "drift")


def audited(noc: Any, result: str) -> Any:
    def latest() -> bool:
        rows = noc.gateway.rows(
            "SELECT result, evidence FROM verdict WHERE kind = 'drift' AND site = :s "
            "AND item_id = :d ORDER BY id DESC LIMIT 1",
            s=FIRST,
            d=BNG,
        )
        return bool(rows) and rows[0].result == result

    return until(latest, f"the audit says {result}")


def test_repair_shows_first_and_brings_back_what_the_site_should_have(
    noc: Any, full: Running, drifted: Running
) -> None:
    assert audited(noc, "drift")
    shown = noc.rom("site", "repair", FIRST)
    assert shown.exit_code == 0
    assert "Tuesday night" in shown.output
    assert noc.running() != full
    assert "needs --reason" in shown.output
    drift = noc.running()
    refused = noc.rom("site", "repair", FIRST, "--yes")
    assert (refused.exit_code, "somebody else has set" in refused.output) == (2, True)
    assert noc.running() == drift
    agreed = ("--reason", "agreed with the field", "--ticket", "CHG-7")
    assert noc.rom("site", "repair", FIRST, "--yes", *agreed).exit_code == 0
    (deed, *_) = noc.rom_json("audit", "list", "--deed", "site.repaired")
    assert (deed["sites"], deed["ticket"], deed["reason"]) == ([FIRST], "CHG-7", agreed[1])
    assert list(deed["details"]["overwrites"]) == [BNG]
    assert noc.rom("audit", "verify").exit_code == 0
    assert noc.running() == full
    assert noc.rom("device", "check", BNG).exit_code == 0
    assert audited(noc, "clean")


def test_keep_leaves_whole_entries_and_force_with_a_reason_takes_them(
    noc: Any, others: Running, drifted: Running
) -> None:
    task = noc.rolled_back(FIRST, policy="keep")
    result = device(task["result"], BNG)
    assert task["state"] == "done"
    assert any("interface[interface-name='ENT-1102-BNE1']" in path for path in result["kept"])
    assert task["result"]["quarantine"] == "until cleaned"
    running = noc.running()
    assert "<description>Tuesday night</description>" in running[BNG]
    assert "1/1/c1/1:" in running[BNG].split("Tuesday night")[1].split("</interface>")[0]
    assert {name for name in running if running[name] != others[name]} == {BNG}
    assert noc.start(FIRST).status_code == 409
    forced = noc.rolled_back(FIRST, policy="force", reason="site was cancelled")
    assert (forced["state"], forced["result"]["verdict"]) == ("done", "VERIFIED")
    assert noc.running() == others


def test_with_one_site_gone_every_device_is_as_if_it_had_never_been_there(
    noc: Any, without_first: None, others: Running
) -> None:
    assert noc.running() == others
    order = noc.http.get(f"/tmf-api/resourceOrdering/v4/resourceOrder/{noc.orders[FIRST]}").json()
    assert order["state"] == "completed"
    assert {item["state"] for item in order["orderItem"]} == {"completed"}
    assert all(
        any("ROLLED_BACK" in note["text"] for note in item["note"]) for item in order["orderItem"]
    )
    assert noc.http.get(RESOURCES, params={"place.id": FIRST}).json() == []
    endless = noc.gateway.rows(
        "SELECT value FROM resource WHERE state = 'quarantined' AND quarantine_until IS NULL"
    )
    assert endless == []  # the forced rollback left nothing that could still be in use


def test_twice_is_once(noc: Any, without_first: None) -> None:
    edits = sent(noc)
    task = noc.rolled_back(FIRST)
    assert (task["state"], task["result"]["released"]) == ("done", [])
    assert sent(noc) == edits
    assert "Nothing to do" in noc.rom("site", "rollback", FIRST).output


def test_states_and_events_of_a_task_follow_one_another(
    noc: Any, without_first: None, before: Running
) -> None:
    task = noc.rolled_back(SECOND, requester="night shift", ticket="CHG-9")
    events = noc.events(task)
    states = [
        each["event"]["siteRollback"]["state"]
        for each in events
        if each["eventType"].startswith("SiteRollback")
    ]
    assert states == ["acknowledged", "inProgress", "done"]
    told = [
        each["event"]["resource"]
        for each in events
        if each["eventType"] == "ResourceStateChangeEvent"
    ]
    told_of = {(each["category"], each["resourceStatus"]) for each in told}
    expected = {("vlan", "suspended"), ("alloc-id", "suspended"), ("ont", "available")}
    assert expected <= told_of
    released = task["result"]["released"]
    assert {"vlan", "ipv4", "onu_id", "sap_bandwidth"} <= {each["name"] for each in released}
    times = [
        noc.gateway.rows("SELECT started_at FROM device_txn WHERE id = :t", t=each["transaction"])
        for each in task["result"]["devices"]
    ]
    assert all(first[0].started_at < second[0].started_at for first, second in pairwise(times))
    running = noc.running()
    for name in (OLT, BNG, "PROBE-BNE-01"):
        assert running[name] == before[name], name


def test_verdicts_are_kept_with_hashes(noc: Any, without_second: None) -> None:
    rows = noc.gateway.rows(
        "SELECT item_id, result, evidence FROM verdict WHERE kind = 'rollback' AND site = :s",
        s=SECOND,
    )
    assert {row.result for row in rows} == {"VERIFIED"}
    found = {row.item_id: row.evidence["evidence"] for row in rows}
    for name in (OLT, BNG):
        assert found[name]["site"]["before"] != found[name]["site"]["after"]
        assert found[name]["device"]["before"] != found[name]["device"]["after"]
