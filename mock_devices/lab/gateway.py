"""What a BNG's configuration (SR OS, nokia-conf) does with a customer's VLAN."""

from dataclasses import dataclass

from lxml import etree

from mock_devices.lab.access import Blocked, entries, text


@dataclass(frozen=True)
class Relay:
    """How the BNG relays a DHCPv4 request."""

    server: str
    giaddr: str
    circuit_id: str | None


@dataclass(frozen=True)
class BgpNeighbour:
    """The BNG's end of an eBGP session; ``password`` is shown as the device keeps it."""

    address: str
    peer_as: str
    local_as: str
    gateway: str
    password: str


class BngView:
    """A BNG's configuration."""

    def __init__(self, name: str, config: etree._Element) -> None:
        self.name = name
        configure = config.find("{*}configure")
        self._configure = config if configure is None else configure

    @property
    def system_name(self) -> str:
        """The configured system name, which option 82 begins with."""
        return text(self._configure, "system", "name") or self.name

    def relay(self, port: str, vlan: int, circuit_id: str | None) -> Relay:
        """Return how a DHCPv4 request from ``port:vlan`` is relayed; raises ``Blocked``.

        ``circuit_id`` is what the access device has put into option 82. SR OS drops a request
        that brings option 82 on an untrusted interface.
        """
        vprn, interface = self._attachment(port, vlan)
        sap = f"{self.name} {port}:{vlan}"
        ipv4 = interface.find("{*}ipv4")
        dhcp = ipv4.find("{*}dhcp") if ipv4 is not None else None
        if dhcp is None or text(dhcp, "admin-state") != "enable":
            raise Blocked(f"{sap}: DHCP relay is not enabled")
        giaddr, server = text(dhcp, "gi-address"), text(dhcp, "server")
        if not giaddr or not server:
            raise Blocked(f"{sap}: DHCP relay has no gi-address or no server")
        if giaddr != text(interface, "ipv4", "primary", "address"):
            raise Blocked(f"{sap}: gi-address {giaddr} is no address of the interface")
        if circuit_id is not None and text(dhcp, "trusted") != "true":
            raise Blocked(f"{sap}: option 82 from an untrusted interface is dropped")
        return Relay(server, giaddr, self._option82(vprn, dhcp, f"{port}:{vlan}", circuit_id))

    def attached(self, port: str, vlan: int) -> None:
        """Raise ``Blocked`` unless ``port:vlan`` leads to an enabled interface."""
        self._attachment(port, vlan)

    def bgp_neighbour(self, port: str, vlan: int, address: str) -> BgpNeighbour:
        """Return the neighbour ``address`` of the VPRN behind ``port:vlan``; raises ``Blocked``."""
        vprn, interface = self._attachment(port, vlan)
        bgp = vprn.find("{*}bgp")
        if bgp is None or text(bgp, "admin-state") == "disable":
            raise Blocked(f"{self.name}: no BGP in {text(vprn, 'service-name')}")
        groups = {text(group, "group-name"): group for group in entries(bgp, "group")}
        for neighbour in entries(bgp, "neighbor"):
            if text(neighbour, "ip-address") != address:
                continue
            if text(neighbour, "admin-state") == "disable":
                raise Blocked(f"{self.name}: BGP neighbour {address} is disabled")
            group = groups.get(text(neighbour, "group"))
            inherited = text(group, "peer-as") if group is not None else ""
            return BgpNeighbour(
                address=address,
                peer_as=text(neighbour, "peer-as") or inherited,
                local_as=text(vprn, "autonomous-system"),
                gateway=text(interface, "ipv4", "primary", "address"),
                password=text(neighbour, "authentication-key"),
            )
        raise Blocked(f"{self.name}: no BGP neighbour {address}")

    def _attachment(self, port: str, vlan: int) -> tuple[etree._Element, etree._Element]:
        """Return VPRN and interface of a SAP, all of them enabled; raises ``Blocked``.

        SR OS leaves a service down unless told otherwise, its interfaces and SAPs up.
        """
        ports = {text(entry, "port-id"): entry for entry in entries(self._configure, "port")}
        if port not in ports or text(ports[port], "admin-state") != "enable":
            raise Blocked(f"{self.name} port {port} is not enabled")
        for vprn in entries(self._configure, "service", "vprn"):
            for interface in entries(vprn, "interface"):
                for sap in entries(interface, "sap"):
                    if text(sap, "sap-id") != f"{port}:{vlan}":
                        continue
                    self._enabled(vprn, interface, sap)
                    return vprn, interface
        raise Blocked(f"{self.name} has no SAP {port}:{vlan}")

    def _enabled(
        self, vprn: etree._Element, interface: etree._Element, sap: etree._Element
    ) -> None:
        if text(vprn, "admin-state") != "enable":
            raise Blocked(f"{self.name} VPRN {text(vprn, 'service-name')} is not enabled")
        if text(interface, "admin-state") == "disable":
            raise Blocked(f"{self.name} interface {text(interface, 'interface-name')} is disabled")
        if text(sap, "admin-state") == "disable":
            raise Blocked(f"{self.name} SAP {text(sap, 'sap-id')} is disabled")

    def _option82(
        self, vprn: etree._Element, dhcp: etree._Element, sap: str, circuit_id: str | None
    ) -> str | None:
        option = dhcp.find("{*}option-82")
        action = text(option, "action") if option is not None else ""
        if action == "drop":
            return None
        if action != "replace":
            return circuit_id
        choice = option.find("{*}circuit-id") if option is not None else None
        if choice is not None and len(choice) and choice.find("{*}ascii-tuple") is None:
            return sap if choice.find("{*}sap-id") is not None else None
        return f"{self.system_name}|{text(vprn, 'service-id')}|{sap}"
