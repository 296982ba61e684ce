"""What a Kea server checks of the host reservations of one subnet."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from mock_devices.services.kea.errors import KeaError
from mock_devices.services.kea.families import Family, Json, Network
from mock_devices.services.kea.identifiers import identifier_bytes
from mock_devices.services.kea.options import check_options


def parsed_address(family: Family, text: str, what: str) -> IPv4Address | IPv6Address:
    """Return an address of the server's family; raises ``KeaError``."""
    try:
        address = ip_address(text)
    except ValueError as error:
        raise KeaError(f"Failed to convert '{text}' to {what}: {error}") from error
    if address.version != family.version:
        raise KeaError(f"{what} '{text}' is not a valid IPv{family.version} address")
    return address


def check_reservations(
    family: Family,
    network: Network,
    subnet: Json,
    space: str,
    definitions: frozenset[str],
) -> None:
    """Refuse a client or an address reserved twice and addresses outside; ``KeaError``."""
    seen_identifiers: set[tuple[str, bytes]] = set()
    seen_addresses: set[str] = set()
    number = subnet.get("id", 0)
    for reservation in subnet.get("reservations", ()):
        kind = _identifier_kind(family, reservation)
        key = (kind, identifier_bytes(kind, reservation[kind]))
        if key in seen_identifiers:
            raise KeaError(
                f"failed to add new host using the {kind} '{reservation[kind]}' to the "
                f"IPv{family.version} subnet id '{number}' as this host has already been added"
            )
        seen_identifiers.add(key)
        for text in _reserved_addresses(family, reservation):
            address = parsed_address(family, text, "address")
            if address not in network:
                raise KeaError(
                    f"specified reservation '{text}' is not within the "
                    f"IPv{family.version} subnet '{network}'"
                )
            if str(address) in seen_addresses:
                raise KeaError(
                    f"failed to add address reservation for host using the {kind} "
                    f"'{reservation[kind]}': address {address} is already reserved"
                )
            seen_addresses.add(str(address))
        check_options(space, reservation.get("option-data", ()), definitions)


def _identifier_kind(family: Family, reservation: Json) -> str:
    kinds = [name for name in family.identifiers if name in reservation]
    if not kinds:
        names = ", ".join(family.identifiers)
        raise KeaError(f"one of the supported identifiers must be specified: {names}")
    if len(kinds) > 1:
        raise KeaError(f"the '{kinds[1]}' and '{kinds[0]}' host identifiers are mutually exclusive")
    return kinds[0]


def _reserved_addresses(family: Family, reservation: Json) -> list[str]:
    if family.version == 4:
        return [reservation["ip-address"]] if reservation.get("ip-address") else []
    return list(reservation.get("ip-addresses", ()))
