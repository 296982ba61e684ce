"""The plant: what is plugged into what, and how far a frame gets through it right now."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from mock_devices.cli.grammar import load_grammar
from mock_devices.lab.access import (
    AccessPath,
    Blocked,
    OltView,
    cli_switch_path,
    openconfig_switch_path,
)
from mock_devices.lab.gateway import BgpNeighbour, BngView
from mock_devices.lab.topology import CliDeviceSpec, Link, NetconfDeviceSpec, Topology
from mock_devices.netconf import Schema, load_schema
from mock_devices.services.kea.decision import Offer

Tree = Callable[[str], etree._Element]
"""Gives the running configuration of a NETCONF device by name, as a bare tree."""
Lines = Callable[[str], str]
"""Gives the running configuration of a command line device by name."""
Ask = Callable[[str, str, str | None, str], Offer | None]
"""Asks the DHCP server at an address: server, giaddr, circuit-id, hardware address."""


@dataclass(frozen=True)
class Attachment:
    """Where a router's frames arrive at the BNG."""

    link: Link
    path: AccessPath


@dataclass(frozen=True)
class RouterBgp:
    """A router's end of its eBGP session, from its running configuration."""

    address: str
    """Its own WAN address."""
    local_as: str
    neighbour: str
    remote_as: str
    password: str


@dataclass
class Plant:
    """Follows configuration from device to device at the moment it is asked.

    ``connected`` holds the ONTs that are plugged in and powered.
    """

    topology: Topology
    tree: Tree
    lines: Lines
    ask: Ask
    connected: set[str] = field(default_factory=set)
    last_discovery: dict[str, str] = field(default_factory=dict)
    """The outcome of each router's latest DHCP discovery, in words."""

    def __post_init__(self) -> None:
        self.connected |= {serial for serial, ont in self.topology.onts.items() if ont.connected}

    def attachment(self, serial: str) -> Attachment:
        """Return where the router's frames reach the BNG; raises ``Blocked``."""
        path, access = self._access(serial)
        link = self.topology.link(access, path.uplink)
        if link is None:
            raise Blocked(f"{access} {path.uplink} leads nowhere")
        return Attachment(link, path)

    def discover(self, serial: str, hardware_address: str = "") -> Offer | None:
        """Return what a router's DHCPDISCOVER is answered with, ``None`` for silence."""
        try:
            found = self._relayed(serial, hardware_address)
        except Blocked as blocked:
            self.last_discovery[serial] = str(blocked)
            return None
        self.last_discovery[serial] = f"offered {found.interface}"
        return found

    def bgp_state(self, serial: str, router: RouterBgp | None) -> str:
        """Return ``Established`` when both ends fit, else ``Idle`` or ``Active`` (RFC 4271 8.2.2).

        ``Idle``: the router has no neighbour or no path to it. ``Active``: it tries in vain.
        """
        if router is None:
            return "Idle"
        try:
            attachment = self.attachment(serial)
            there = self._bng(attachment).bgp_neighbour(
                attachment.link.bng_port, attachment.path.vlan, router.address
            )
        except Blocked:
            return "Active"
        shown = self._schema(attachment.link.bng).concealed(router.password)
        return "Established" if _agree(router, there, shown) else "Active"

    def reachable(self, serial: str) -> bool:
        """Return whether packets pass between the BNG and the router's WAN port."""
        try:
            attachment = self.attachment(serial)
            self._bng(attachment).attached(attachment.link.bng_port, attachment.path.vlan)
        except Blocked:
            return False
        return True

    def _relayed(self, serial: str, hardware_address: str) -> Offer:
        attachment = self.attachment(serial)
        link, path = attachment.link, attachment.path
        relay = self._bng(attachment).relay(link.bng_port, path.vlan, path.circuit_id)
        offer = self.ask(relay.server, relay.giaddr, relay.circuit_id, hardware_address)
        if offer is None:
            raise Blocked(
                f"no DHCP offer for giaddr {relay.giaddr} circuit-id {relay.circuit_id!r}"
            )
        return offer

    def _access(self, serial: str) -> tuple[AccessPath, str]:
        router = self.topology.routers.get(serial)
        if router is None:
            raise Blocked(f"no router {serial} is installed anywhere")
        if router.ont is not None:
            return self._through_ont(router.ont)
        assert router.switch is not None  # noqa: S101 - the model demands it
        assert router.port is not None  # noqa: S101 - the model demands it
        uplinks = [link.uplink for link in self.topology.links if link.access == router.switch]
        name, spec = router.switch, self.topology.devices[router.switch]
        if isinstance(spec, CliDeviceSpec):
            model = load_grammar(spec.platform).ports
            return cli_switch_path(name, model, self.lines(name), router.port, uplinks), name
        return openconfig_switch_path(name, self.tree(name), router.port, uplinks), name

    def _through_ont(self, serial: str) -> tuple[AccessPath, str]:
        ont = self.topology.onts[serial]
        if serial not in self.connected:
            raise Blocked(f"ONT {serial} is not connected")
        view = OltView(ont.olt, self.tree(ont.olt))
        return view.path(serial, channel_termination(ont.port)), ont.olt

    def _bng(self, attachment: Attachment) -> BngView:
        name = attachment.link.bng
        model = self._schema(name).gateway
        if model is None:
            raise Blocked(f"{name} is no gateway")
        return BngView(name, model, self.tree(name))

    def _schema(self, device: str) -> Schema:
        spec = self.topology.devices[device]
        if not isinstance(spec, NetconfDeviceSpec):
            raise Blocked(f"{device} is no gateway")
        return load_schema(spec.platform)


def channel_termination(port: str) -> str:
    """Return the name engineering gives the channel termination of a PON port such as ``2/8``."""
    return f"CT-{port.replace('/', '-')}"


def _agree(router: RouterBgp, there: BgpNeighbour, shown: str) -> bool:
    """Tell whether both ends fit; ``shown`` is the router's password as the BNG would show it."""
    if (router.neighbour, router.remote_as, router.local_as) != (
        there.gateway,
        there.local_as,
        there.peer_as,
    ):
        return False
    if not router.password or not there.password:
        return router.password == there.password
    return there.password == shown
