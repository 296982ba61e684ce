"""What the router knows of the world: its DHCP offer, its BGP neighbours and HTTP transfers."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

_USER_AGENT = "cisco-IOS"
_TIMEOUT_SECONDS = 10.0
_LARGEST_FILE = 16 << 20
_REASONS = {401: "Permission denied", 403: "Permission denied", 404: "No such file or directory"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A DHCP offer as the plant's relays and servers made it.

    ``source`` is the loopback address from which the router's packets leave, empty for any;
    ``headers`` go with every HTTP request, for a lab that must tell circuits apart.
    """

    address: str
    boot_url: str
    circuit: str = ""
    netmask: str = "255.255.255.248"
    gateway: str = ""
    source: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BgpNeighbour:
    """One neighbour as configured on the router."""

    address: str
    remote_as: int
    local_as: int
    local_address: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BgpSession:
    """A session's state by its name in RFC 4271 section 8.2.2 and the prefixes received."""

    state: str = "Idle"
    prefixes: int = 0


Discover = Callable[[str], Awaitable[Offer | None]]
"""Asks the plant for an address on behalf of a serial number."""
BgpState = Callable[[str, BgpNeighbour], BgpSession]
"""Tells a session's state from the serial number and the router's side of it."""


_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; reading authorities takes long


class TransferError(Exception):
    """A transfer failed; the text is the reason as ``copy`` prints it."""


async def fetch(url: str, offer: Offer | None) -> bytes:
    """Return the body behind an HTTP URL. Raises TransferError with IOS's reason."""
    if not url.startswith("http://"):
        raise TransferError("Protocol error")
    transport = httpx.AsyncHTTPTransport(
        verify=_NO_TLS, local_address=(offer and offer.source) or None
    )
    headers = {"User-Agent": _USER_AGENT, **(offer.headers if offer else {})}
    try:
        async with (
            httpx.AsyncClient(
                transport=transport, timeout=_TIMEOUT_SECONDS, trust_env=False
            ) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise TransferError(_REASONS.get(response.status_code, "I/O error"))
            return await _body(response)
    except httpx.ConnectError as error:
        raise TransferError("Connection refused") from error
    except httpx.TimeoutException as error:
        raise TransferError("Timed out") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TransferError("I/O error") from error


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_FILE:
            raise TransferError("No space left on device")
    return bytes(body)
