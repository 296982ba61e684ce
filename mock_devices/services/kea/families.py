"""What differs between the DHCPv4 and the DHCPv6 server."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from mock_devices.services.kea.grammar import DHCP4, DHCP6, MapOf
from mock_devices.services.kea.identifiers import IDENTIFIERS4, IDENTIFIERS6

Network = IPv4Network | IPv6Network
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """What differs between the two servers."""

    version: int
    root: str
    subnets: str
    grammar: MapOf
    identifiers: tuple[str, ...]


FAMILIES = {
    "dhcp4": Family(4, "Dhcp4", "subnet4", DHCP4, IDENTIFIERS4),
    "dhcp6": Family(6, "Dhcp6", "subnet6", DHCP6, IDENTIFIERS6),
}
