"""What a Kea server checks beyond the grammar: subnets, reservations, options belong together."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from mock_devices.services.kea.errors import KeaError
from mock_devices.services.kea.families import Family, Json, Network
from mock_devices.services.kea.grammar import check
from mock_devices.services.kea.options import check_definitions, check_options
from mock_devices.services.kea.reservations import check_reservations, parsed_address


def check_configuration(family: Family, arguments: Any) -> Json:
    """Return the server's map of a whole configuration, or raise ``KeaError``.

    ``arguments`` is what ``config-set`` carries: a map with the one key ``Dhcp4`` or ``Dhcp6``.
    """
    if not isinstance(arguments, dict) or family.root not in arguments:
        raise KeaError(f"Missing mandatory '{family.root}' parameter.")
    extra = sorted(set(arguments) - {family.root})
    if extra:
        raise KeaError(f"Unsupported '{extra[0]}' parameter.")
    server: Json = arguments[family.root]
    check(server, family.grammar, f"/{family.root}")
    _check_identifier_names(family, server)
    space = f"dhcp{family.version}"
    definitions = check_definitions(server.get("option-def", ()))
    check_options(space, server.get("option-data", ()), definitions)
    _check_subnets(family, server.get(family.subnets, ()), space, definitions)
    return server


def _check_identifier_names(family: Family, server: Json) -> None:
    for name in server.get("host-reservation-identifiers", ()):
        if name not in family.identifiers:
            raise KeaError(f"invalid host identifier name '{name}' in the list of identifiers")


def _check_subnets(
    family: Family, subnets: Sequence[Json], space: str, definitions: frozenset[str]
) -> None:
    networks: list[Network] = []
    ids: set[int] = set()
    for subnet in subnets:
        try:
            network = _network(family, subnet)
            _check_id(family, subnet, ids)
            _check_relay(family, subnet)
            _check_pools(network, subnet)
            check_options(space, subnet.get("option-data", ()), definitions)
            check_reservations(family, network, subnet, space, definitions)
        except KeaError as refusal:
            raise KeaError(f"subnet configuration failed: {refusal}") from refusal
        networks.append(network)
    _check_prefixes(family, networks)


def _network(family: Family, subnet: Json) -> Network:
    text = subnet.get("subnet")
    if not text:
        raise KeaError("mandatory 'subnet' parameter is missing for a subnet being configured")
    if "/" not in text:
        raise KeaError(f"Invalid subnet syntax (prefix/len expected): {text}")
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise KeaError(f"Failed to convert '{text}' to address: {error}") from error
    if network.version != family.version:
        raise KeaError(f"Invalid IPv{family.version} subnet '{text}'")
    return network


def _check_id(family: Family, subnet: Json, ids: set[int]) -> None:
    number = subnet.get("id", 0)
    if not 0 <= number < 2**32 - 1:
        raise KeaError(f"The 'id' value ({number}) is not within expected range: (0 - 4294967294)")
    number = number or max(ids, default=0) + 1
    if number in ids:
        raise KeaError(f"ID of the new IPv{family.version} subnet '{number}' is already in use")
    ids.add(number)


def _check_prefixes(family: Family, networks: Iterable[Network]) -> None:
    """Refuse equal prefixes, as Kea does, and overlapping ones, which no operator means."""
    ordered = sorted(networks, key=lambda n: (int(n.network_address), n.prefixlen))
    reached: Network | None = None
    for network in ordered:
        if reached is None or int(network.network_address) > int(reached.broadcast_address):
            reached = network
            continue
        if network == reached:
            message = f"subnet with the prefix of '{network}' already exists"
        else:
            message = (
                f"IPv{family.version} subnet '{network}' overlaps with the existing '{reached}'"
            )
        raise KeaError(f"subnet configuration failed: {message}")


def _check_relay(family: Family, subnet: Json) -> None:
    relay = subnet.get("relay", {})
    if "ip-address" in relay and "ip-addresses" in relay:
        raise KeaError("specify either ip-address or ip-addresses, not both")
    for text in relay.get("ip-addresses", ()):
        parsed_address(family, text, "address")


def _check_pools(network: Network, subnet: Json) -> None:
    for pool in subnet.get("pools", ()):
        text = pool.get("pool", "")
        first, _, last = text.partition("-")
        try:
            ends = [ip_address(end.strip()) for end in (first, last)] if last else _ends(text)
        except ValueError as error:
            raise KeaError(f"Failed to create pool defined by: {text}") from error
        if any(end.version != network.version or end not in network for end in ends):
            raise KeaError(
                f"a pool of type V{network.version}, with the following address range: {text} "
                f"does not match the prefix of a subnet: {network} to which it is being added"
            )
    for pool in subnet.get("pd-pools", ()):
        _check_delegation(pool)


def _ends(text: str) -> list[Any]:
    network = ip_network(text)
    return [network.network_address, network.broadcast_address]


def _check_delegation(pool: Json) -> None:
    missing = [key for key in ("prefix", "prefix-len", "delegated-len") if key not in pool]
    if missing:
        raise KeaError(f"missing parameter '{missing[0]}'")
    if pool["delegated-len"] < pool["prefix-len"]:
        raise KeaError(
            f"Prefix length ({pool['prefix-len']}) must be less than or equal to the delegated "
            f"prefix length ({pool['delegated-len']})"
        )
    try:
        ip_network(f"{pool['prefix']}/{pool['prefix-len']}")
    except ValueError as error:
        raise KeaError(f"invalid pd-pool prefix '{pool['prefix']}': {error}") from error
