"""What the DHCPv4 server would offer to a relayed client, from its running configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, ip_address, ip_network
from typing import Any

from mock_devices.services.kea.errors import KeaError
from mock_devices.services.kea.identifiers import identifier_bytes

Json = Mapping[str, Any]
DEFAULT_LIFETIME = 7200


@dataclass(frozen=True)
class Offer:
    """A DHCPOFFER: the address with its prefix, and the options a factory-new router looks at."""

    interface: IPv4Interface
    subnet_id: int
    routers: tuple[str, ...]
    boot_file: str | None
    hostname: str | None
    lifetime: int
    """Lease time in seconds (option 51)."""

    @property
    def address(self) -> str:
        """The offered address."""
        return str(self.interface.ip)


def offer(configuration: Json, giaddr: str, circuit_id: str | None) -> Offer | None:
    """Return the offer for a client behind relay ``giaddr``, or ``None`` when there is none.

    The subnet is chosen by relay address, then by the prefix that holds ``giaddr`` (Kea 2.2,
    section 8.2.6). An enterprise subnet has no pool, so only a reservation by circuit-id counts.
    """
    server: Json = configuration["Dhcp4"]
    subnet = _subnet(server.get("subnet4", ()), giaddr)
    known = server.get("host-reservation-identifiers", ("hw-address", "duid", "circuit-id"))
    if subnet is None or circuit_id is None or "circuit-id" not in known:
        return None
    if subnet.get("reservations-in-subnet", server.get("reservations-in-subnet", True)) is False:
        return None
    reservation = _reservation(subnet.get("reservations", ()), circuit_id.encode())
    if reservation is None or "ip-address" not in reservation:
        return None
    options = _options(server, subnet, reservation)
    length = ip_network(subnet["subnet"], strict=False).prefixlen
    return Offer(
        interface=IPv4Interface(f"{reservation['ip-address']}/{length}"),
        subnet_id=subnet.get("id", 0),
        routers=tuple(part.strip() for part in options.get("routers", "").split(",") if part),
        boot_file=options.get("boot-file-name") or reservation.get("boot-file-name") or None,
        hostname=reservation.get("hostname") or None,
        lifetime=subnet.get("valid-lifetime", server.get("valid-lifetime", DEFAULT_LIFETIME)),
    )


def _subnet(subnets: list[Json] | tuple[()], giaddr: str) -> Json | None:
    relay = ip_address(giaddr)
    for subnet in subnets:
        addresses = subnet.get("relay", {}).get("ip-addresses", ())
        if any(ip_address(text) == relay for text in addresses):
            return subnet
    for subnet in subnets:
        if relay in ip_network(subnet["subnet"], strict=False):
            return subnet
    return None


def _reservation(reservations: list[Json] | tuple[()], circuit_id: bytes) -> Json | None:
    for reservation in reservations:
        text = reservation.get("circuit-id")
        if text is None:
            continue
        try:
            if identifier_bytes("circuit-id", text) == circuit_id:
                return reservation
        except KeaError:
            continue
    return None


def _options(*scopes: Json) -> dict[str, str]:
    """Return option data by name; the narrower scope, given later, wins."""
    return {
        option["name"]: option.get("data", "")
        for scope in scopes
        for option in scope.get("option-data", ())
        if "name" in option
    }
