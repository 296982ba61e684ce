"""What is known of a resource by its kind: scope of uniqueness, quarantine, derived attributes.

An unknown kind is welcome: its values are texts, unique in their pool, free again at once.
"""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any

Network = IPv4Network | IPv6Network

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

QUARANTINE = {
    "vlan": DAY,
    "ipv4-prefix": 30 * DAY,
    "ipv6-prefix": 30 * DAY,
    "ipv6-delegated": 30 * DAY,
    "lan-prefix": 30 * DAY,
    "loopback": 30 * DAY,
    "onu-id": HOUR,
    "alloc-id": HOUR,
    "gemport": HOUR,
}
"""How long a released value rests unless its pool says otherwise: leases and caches must expire."""

SHARED = frozenset({"pon-port"})
"""Kinds many sites hold at a time: a PON carries as many ONTs as it has identifiers and speed."""

PREFIX_KINDS = frozenset({"ipv4-prefix", "ipv6-prefix", "ipv6-delegated", "lan-prefix", "loopback"})

_SCOPE_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "vlan": ("l2_domain",),
    "onu-id": ("device", "port"),
    "alloc-id": ("device", "port"),
    "gemport": ("device", "port"),
    "twamp-port": ("device",),
}

NUMBER_RANGES: Mapping[str, tuple[int, int]] = {
    "vlan": (1, 4094),  # IEEE 802.1Q clause 9.6: 0 and 4095 are reserved
    "onu-id": (0, 253),  # bbf-xpon-types, G-PON
    "alloc-id": (256, 4095),
    "gemport": (0, 4095),
    "twamp-port": (49152, 65535),  # RFC 8913: sender ports are dynamic ports
}
DEFAULT_SCOPE = "network"
"""Routing scope of prefixes whose pool names none."""


def needed_attributes(kind: str) -> tuple[str, ...]:
    """Pool attributes without which values of this kind have no scope of uniqueness."""
    return _SCOPE_ATTRIBUTES.get(kind, ())


def scope_of(kind: str, pool: str, scope: str | None, attributes: Mapping[str, Any]) -> str:
    """Name the scope in which a value may exist once; prefixes of all kinds share theirs."""
    if kind in PREFIX_KINDS:
        return f"prefix {scope or DEFAULT_SCOPE}"
    if scope:
        return f"{kind} {scope}"
    if kind in _SCOPE_ATTRIBUTES:
        return " ".join([kind, *(str(attributes[name]) for name in _SCOPE_ATTRIBUTES[kind])])
    return f"{kind} in {pool}"


def prefix_attributes(kind: str, network: Network) -> dict[str, Any]:
    """What templates may read of a prefix: the first host is the gateway, the second the CE."""
    text = str(network)
    if kind == "loopback":
        address = str(network.network_address)
        return {"value": text, "network": address, "ce": address}
    found: dict[str, Any] = {"value": text, "prefix": text, "length": network.prefixlen}
    if kind != "ipv6-prefix":
        found["network"] = str(network.network_address)
    if isinstance(network, IPv4Network):
        found["netmask"] = str(network.netmask)
    if kind != "ipv6-delegated":
        found["gateway"] = str(network[1])
    if kind in {"ipv4-prefix", "ipv6-prefix"}:
        found["ce"] = str(network[2])
    return found
