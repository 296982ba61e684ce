"""Where a notification may be sent: the guard against requests forged through a callback (SSRF).

Allowed is what the operator has named: hosts (``som.example.net``, ``*.example.net``) and networks
(``198.51.100.0/24``). A host's address may be public; one that is not (private, loopback, shared,
link-local, ...) must lie in an allowed network, and one that is link-local, where clouds keep
their metadata, in a network of link-local addresses itself. Every address a name resolves to has to
pass, and the one that did is the one connected to: asking the name server twice would let it
answer twice (DNS rebinding).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from rom.model.errors import CallbackRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]
MAX_LENGTH = 2000
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """A callback taken apart; ``authority`` is what the Host header says."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    def at(self, address: str) -> str:
        """Return the URL that connects to ``address`` whatever the name resolves to."""
        literal = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{literal}:{self.port}{self.path}"


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name; raises ``OSError`` when it has none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CallbackPolicy:
    """Decides about callbacks, when one is registered and each time something is sent."""

    def __init__(self, allow: str, *, http: bool, resolver: Resolver = resolve) -> None:
        """``allow`` is a comma-separated list; raises ``ValueError`` for a malformed network."""
        entries = [entry.strip().lower() for entry in allow.split(",") if entry.strip()]
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        for entry in entries:
            if "/" in entry:
                self._networks.append(ipaddress.ip_network(entry))
            elif (address := _literal(entry)) is not None:
                self._networks.append(ipaddress.ip_network(address))
            else:
                self._hosts.add(entry)
        self._schemes = ("https", "http") if http else ("https",)
        self._resolver = resolver

    def target(self, callback: str) -> Target:
        """Take a callback apart; raises ``CallbackRefused`` for what is no usable URL."""
        if len(callback) > MAX_LENGTH or not callback.isascii() or not callback.isprintable():
            raise CallbackRefused("is no URL in printable ASCII of at most 2000 characters")
        if any(character in callback for character in ' \\"<>'):
            raise CallbackRefused("holds characters that no URL holds")
        parts, port = _split(callback)
        if parts.scheme not in self._schemes:
            raise CallbackRefused(f"is not allowed but with {' or '.join(self._schemes)}")
        if not parts.hostname or parts.username is not None or parts.fragment:
            raise CallbackRefused("needs a host, and neither user nor fragment")
        usual = _PORTS[parts.scheme]
        host = parts.hostname.lower().rstrip(".")
        named = f"[{host}]" if ":" in host else host
        authority = named if port in (None, usual) else f"{named}:{port}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port or usual, authority, path)

    async def address(self, target: Target) -> str:
        """Return the address to connect to; raises ``CallbackRefused``."""
        literal = _literal(target.host)
        if literal is not None:
            texts = [str(literal)]
        else:
            try:
                texts = await self._resolver(target.host, target.port)
            except (OSError, UnicodeError) as error:
                raise CallbackRefused(f"has a host without an address: {target.host}") from error
        named = self._is_named(target.host)
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in texts]
        # An answer that mixes allowed and other addresses is not to be trusted at all.
        if not addresses or not all(self._passes(each, named=named) for each in addresses):
            raise CallbackRefused(f"has a host that is not allowed: {target.host}")
        return str(addresses[0])

    def _is_named(self, host: str) -> bool:
        if host in self._hosts:
            return True
        parents = host.split(".")
        return any(f"*.{'.'.join(parents[n:])}" in self._hosts for n in range(1, len(parents)))

    def _passes(self, address: Address, *, named: bool) -> bool:
        address = _embedded(address)
        networks = [network for network in self._networks if address in network]
        if address.is_link_local or address.is_unspecified or address.is_multicast:
            return any(network.is_link_local for network in networks)
        return bool(networks) or (named and address.is_global)


def _split(callback: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(callback)
        return parts, parts.port
    except ValueError as error:
        raise CallbackRefused(f"is no URL: {error}") from error


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
