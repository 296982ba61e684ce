"""Gateways of other makes are further schema files: neighbours on them are in service as well."""

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

import mock_devices
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.neighbours import Neighbour, neighbours
from mock_devices.lab.plant import Plant
from mock_devices.lab.served import neighbour_bgp, with_neighbours
from mock_devices.lab.topology import CliDeviceSpec, KeaSpec, NetconfDeviceSpec, load_topology
from mock_devices.netconf import DerivedState, StateRequest, bare, load_schema
from mock_devices.netconf.edit import BASE
from mock_devices.netconf.errors import InvalidConfigurationError
from mock_devices.netconf.operational import state_tree
from mock_devices.netconf.storage import parse_configuration
from mock_devices.netconf.tree import Container
from mock_devices.netconf.validation import Validator
from mock_devices.netconf.writing import Writer
from mock_devices.services.kea.decision import Offer, offer

FOLDER = Path(mock_devices.__file__).parent / "topologies" / "other-makes"
ACCESS = {
    "OLT-SOUTH-03": "BNG-MEL-01",
    "EAS-SYD-01": "BNG-SYD-01",
    "EAS-SYD-02": "BNG-SYD-01",
    "OLT-NORTH-07": "BNG-BNE-01",
}


class Network:
    """The lab as its baselines make it, without the devices' protocols."""

    def __init__(self) -> None:
        self.topology = load_topology(FOLDER / "topology.yaml")
        self.sites = neighbours(self.topology)
        baselines = Baselines(FOLDER / "baselines", self.sites, self.topology.shares)
        self.running: dict[str, Container] = {}
        self.lines: dict[str, str] = {}
        self.kea: Any = {}
        for name, spec in self.topology.devices.items():
            if isinstance(spec, NetconfDeviceSpec):
                document = baselines.netconf(name, spec)
                self.running[name] = parse_configuration(load_schema(spec.platform), document)
            elif isinstance(spec, CliDeviceSpec):
                self.lines[name] = baselines.cli(name, spec)
            elif isinstance(spec, KeaSpec):
                self.kea = baselines.kea(spec)["dhcp4"]
        self.trees = {name: bare(self.document(name)) for name in self.running}

    def schema(self, name: str) -> Any:
        return load_schema(self.topology.devices[name].platform)  # type: ignore[union-attr]

    def site(self, access: str) -> Neighbour:
        return next(site for site in self.sites if site.access == access)

    def plant(self) -> Plant:
        served = with_neighbours(self.topology, self.sites)
        return Plant(served, self.trees.__getitem__, self.lines.__getitem__, self._ask)

    def gone(self, name: str, xpath: str) -> None:
        found = self.trees[name].xpath(xpath)
        assert found, xpath
        for element in found:
            element.getparent().remove(element)

    def _ask(self, server: str, giaddr: str, circuit: str | None, _hw: str) -> Offer | None:
        return offer(self.kea, giaddr, circuit) if server == "192.0.2.53" else None

    def without(self, name: str, xpath: str) -> bytes:
        """A device's configuration without what ``xpath`` selects, its names taken as local."""
        root = etree.fromstring(self.document(name))
        local = re.sub(r"(?<=/)([a-z][\w-]*)", r"*[local-name()='\1']", xpath)
        local = re.sub(r"\[([a-z-]+)=", r"[*[local-name()='\1']=", local)
        found = root.xpath(local)
        assert found, local
        for element in found:
            element.getparent().remove(element)
        return etree.tostring(root)

    def validate(self, name: str, document: bytes) -> None:
        schema = self.schema(name)
        Validator(schema).check(parse_configuration(schema, document))

    def document(self, name: str) -> bytes:
        return Writer(self.schema(name)).document(self.running[name], "config", BASE)


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.mark.parametrize("access", ACCESS)
def test_a_neighbour_gets_its_address_and_its_bgp_session(network: Network, access: str) -> None:
    site, plant = network.site(access), network.plant()
    made = plant.discover(site.site)
    assert made is not None, plant.last_discovery
    assert made.address == site.router
    assert plant.bgp_state(site.site, neighbour_bgp(site)) == "Established"


JUNOS, XR = ("OLT-SOUTH-03", "ENT-1040"), ("OLT-NORTH-07", "ENT-1260")
UNIT = "//interfaces/interface/unit[name='2091']"
GROUP = "//dhcp-relay/group[name='ENT-1040']"
SUB = "//interfaces/interface[interface-name='TenGigE0/0/0/1.2103']"
PROFILE = "//profile[profile-name='KEA-ENT-1260-B1']"


@pytest.mark.parametrize(
    ("access", "missing", "message"),
    [
        (JUNOS, "//interface/flexible-vlan-tagging", "xe-1/0/1 is disabled or untagged"),
        (JUNOS, UNIT, "has no unit of xe-1/0/1 with vlan-id 2091"),
        (JUNOS, f"{UNIT}/family/inet/address", "unit xe-1/0/1.2091 has no address"),
        (JUNOS, "//instance[name='ENT-1040']/interface", "is in no routing instance"),
        (JUNOS, f"{GROUP}/interface", "is in no dhcp-relay group"),
        (JUNOS, f"{GROUP}/interface/overrides", "option 82 from an untrusted interface"),
        (JUNOS, f"{GROUP}/active-server-group", "no DHCP offer"),
        (XR, SUB, "has no subinterface of TenGigE0/0/0/1 with dot1q 2103"),
        (XR, f"{SUB}/vrf", "is in no VRF"),
        (XR, f"{SUB}/ipv4", "has no address"),
        (XR, PROFILE, "is no address of the interface"),
        (XR, "//dhcp/ipv4/interfaces/interface", "no DHCP relay profile"),
        (XR, f"{PROFILE}//allow-untrusted", "option 82 from an untrusted interface"),
    ],
)
def test_without_one_piece_there_is_no_address(
    network: Network, access: tuple[str, str], missing: str, message: str
) -> None:
    site, plant = network.site(access[0]), network.plant()
    assert site.vpn == access[1]
    network.gone(ACCESS[site.access], missing)
    assert plant.discover(site.site) is None
    assert message in plant.last_discovery[site.site]


@pytest.mark.parametrize(
    ("access", "missing"),
    [
        (JUNOS, "//bgp/group[name='CE']/ttl"),
        (JUNOS, "//bgp/group/neighbor/authentication-key"),
        (XR, "//neighbor/ttl-security"),
        (XR, "//neighbor//route-policy"),
        (XR, "//neighbor/password"),
    ],
)
def test_without_one_piece_the_session_stays_down(
    network: Network, access: tuple[str, str], missing: str
) -> None:
    site = network.site(access[0])
    network.gone(ACCESS[site.access], missing)
    assert network.plant().bgp_state(site.site, neighbour_bgp(site)) == "Active"


def state(network: Network, name: str, **hooks: Any) -> Container:
    schema = network.schema(name)
    made = DerivedState(schema, **hooks).state(network.running[name], StateRequest(None))
    return state_tree(schema, made)


def test_a_junos_gateway_shows_units_and_sessions(network: Network) -> None:
    shown = state(
        network, "BNG-MEL-01", session=lambda vrf, _: "Established" if vrf == "ENT-1041" else "Idle"
    )
    port = shown.container("interfaces").entry("interface", "xe-1/0/1")
    assert port is not None
    unit = port.container("subinterfaces").entry("subinterface", "2091")
    assert unit is not None
    assert unit.container("state").leaf("oper-status") == "UP"
    sessions = {
        name: [
            neighbour.container("state").leaf("session-state")
            for protocol in entry.container("protocols").entries("protocol").values()
            for neighbour in protocol.container("bgp", "neighbors").entries("neighbor").values()
        ]
        for (name,), entry in shown.container("network-instances")
        .entries("network-instance")
        .items()
    }
    assert sessions["ENT-1041"] == ["ESTABLISHED"]
    assert sessions["ENT-1040"] == ["IDLE"]
    dark = state(network, "BNG-MEL-01", link=lambda _: False)
    port = dark.container("interfaces").entry("interface", "xe-1/0/1")
    assert port is not None
    assert port.container("state").leaf("oper-status") == "DOWN"


def test_an_xr_gateway_shows_interfaces_and_sessions(network: Network) -> None:
    for link, word in ((True, "im-state-up"), (False, "im-state-down")):
        shown = state(network, "BNG-BNE-01", link=lambda _, link=link: link)
        briefs = shown.container("interface-state", "interface-briefs").entries("interface-brief")
        assert {entry.leaf("line-state") for entry in briefs.values()} == {word}
    instance = shown.container("bgp", "instances").entry("instance", "default")
    assert instance is not None
    vrfs = instance.container("instance-active", "vrfs").entries("vrf")
    assert {
        neighbour.leaf("connection-state")
        for vrf in vrfs.values()
        for neighbour in vrf.container("neighbors").entries("neighbor").values()
    } == {"bgp-st-active"}


@pytest.mark.parametrize(
    ("name", "missing", "message"),
    [
        ("BNG-MEL-01", UNIT, "Interface xe-1/0/1.2091 not configured"),
        ("BNG-MEL-01", "//firewall/policer", "there is no policer"),
        ("BNG-MEL-01", "//instance[name='ENT-1040']/interface", "is not in this routing instance"),
        ("BNG-BNE-01", f"/*{SUB[1:]}", "interface TenGigE0/0/0/1.2103 does not exist"),
        ("BNG-BNE-01", "//vrfs/vrf[vrf-name='ENT-1260']", "there is no vrf"),
    ],
)
def test_a_commit_that_leaves_a_name_dangling_is_refused(
    network: Network, name: str, missing: str, message: str
) -> None:
    with pytest.raises(InvalidConfigurationError, match=re.escape(message)):
        network.validate(name, network.without(name, missing))


def test_two_subinterfaces_of_a_port_cannot_have_one_vlan(network: Network) -> None:
    text = network.document("BNG-BNE-01").decode()
    assert "<vlan-id>2104</vlan-id>" in text
    doubled = text.replace("<vlan-id>2104</vlan-id>", "<vlan-id>2103</vlan-id>").encode()
    with pytest.raises(InvalidConfigurationError, match="is in use on its port"):
        network.validate("BNG-BNE-01", doubled)
