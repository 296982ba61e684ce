"""The pilot site brought into service by hand, over the devices' own protocols."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from ncclient import manager

import mock_devices
from mock_devices.lab.neighbours import Neighbour, neighbours, subnet4
from mock_devices.lab.topology import load_topology

FOLDER = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre"
SERIAL, ONT = "FDO2340567", "ALCLFA3B91C2"
DAY_1 = """hostname ce-ent-1102-melb
interface GigabitEthernet0/0/0
 ip address 10.88.12.2 255.255.255.248
 no shutdown
router bgp {asn}
 neighbor 10.88.12.1 remote-as 64500
 neighbor 10.88.12.1 password {bgp_password}
 address-family ipv4
  neighbor 10.88.12.1 activate
ip sla server twamp
 port 862
ip sla responder twamp
"""


@pytest.fixture
def pilot() -> Neighbour:
    first = neighbours(load_topology(FOLDER / "topology.yaml"))[0]
    return first.model_copy(
        update={
            "site": "ENT-1102-MELB",
            "customer": 1102,
            "vpn": "ENT-1102",
            "vlan": 2108,
            "sap": "1/1/c1/1:2108",
            "circuit_id": "OLT-SOUTH-03 xpon 2/8/17:2108",
            "onu_id": 17,
            "alloc_id": 529,
            "gemport_tc1": 1041,
            "gemport_tc3": 1042,
            "ont": ONT,
            "subnet": IPv4Network("10.88.12.0/29"),
            "gateway": "10.88.12.1",
            "router": "10.88.12.2",
            "prefix": IPv6Network("2001:db8:8812:2108::/64"),
            "gateway6": "2001:db8:8812:2108::1",
            "sender_port": 49862,
            "bgp_password": "only-for-this-lab",
        }
    )


@contextmanager
def boot_server(text: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a day-1 file; yields its address and the list of who asked."""
    clients: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            clients.append(self.client_address[0])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/day1.cfg", clients
        server.shutdown()


def connect(lab: Any, name: str) -> manager.Manager:
    device = lab.ready["devices"][name]
    return manager.connect(
        host=device["host"],
        port=device["port"],
        username=device["username"],
        password=device["password"],
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
    )


def configure(lab: Any, name: str, site: Neighbour) -> None:
    hint = lab.ready["devices"][name]["profile_hint"]
    text = (FOLDER / "baselines" / f"neighbour.{hint}.xml").read_text()
    config = etree.fromstring(text.format_map(site.model_dump()))
    with connect(lab, name) as session:
        session.edit_config(config, target="candidate")
        session.commit()


def bind_address(lab: Any, site: Neighbour, boot_url: str) -> None:
    agent = lab.ready["devices"]["KEA4-01"]

    def command(name: str, arguments: Any = None) -> Any:
        body = {"command": name, "service": ["dhcp4"], "arguments": arguments}
        auth = (agent["username"], agent["password"])
        reply = httpx.post(agent["url"], json=body, auth=auth).json()[0]
        assert reply["result"] == 0, reply
        return reply.get("arguments")

    configuration = command("config-get")
    subnet = subnet4(site)
    subnet["reservations"][0]["boot-file-name"] = boot_url
    configuration["Dhcp4"]["subnet4"].append(subnet)
    command("config-test", configuration)
    command("config-set", configuration)
    command("config-write")


def state(lab: Any, name: str, request: str) -> etree._Element:
    with connect(lab, name) as session:
        document = session.get(("subtree", request)).data_xml
    return etree.fromstring(document.encode())


def texts(tree: etree._Element, leaf: str) -> list[str]:
    return [element.text or "" for element in tree.iter("{*}" + leaf)]


def eventually(wanted: Callable[[], bool], seconds: float = 20) -> None:
    """The lab tells nobody of its own accord, so it is asked until it is so."""
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.05)


BGP = (
    '<state xmlns="urn:nokia.com:sros:ns:yang:sr:state"><service><vprn>'
    "<service-name>ENT-1102</service-name><bgp/></vprn></service></state>"
)
SENDER = '<twamp xmlns="urn:ietf:params:xml:ns:yang:ietf-twamp"><session-sender/></twamp>'


def test_a_shipped_router_finds_its_way_through_what_the_devices_hold(
    lab: Any, pilot: Neighbour
) -> None:
    with (
        boot_server(DAY_1.format_map(pilot.model_dump())) as (url, clients),
        lab.control() as control,
    ):

        def router() -> Any:
            return control.get("/status").json()["ce"][SERIAL]

        logistics = lab.ready["devices"]["LOG-01"]
        shipped = httpx.put(
            f"{logistics['url']}/shipments/S-1102",
            json={"serial": SERIAL, "site": pilot.site, "address": "1 Road", "contact": "Jo"},
            headers={"authorization": f"Bearer {logistics['password']}"},
        )
        assert shipped.status_code == 201
        eventually(lambda: "expects no ONT" in router()["last_discovery"])

        configure(lab, "OLT-SOUTH-03", pilot)
        eventually(lambda: "has no SAP 1/1/c1/1:2108" in router()["last_discovery"])
        configure(lab, "BNG-MEL-01", pilot)
        eventually(lambda: "no DHCP offer" in router()["last_discovery"])
        bind_address(lab, pilot, url)
        eventually(lambda: router()["hostname"] == "ce-ent-1102-melb")
        assert router()["address"] == "10.88.12.2"
        assert clients == ["127.88.12.2"]

        eventually(lambda: texts(state(lab, "BNG-MEL-01", BGP), "session-state") == ["Established"])
        assert router()["bgp"] == {"10.88.12.1": "Established"}

        configure(lab, "PROBE-MEL-01", pilot)
        eventually(lambda: _received(lab, "Probe-ENT-1102-MELB") > 1)

        assert control.post(f"/onts/{ONT}/disconnect").json()["connected"] is False
        assert texts(state(lab, "BNG-MEL-01", BGP), "session-state") == ["Active"]


def _received(lab: Any, session: str) -> int:
    for entry in state(lab, "PROBE-MEL-01", SENDER).iter("{*}test-session"):
        if texts(entry, "name") == [session]:
            return int((texts(entry, "rcv-packets") or ["0"])[0])
    return 0
