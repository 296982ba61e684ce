"""DHCP options by name, as far as an access network sets them (RFC 2132, RFC 8415)."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from mock_devices.services.kea.errors import KeaError

STANDARD: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "dhcp4": {
        "subnet-mask": (1, "ipv4"),
        "time-offset": (2, "integer"),
        "routers": (3, "ipv4"),
        "domain-name-servers": (6, "ipv4"),
        "log-servers": (7, "ipv4"),
        "host-name": (12, "string"),
        "domain-name": (15, "string"),
        "ntp-servers": (42, "ipv4"),
        "vendor-encapsulated-options": (43, "string"),
        "dhcp-lease-time": (51, "integer"),
        "tftp-server-name": (66, "string"),
        "boot-file-name": (67, "string"),
        "domain-search": (119, "string"),
        "classless-static-route": (121, "string"),
    },
    "dhcp6": {
        "dns-servers": (23, "ipv6"),
        "domain-search": (24, "string"),
        "sntp-servers": (31, "ipv6"),
        "bootfile-url": (59, "string"),
    },
}


def check_definitions(definitions: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the names that ``option-def`` adds; raises ``KeaError``."""
    names: set[str] = set()
    for definition in definitions:
        for key in ("name", "code", "type"):
            if key not in definition:
                raise KeaError(f"missing parameter '{key}' in option definition")
        if definition["name"] in names:
            raise KeaError(f"option definition '{definition['name']}' already exists")
        names.add(definition["name"])
    return frozenset(names)


def check_options(
    space: str, options: Iterable[Mapping[str, Any]], definitions: frozenset[str]
) -> None:
    """Refuse options that no definition knows and data that does not fit; ``KeaError``."""
    for option in options:
        if "name" not in option and "code" not in option:
            raise KeaError("option data must have either name or code specified")
        name = option.get("name")
        if name is None or name in definitions or option.get("csv-format") is False:
            continue
        if name not in STANDARD[space]:
            raise KeaError(
                f"definition for the option '{option.get('space', space)}.{name}' does not exist"
            )
        _check_data(name, STANDARD[space][name][1], option.get("data", ""))


def _check_data(name: str, kind: str, data: str) -> None:
    if kind == "string":
        if not data:
            raise KeaError(f"option data does not match option definition '{name}': empty")
        return
    parse = {"ipv4": IPv4Address, "ipv6": IPv6Address, "integer": int}[kind]
    for part in data.split(","):
        try:
            parse(part.strip())
        except ValueError as error:
            raise KeaError(
                f"option data does not match option definition '{name}': "
                f"unable to convert '{part.strip()}'"
            ) from error
