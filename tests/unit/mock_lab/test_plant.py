"""A neighbour's site in full is the positive case; each test below takes one piece of it away."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import mock_devices
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.neighbours import Neighbour, neighbours
from mock_devices.lab.plant import Plant
from mock_devices.lab.served import neighbour_bgp, with_neighbours
from mock_devices.lab.topology import (
    CliDeviceSpec,
    KeaSpec,
    NetconfDeviceSpec,
    Topology,
    load_topology,
)
from mock_devices.netconf import bare, load_schema
from mock_devices.netconf.edit import BASE
from mock_devices.netconf.storage import parse_configuration
from mock_devices.netconf.writing import Writer
from mock_devices.services.kea.decision import Offer, offer

FOLDER = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre"
OLT, BNG = "OLT-SOUTH-03", "BNG-MEL-01"


def local(element: Any, tag: str) -> list[Any]:
    found: list[Any] = element.xpath(f".//*[local-name()='{tag}']")
    return found


@dataclass
class Network:
    topology: Topology
    sites: tuple[Neighbour, ...]
    trees: dict[str, Any]
    lines: dict[str, str]
    kea: dict[str, Any]

    def site(self, access: str) -> Neighbour:
        return next(site for site in self.sites if site.access == access)

    def plant(self) -> Plant:
        return Plant(self.topology, self.trees.__getitem__, self.lines.__getitem__, self.ask)

    def ask(self, server: str, giaddr: str, circuit_id: str | None, _hw: str) -> Offer | None:
        return offer(self.kea, giaddr, circuit_id) if server == "192.0.2.53" else None

    def entry(self, device: str, tag: str, key: str) -> Any:
        """The list entry of a device with this key in its first leaf."""
        return next(e for e in local(self.trees[device], tag) if len(e) and e[0].text == key)

    def remove(self, device: str, tag: str, key: str) -> None:
        entry = self.entry(device, tag, key)
        entry.getparent().remove(entry)

    def remove_member(self, device: str, tag: str, value: str) -> None:
        member = next(e for e in local(self.trees[device], tag) if e.text == value)
        member.getparent().remove(member)

    def put(self, device: str, tag: str, key: str, leaf: str, text: str) -> None:
        local(self.entry(device, tag, key), leaf)[0].text = text


@pytest.fixture
def network(engineered: Network) -> Network:
    return Network(
        engineered.topology,
        engineered.sites,
        deepcopy(engineered.trees),
        dict(engineered.lines),
        deepcopy(engineered.kea),
    )


@pytest.fixture(scope="module")
def engineered() -> Network:
    topology = load_topology(FOLDER / "topology.yaml")
    sites = neighbours(topology)
    baselines = Baselines(FOLDER / "baselines", sites)
    trees, lines, kea = {}, {}, {}
    for name, spec in topology.devices.items():
        if isinstance(spec, NetconfDeviceSpec):
            schema = load_schema(spec.platform)
            running = parse_configuration(schema, baselines.netconf(name, spec))
            trees[name] = bare(Writer(schema).document(running, "config", BASE))
        elif isinstance(spec, CliDeviceSpec):
            lines[name] = baselines.cli(name, spec)
        elif isinstance(spec, KeaSpec):
            kea = dict(baselines.kea(spec)["dhcp4"])
    return Network(with_neighbours(topology, sites), sites, trees, lines, kea)


@pytest.mark.parametrize("access", [OLT, "OLT-NORTH-07", "EAS-SYD-01", "EAS-SYD-02"])
def test_a_fully_configured_site_gets_its_address(network: Network, access: str) -> None:
    site = network.site(access)
    plant = network.plant()
    made = plant.discover(site.site)
    assert made is not None, plant.last_discovery
    assert made.address == site.router
    assert plant.reachable(site.site)


def test_a_site_of_which_nothing_is_configured_gets_none(network: Network) -> None:
    plant = network.plant()
    assert plant.discover("FDO2340567") is None
    assert plant.last_discovery["FDO2340567"] == "OLT-SOUTH-03 expects no ONT ALCLFA3B91C2"


Break = Callable[[Network], object]
S = "ENT-1040-S1"
BROKEN: dict[str, tuple[Break, str]] = {
    "no v-ani": (lambda n: n.remove(OLT, "interface", f"vani-{S}"), "expects no ONT"),
    "another serial": (
        lambda n: n.put(OLT, "interface", f"vani-{S}", "expected-serial-number", "ALCL00000001"),
        "expects no ONT",
    ),
    "another PON": (
        lambda n: n.put(OLT, "interface", f"vani-{S}", "preferred-channel-pair", "CPAIR-2-7-gpon"),
        "is expected on another PON",
    ),
    "v-ani disabled": (
        lambda n: n.put(OLT, "interface", f"vani-{S}", "enabled", "false"),
        "is disabled",
    ),
    "no olt-v-enet": (lambda n: n.remove(OLT, "interface", f"venet-{S}-1"), "no olt-v-enet"),
    "no T-CONT": (lambda n: n.remove(OLT, "tcont", f"tcont-{S}-1"), "no gemport on a T-CONT"),
    "user side disabled": (
        lambda n: n.put(OLT, "interface", f"user-{S}-2091", "enabled", "false"),
        "user-ENT-1040-S1-2091 is disabled",
    ),
    "no user side": (
        lambda n: n.remove(OLT, "interface", f"user-{S}-2091"),
        "no vlan-sub-interface",
    ),
    "uplink side disabled": (
        lambda n: n.put(OLT, "interface", f"net-{S}-2091", "enabled", "false"),
        "net-ENT-1040-S1-2091 is disabled",
    ),
    "no uplink side": (
        lambda n: n.remove(OLT, "interface", f"net-{S}-2091"),
        "in no forwarder",
    ),
    "other VLAN at the uplink": (
        lambda n: n.put(OLT, "interface", f"net-{S}-2091", "vlan-id", "2999"),
        "not of one VLAN",
    ),
    "no forwarder": (lambda n: n.remove(OLT, "forwarder", f"fwd-{S}-2091"), "in no forwarder"),
    "uplink disabled": (
        lambda n: n.put(OLT, "interface", "uplink-1", "enabled", "false"),
        "uplink uplink-1 is disabled",
    ),
    "no option 82": (
        lambda n: n.put(OLT, "interface", f"user-{S}-2091", "enable", "false"),
        "circuit-id None",
    ),
    "no subscriber profile": (
        lambda n: n.remove(OLT, "subscriber-profile", f"sub-{S}"),
        "circuit-id None",
    ),
    "other circuit-id": (
        lambda n: n.put(OLT, "subscriber-profile", f"sub-{S}", "circuit-id", "elsewhere"),
        "circuit-id 'elsewhere'",
    ),
    "BNG port disabled": (
        lambda n: n.put(BNG, "port", "1/1/c1/1", "admin-state", "disable"),
        "port 1/1/c1/1 is not enabled",
    ),
    "no SAP": (lambda n: n.remove(BNG, "sap", "1/1/c1/1:2091"), "has no SAP 1/1/c1/1:2091"),
    "SAP disabled": (
        lambda n: n.put(BNG, "sap", "1/1/c1/1:2091", "admin-state", "disable"),
        "SAP 1/1/c1/1:2091 is disabled",
    ),
    "VPRN disabled": (
        lambda n: n.put(BNG, "vprn", "ENT-1040", "admin-state", "disable"),
        "VPRN ENT-1040 is not enabled",
    ),
    "interface disabled": (
        lambda n: n.put(BNG, "interface", S, "admin-state", "disable"),
        "interface ENT-1040-S1 is disabled",
    ),
    "relay disabled": (
        lambda n: n.put(BNG, "dhcp", "enable", "admin-state", "disable"),
        "DHCP relay is not enabled",
    ),
    "relay without gi-address": (
        lambda n: n.put(BNG, "interface", S, "gi-address", ""),
        "no gi-address",
    ),
    "gi-address of somebody else": (
        lambda n: n.put(BNG, "interface", S, "gi-address", "10.64.0.9"),
        "is no address of the interface",
    ),
    "relay to a stranger": (
        lambda n: n.put(BNG, "interface", S, "server", "192.0.2.99"),
        "no DHCP offer",
    ),
    "option 82 not trusted": (
        lambda n: n.put(BNG, "interface", S, "trusted", "false"),
        "untrusted",
    ),
    "option 82 dropped": (
        lambda n: n.put(BNG, "interface", S, "action", "drop"),
        "circuit-id None",
    ),
    "no subnet": (lambda n: n.kea["Dhcp4"]["subnet4"].pop(0), "no DHCP offer"),
    "no reservation": (
        lambda n: n.kea["Dhcp4"]["subnet4"][0]["reservations"].clear(),
        "no DHCP offer",
    ),
}


@pytest.mark.parametrize("piece", BROKEN, ids=lambda piece: piece.replace(" ", "-"))
def test_without_one_piece_of_a_fibre_site_there_is_no_address(
    network: Network, piece: str
) -> None:
    damage, message = BROKEN[piece]
    site = network.site(OLT)
    damage(network)
    plant = network.plant()
    assert plant.discover(site.site) is None
    assert message in plant.last_discovery[site.site]


def test_an_ont_that_is_not_plugged_in_gets_no_address(network: Network) -> None:
    site = network.site(OLT)
    plant = network.plant()
    plant.connected.discard(site.ont)
    assert plant.discover(site.site) is None
    assert "is not connected" in plant.last_discovery[site.site]


EAS = "EAS-SYD-01"
SWITCHED: dict[str, tuple[Break, str]] = {
    "port disabled": (
        lambda n: n.put(EAS, "interface", "GigabitEthernet0/1", "enabled", "false"),
        "GigabitEthernet0/1 is not enabled",
    ),
    "no access VLAN": (
        lambda n: n.put(EAS, "interface", "GigabitEthernet0/1", "access-vlan", ""),
        "no access port",
    ),
    "VLAN unknown": (lambda n: n.remove(EAS, "vlan", "2098"), "no active VLAN 2098"),
    "VLAN suspended": (
        lambda n: n.put(EAS, "vlan", "2098", "status", "SUSPENDED"),
        "no active VLAN 2098",
    ),
    "not in the trunk": (
        lambda n: n.remove_member(EAS, "trunk-vlans", "2098"),
        "carries VLAN 2098 on no uplink",
    ),
    "BNG keeps an empty option 82": (
        lambda n: n.put("BNG-SYD-01", "interface", "ENT-1200-E1", "action", "keep"),
        "circuit-id None",
    ),
}


@pytest.mark.parametrize("piece", SWITCHED, ids=lambda piece: piece.replace(" ", "-"))
def test_without_one_piece_of_an_ethernet_site_there_is_no_address(
    network: Network, piece: str
) -> None:
    damage, message = SWITCHED[piece]
    site = network.site(EAS)
    damage(network)
    plant = network.plant()
    assert plant.discover(site.site) is None
    assert message in plant.last_discovery[site.site]


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("switchport access vlan 2104", "switchport access vlan 1", "has no VLAN 1"),
        ("switchport access vlan 2104", "shutdown", "shut down"),
        ("vlan 2104\n name", "vlan 2999\n name", "has no VLAN 2104"),
        ("allowed vlan add 2104", "allowed vlan add 2999", "on no uplink"),
        ("switchport mode trunk", "switchport mode access", "on no uplink"),
    ],
)
def test_without_one_line_on_a_command_line_switch_there_is_no_address(
    network: Network, line: str, instead: str, message: str
) -> None:
    network.lines["EAS-SYD-02"] = network.lines["EAS-SYD-02"].replace(line, instead, 1)
    site = network.site("EAS-SYD-02")
    plant = network.plant()
    assert plant.discover(site.site) is None
    assert message in plant.last_discovery[site.site]


@pytest.mark.parametrize(
    "allowed", ["2100-2110", "10,2104", "10,20\n switchport trunk allowed vlan add 2104"]
)
def test_a_trunk_carries_what_its_ranges_and_continued_lines_name(
    network: Network, allowed: str
) -> None:
    text = network.lines["EAS-SYD-02"].replace("vlan add 2104", "vlan add 9")
    network.lines["EAS-SYD-02"] = text.replace("allowed vlan none", f"allowed vlan {allowed}")
    assert network.plant().discover(network.site("EAS-SYD-02").site) is not None


def test_bgp_is_established_when_both_ends_fit(network: Network) -> None:
    site = network.site(OLT)
    assert network.plant().bgp_state(site.site, neighbour_bgp(site)) == "Established"
    assert network.plant().bgp_state(site.site, None) == "Idle"


@pytest.mark.parametrize(
    ("leaf", "text"),
    [
        ("peer-as", "65000"),
        ("ip-address", "10.64.0.3"),
        ("authentication-key", "another"),
        ("authentication-key", ""),
    ],
)
def test_bgp_stays_down_when_the_bngs_end_differs(network: Network, leaf: str, text: str) -> None:
    site = network.site(OLT)
    network.put(BNG, "neighbor", site.router, leaf, text)
    assert network.plant().bgp_state(site.site, neighbour_bgp(site)) == "Active"


def test_bgp_goes_down_with_the_vlan(network: Network) -> None:
    site = network.site(OLT)
    network.remove(OLT, "forwarder", f"fwd-{S}-2091")
    assert network.plant().bgp_state(site.site, neighbour_bgp(site)) == "Active"
