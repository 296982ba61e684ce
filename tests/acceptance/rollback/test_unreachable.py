"""Devices that cannot be reached or do not let go, and the switch with a command line."""

from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.timeout(300)]

PILOT, SYDNEY = "ENT-1102-MELB", "ENT-1102-SYD2"
BNG = "BNG-MEL-01"
ENDLESS = "SELECT value FROM resource WHERE state = 'quarantined' AND quarantine_until IS NULL"


def device(task: Any, name: str) -> Any:
    (found,) = [each for each in task["result"]["devices"] if each["device"] == name]
    return found


def test_the_switch_with_a_command_line_goes_back_to_exactly_what_it_was(
    noc: Any, before: dict[str, str], sydney: None
) -> None:
    assert noc.running()["EAS-SYD-02"] != before["EAS-SYD-02"]
    preview = noc.preview(SYDNEY)
    (shown,) = [each for each in preview["devices"] if each["device"] == "EAS-SYD-02"]
    lines = [line.strip() for line in shown["sends"].splitlines() if "allowed vlan" in line]
    assert lines
    assert all(line.startswith("switchport trunk allowed vlan remove ") for line in lines)
    task = noc.rolled_back(SYDNEY)
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    running = noc.running()
    for name in ("EAS-SYD-02", "BNG-SYD-01", "PROBE-SYD-01"):
        assert running[name] == before[name], name


def test_an_unreachable_device_leaves_resources_in_quarantine_until_it_is_clean(
    noc: Any, before: dict[str, str], pilot: None
) -> None:
    noc.lab.fault(BNG, "refuse-connections", on=True)
    for _ in range(8):  # whoever has a session open loses it
        noc.lab.fault(BNG, "drop-session", operation="get-config", moment="before")
    try:
        task = noc.rolled_back(PILOT)
    finally:
        noc.lab.fault(BNG, "clear")
    assert task["state"] == "terminatedWithError"
    failed = device(task, BNG)
    assert (failed["state"], failed["reason"]) == ("refused", "DEVICE_UNREACHABLE")
    assert failed["verdict"] == task["result"]["verdict"] == "INDETERMINATE"
    assert any(PILOT in path for path in failed["kept"])
    assert device(task, "OLT-SOUTH-03")["verdict"] == "VERIFIED"
    assert noc.running()["OLT-SOUTH-03"] == before["OLT-SOUTH-03"]
    endless = {row.value for row in noc.gateway.rows(ENDLESS)}
    assert {"2108", "10.88.12.0/29"} <= endless
    held = noc.gateway.rows("SELECT name FROM reservation WHERE site = :s", s=PILOT)
    assert "sap_bandwidth" in {row.name for row in held}  # the BNG may still give it its rate

    report = noc.rom("device", "check", BNG)
    assert report.exit_code == 1
    assert "left-over" in report.output


POLICY = "BW-500-500-GOLD-ENT"
NOKIA = (
    'xmlns="urn:nokia.com:sros:ns:yang:sr:conf" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"'
)


@pytest.fixture
def service_outside(noc: Any, pilot_on_its_gateway: None) -> Iterator[None]:
    """A service that is none of ours and has one of our policies; afterwards both are gone."""
    noc.by_hand(
        BNG,
        f"<configure {NOKIA}><service><vprn><service-name>NOC-TEST</service-name>"
        "<service-id>9999</service-id><customer>CUST-ENT-1040</customer>"
        "<interface><interface-name>test</interface-name>"
        "<sap><sap-id>1/1/c1/1:3999</sap-id><ingress><qos><sap-ingress>"
        f"<policy-name>{POLICY}</policy-name></sap-ingress></qos></ingress></sap>"
        "</interface></vprn></service></configure>",
    )
    yield
    remove = 'nc:operation="remove"'
    noc.by_hand(
        BNG,
        f"<configure {NOKIA}><service><vprn {remove}><service-name>NOC-TEST</service-name></vprn>"
        f"</service><qos><sap-ingress {remove}><sap-ingress-policy-name>{POLICY}"
        "</sap-ingress-policy-name></sap-ingress></qos></configure>",
    )


def test_what_somebody_outside_uses_stays_and_is_reported_as_an_orphan(
    noc: Any, before: dict[str, str], service_outside: None
) -> None:
    policy = POLICY
    assert policy not in before[BNG]
    task = noc.rolled_back(PILOT)
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert any(policy in path for path in device(task, BNG)["orphans"])
    running = noc.running()[BNG]
    assert PILOT not in running
    assert policy in running
    assert noc.gateway.rows(ENDLESS) == []
    assert noc.gateway.rows("SELECT name FROM reservation WHERE site = :s", s=PILOT) == []
