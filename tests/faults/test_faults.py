"""Faults of devices, sites and stores on one living gateway: each stays with whom it concerns."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from rom.vault.vault import Vault
from tests.faults.network import Gateway, Shared, inventory_file, network, order, order_for, until

pytestmark = [pytest.mark.timeout(300)]

P2P = "RFS:P2P-Ethernet-Bearer"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti"


def reported(gateway: Gateway, order_id: str, event: str, reason: str) -> list[dict[str, Any]]:
    del order_id
    return [
        line
        for line in gateway.log()
        if line.get("event") == event and line.get("reason") == reason
    ]


def test_brisbane_waits_for_the_right_ont_for_addresses_and_for_a_lost_reply_and_completes(
    shared: Shared,
) -> None:
    gateway, lab = shared.gateway, shared.lab
    lab.do("/onts/ALCLFA3B91D1/disconnect")
    lab.do("/onts/ALCLFA3B91D2/disconnect")
    lab.fault("OLT-NORTH-07", "drop-session", operation="commit", moment="after")
    before = lab.counters("OLT-NORTH-07")["commits"]
    order_id = gateway.post(order("so-wave2-brisbane"))

    gateway.awaits(order_id, "BNE1-ROI-001", state="pending", reason="AWAITING_ONU")
    (transaction, *_) = gateway.rows(
        "SELECT id, state FROM device_txn WHERE device = 'OLT-NORTH-07' ORDER BY started_at"
    )
    assert transaction.state == "committed"
    assert lab.counters("OLT-NORTH-07")["commits"] - before <= 2  # one commit, its confirmation
    sent = [c for c in lab.counters("OLT-NORTH-07")["changes"] if c["paths"]]
    assert len(sent) == 1

    (note,) = gateway.notes(order_id, "BNE2-ROI-003")
    assert note.startswith("RESOURCE_EXHAUSTED: ")
    assert "NORTH-ENT IPv4 links" in note
    assert gateway.item(order_id, "BNE2-ROI-001").state == "held"

    lab.do("/onts/ALCLFA3B91D2/connect")  # the other office's, on the same fibre
    gateway.awaits(order_id, "BNE1-ROI-001", state="held", reason="WRONG_ONT")
    lab.do("/onts/ALCLFA3B91D1/connect")
    gateway.awaits(order_id, "BNE1-ROI-005", state="completed")
    assert gateway.item(order_id, "BNE2-ROI-001").state == "held"
    assert len(gateway.notes(order_id, "BNE2-ROI-003")) == 1  # tried often, said once

    bigger = inventory_file(
        gateway.inventory.parent, brisbane_links=["10.88.15.0/24", "10.88.16.0/24"]
    )
    loaded = gateway.load(bigger)
    assert "created, 0 changed, 0 removed" in loaded.stdout, loaded.output
    gateway.completes(order_id)
    pools = {
        pool["name"]: pool
        for pool in json.loads(gateway.rom("inventory", "pools", "--json").stdout)
    }
    assert pools["OLT-NORTH-07 1/4 upstream"]["low"]
    assert pools["NORTH-ENT IPv4 links"]["capacity"] > 2


@pytest.fixture
def untouched() -> Iterator[Gateway]:
    """A network in which nobody has had Sydney's ports before Sydney."""
    with network() as gateway:
        yield gateway


def test_sydney_waits_for_its_bng_and_the_right_routers_on_the_right_circuits(
    untouched: Gateway,
) -> None:
    gateway, lab = untouched, untouched.lab
    lab.fault("BNG-SYD-01", "refuse-connections", on=True)
    radius = lab.ready["devices"]["RADIUS-01"]["url"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(radius, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        first = gateway.post(order("so-wave1-sydney-1"))
        second = gateway.post(order("so-wave1-sydney-2"))
        gateway.awaits(first, "ROI-002", reason="DEVICE_UNREACHABLE")
        gateway.awaits(first, "ROI-001", state="completed")  # the switch is not concerned
        gateway.awaits(first, "ROI-006", state="pending", reason="AWAITING_CPE")
        gateway.awaits(second, "ROI-006", state="pending", reason="AWAITING_CPE")

        assert gateway.ztp("FDO2340568", "config/FDO2349999").status_code == 403
        gateway.awaits(first, "ROI-006", state="held", reason="WRONG_CPE")
        assert any("FDO2349999" in note for note in gateway.notes(first, "ROI-006"))
        assert gateway.item(second, "ROI-006").state == "pending"

        assert gateway.ztp("FDO2340568", "config/FDO2340569").status_code == 403
        gateway.awaits(second, "ROI-006", state="held", reason="WRONG_CIRCUIT")

        boots = [gateway.ztp("FDO2340568", "config/FDO2340568") for _ in range(2)]
        assert [answer.status_code for answer in boots] == [200, 200]
        assert boots[0].content == boots[1].content
        assert gateway.item(first, "ROI-006").state != "held"
        until(
            lambda: gateway.rows(
                "SELECT 1 FROM change WHERE device = 'RADIUS-01' AND reason IS NOT NULL"
            ),
            "the RADIUS database is found locked",
        )
        other.execute("ROLLBACK")
    lab.fault("BNG-SYD-01", "refuse-connections", on=False)
    for order_id in (first, second):
        done = gateway.completes(order_id)
        notes = [n["text"] for item in done["orderItem"] for n in item.get("note", [])]
        assert any(note.startswith("DEVICE_UNREACHABLE: BNG-SYD-01") for note in notes)
        assert not any("is None" in note for note in notes), notes


def test_a_dhcp_server_that_refuses_holds_the_item_with_its_words(shared: Shared) -> None:
    gateway, lab = shared.gateway, shared.lab
    words = "subnet configuration failed: no memory"
    document = order_for(
        "ENT-1102-X1", "so-wave1-sydney-1", (P2P, "RFS:VLAN-Service", "RFS:IP-Profile")
    )
    lab.fault("KEA-01", "refuse-configuration", text=words)
    order_id = gateway.post(document)
    gateway.awaits(order_id, "ROI-003", state="held", reason="DEVICE_REFUSED")
    assert any(words in note for note in gateway.notes(order_id, "ROI-003"))

    def written() -> set[str]:
        rows = gateway.rows(
            "SELECT item_id FROM change "
            "WHERE order_id = :o AND device = 'EAS-SYD-01' AND state = 'done'",
            o=order_id,
        )
        return {row.item_id for row in rows}

    until(lambda: written() == {"ROI-001", "ROI-002"}, "the switch, which is not concerned", 90)


def test_a_wrong_password_is_tried_once_and_held(shared: Shared) -> None:
    gateway = shared.gateway
    vault = Vault(gateway.engine, SecretStr("the same key for every gateway of these tests"))
    right = vault.resolve("device/EAS-SYD-02").get_secret_value()
    vault.remember("device/EAS-SYD-02", "wrong")
    try:
        order_id = gateway.post(order_for("ENT-1102-X2", "so-wave1-sydney-2", (P2P,)))
        gateway.awaits(order_id, "ROI-001", state="held", reason="AUTHENTICATION_FAILED")
        assert len(reported(gateway, order_id, "device.not_written", "AUTHENTICATION_FAILED")) == 1
        assert not gateway.rows(
            "SELECT 1 FROM change WHERE device = 'EAS-SYD-02' AND state IN ('waiting', 'claimed')"
        )
    finally:
        vault.remember("device/EAS-SYD-02", right)


def test_a_changed_host_key_holds_the_item_and_nothing_is_sent(shared: Shared) -> None:
    gateway, lab = shared.gateway, shared.lab
    change = sa.text("UPDATE device SET host_key = :key WHERE name = 'EAS-SYD-01'")
    (known,) = gateway.rows("SELECT host_key FROM device WHERE name = 'EAS-SYD-01'")
    before = lab.counters("EAS-SYD-01")
    with gateway.engine.begin() as connection:
        connection.execute(change, {"key": OTHER_KEY})
    try:
        order_id = gateway.post(order_for("ENT-1102-X3", "so-wave1-sydney-1", (P2P,)))
        gateway.awaits(order_id, "ROI-001", state="held", reason="HOST_KEY_CHANGED")
        assert lab.counters("EAS-SYD-01")["edits"] == before["edits"]
    finally:
        with gateway.engine.begin() as connection:
            connection.execute(change, {"key": known.host_key})
