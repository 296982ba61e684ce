"""Operational state follows configuration and plant."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mock_devices.netconf import (
    DerivedState,
    NetconfDevice,
    OltState,
    ProbeState,
    SenderCounters,
    SwitchState,
    load_schema,
)


def ask(lab: Any, device: NetconfDevice, content: str, filters: str) -> str:
    """Commit ``content`` and return the answer to a get as text."""

    async def run() -> str:
        async with lab.running(device) as port, lab.connected(port) as client:
            await client.edit(content)
            await client.commit()
            return lab.data_of(await client.get(filters))

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("onts", "presence", "detected"),
    [
        ({}, "onu-not-present-with-v-ani", None),
        ({"ALCL00000011": "CT-2-8"}, "onu-present-and-on-intended-channel-termination",
         "ALCL00000011"),
        ({"ALCL00000011": "CT-9-9"}, "onu-present-and-no-v-ani-known-and-o5-failed",
         "ALCL00000011"),
        ({"ALCLFFFFFFFF": "CT-2-8"}, "onu-present-and-v-ani-known-and-o5-failed", "ALCLFFFFFFFF"),
    ],
)  # fmt: skip
def test_an_olt_tells_whether_the_expected_onu_is_on_the_right_fibre(
    lab: Any, olt: NetconfDevice, onts: dict[str, str], presence: str, detected: str | None
) -> None:
    olt.operational = OltState(lambda: onts)
    named = "<interface><name>vani-A</name></interface>"
    shown = ask(
        lab,
        olt,
        lab.bearer("A", 17),
        f'<interfaces-state xmlns="{lab.IF}">{named}</interfaces-state>',
    )
    assert f":{presence}<" in shown
    assert ("<oper-status>up" in shown) is (
        detected == "ALCL00000011" and "CT-2-8" in onts.values()
    )
    assert (f"<detected-serial-number>{detected}<" in shown) is (detected is not None)
    assert "uplink-1" not in shown


def test_a_sub_interface_is_up_when_everything_below_it_is(lab: Any, olt: NetconfDevice) -> None:
    olt.operational = OltState(lambda: {"ALCL00000011": "CT-2-8"})
    subif = (
        '<interfaces xmlns="{0}"><interface><name>user-{1}</name>'
        '<type xmlns:b="urn:bbf:yang:bbf-if-type">b:vlan-sub-interface</type>'
        '<subif-lower-layer xmlns="{2}"><interface>venet-{1}</interface></subif-lower-layer>'
        "</interface></interfaces>"
    )
    content = "".join(
        lab.bearer(site, onu) + subif.format(lab.IF, site, lab.SUBIF)
        for site, onu in (("A", 17), ("B", 18))
    )
    shown = ask(
        lab, olt, content,
        f'<interfaces-state xmlns="{lab.IF}"><interface><name/><oper-status/></interface>'
        "</interfaces-state>",
    )  # fmt: skip
    assert "<name>user-A</name><oper-status>up<" in shown
    assert "<name>user-B</name><oper-status>down<" in shown
    assert "<name>uplink-1</name><oper-status>up<" in shown


def test_a_switch_port_is_up_when_enabled_and_lit(tmp_path: Path, lab: Any) -> None:
    link: Callable[[str], bool] = lambda port: port != "Gi2"  # noqa: E731 - a plant in one line
    device = NetconfDevice(
        "S", load_schema("openconfig-switch"), lab.CREDENTIALS, tmp_path,
        operational=SwitchState(link),
    )  # fmt: skip
    port = (
        "<interface><name>{0}</name><config><name>{0}</name>"
        '<type xmlns:i="urn:ietf:params:xml:ns:yang:iana-if-type">i:ethernetCsmacd</type>'
        "<enabled>{1}</enabled></config></interface>"
    )
    space = "http://openconfig.net/yang/interfaces"
    ports = "".join(
        port.format(name, enabled)
        for name, enabled in (("Gi1", "true"), ("Gi2", "true"), ("Gi3", "false"))
    )
    shown = ask(
        lab, device, f'<interfaces xmlns="{space}">{ports}</interfaces>',
        f'<interfaces xmlns="{space}"><interface><name/><state><oper-status/></state></interface>'
        "</interfaces>",
    )  # fmt: skip
    states = [text.partition("<")[0] for text in shown.split("<oper-status>")[1:]]
    assert states == ["UP", "DOWN", "DOWN"]


def test_a_gateway_shows_saps_and_bgp_sessions(tmp_path: Path, lab: Any) -> None:
    device = NetconfDevice(
        "B", load_schema("sros-bng"), lab.CREDENTIALS, tmp_path,
        operational=DerivedState(
            load_schema("sros-bng"),
            session=lambda vrf, peer: "Established" if (vrf, peer) == ("V", "10.0.0.2") else "Idle",
        ),
    )  # fmt: skip
    conf = "urn:nokia.com:sros:ns:yang:sr:conf"
    content = (
        f'<configure xmlns="{conf}"><port><port-id>1/1/c1/1</port-id>'
        "<admin-state>enable</admin-state></port><service><customer><customer-name>C</customer-name></customer>"
        "<vprn><service-name>V</service-name><customer>C</customer>"
        "<admin-state>enable</admin-state>"
        "<interface><interface-name>A</interface-name><sap><sap-id>1/1/c1/1:2108</sap-id></sap>"
        "</interface><interface><interface-name>B</interface-name><sap><sap-id>1/1/c9/1:2</sap-id>"
        "</sap></interface><bgp><group><group-name>CE</group-name></group>"
        "<neighbor><ip-address>10.0.0.2</ip-address><group>CE</group></neighbor></bgp></vprn>"
        "</service></configure>"
    )
    shown = ask(lab, device, content, '<state xmlns="urn:nokia.com:sros:ns:yang:sr:state"/>')
    assert "<sap-id>1/1/c1/1:2108</sap-id><oper-state>up<" in shown
    assert "<sap-id>1/1/c9/1:2</sap-id><oper-state>down<" in shown
    assert "<session-state>Established<" in shown


def test_a_probe_shows_its_counters(tmp_path: Path, lab: Any) -> None:
    device = NetconfDevice(
        "P", load_schema("ietf-twamp-probe"), lab.CREDENTIALS, tmp_path,
        operational=ProbeState(lambda _: SenderCounters(9000, 8999, 8999, 8999)),
    )  # fmt: skip
    space = "urn:ietf:params:xml:ns:yang:ietf-twamp"
    session = (
        f'<twamp xmlns="{space}"><session-sender><test-session><name>s</name>'
        "<number-of-packets>9000</number-of-packets><periodic-interval>0.1</periodic-interval>"
        "</test-session></session-sender></twamp>"
    )
    shown = ask(
        lab, device, session,
        f'<twamp xmlns="{space}"><session-sender><test-session><name>s</name><sent-packets/>'
        "<rcv-packets/></test-session></session-sender></twamp>",
    )  # fmt: skip
    assert "<sent-packets>9000</sent-packets><rcv-packets>8999</rcv-packets>" in shown
