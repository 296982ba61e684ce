"""The keys and value types of a Kea 2.2 configuration, as far as an access network uses them.

Source: Kea 2.2 administrator reference manual, sections 8 (DHCPv4) and 9 (DHCPv6). A key that is
not listed is refused, as Kea's own parser refuses a keyword it does not know in that place.
"""

from collections.abc import Mapping
from typing import Any

from mock_devices.services.kea.errors import KeaError

STRING = "constant string"
INTEGER = "integer"
BOOLEAN = "boolean"
FLOAT = "floating point"
ANY_MAP = "{"


class ListOf:
    """A list whose members all have one type."""

    def __init__(self, member: "Type") -> None:
        self.member = member


class MapOf:
    """A map with known keys."""

    def __init__(self, name: str, keys: Mapping[str, "Type"]) -> None:
        self.name = name
        self.keys = keys


Type = str | ListOf | MapOf

_TIMERS: dict[str, Type] = {
    "valid-lifetime": INTEGER,
    "min-valid-lifetime": INTEGER,
    "max-valid-lifetime": INTEGER,
    "renew-timer": INTEGER,
    "rebind-timer": INTEGER,
}
_PREFERRED: dict[str, Type] = {
    f"{bound}preferred-lifetime": INTEGER for bound in ("", "min-", "max-")
}
_TEE: dict[str, Type] = {"calculate-tee-times": BOOLEAN, "t1-percent": FLOAT, "t2-percent": FLOAT}
_RESERVATION_MODES: dict[str, Type] = {
    "reservation-mode": STRING,
    "reservations-global": BOOLEAN,
    "reservations-in-subnet": BOOLEAN,
    "reservations-out-of-pool": BOOLEAN,
}
_NOTES: dict[str, Type] = {"user-context": ANY_MAP, "comment": STRING}
_BOOT: dict[str, Type] = {
    "boot-file-name": STRING,
    "next-server": STRING,
    "server-hostname": STRING,
}
_RELAY = MapOf("relay", {"ip-address": STRING, "ip-addresses": ListOf(STRING)})
_OPTION_DATA = ListOf(
    MapOf(
        "option-data",
        {
            "name": STRING,
            "code": INTEGER,
            "space": STRING,
            "data": STRING,
            "csv-format": BOOLEAN,
            "always-send": BOOLEAN,
            **_NOTES,
        },
    )
)
_OPTION_DEF = ListOf(
    MapOf(
        "option-def",
        {
            "name": STRING,
            "code": INTEGER,
            "type": STRING,
            "space": STRING,
            "array": BOOLEAN,
            "record-types": STRING,
            "encapsulate": STRING,
            **_NOTES,
        },
    )
)
_POOLS = ListOf(
    MapOf("pools", {"pool": STRING, "option-data": _OPTION_DATA, "client-class": STRING, **_NOTES})
)
_IDENTIFIERS4: dict[str, Type] = dict.fromkeys(
    ("hw-address", "duid", "circuit-id", "client-id", "flex-id"), STRING
)
_RESERVATIONS4 = ListOf(
    MapOf(
        "reservations",
        {
            **_IDENTIFIERS4,
            **_BOOT,
            **_NOTES,
            "ip-address": STRING,
            "hostname": STRING,
            "client-classes": ListOf(STRING),
            "option-data": _OPTION_DATA,
        },
    )
)
_RESERVATIONS6 = ListOf(
    MapOf(
        "reservations",
        {
            "hw-address": STRING,
            "duid": STRING,
            "flex-id": STRING,
            "ip-addresses": ListOf(STRING),
            "prefixes": ListOf(STRING),
            "hostname": STRING,
            "client-classes": ListOf(STRING),
            "option-data": _OPTION_DATA,
            **_NOTES,
        },
    )
)
_COMMON: dict[str, Type] = {
    **_TIMERS,
    **_TEE,
    **_RESERVATION_MODES,
    **_NOTES,
    "option-data": _OPTION_DATA,
    "store-extended-info": BOOLEAN,
}
_SUBNET: dict[str, Type] = {
    **_COMMON,
    "id": INTEGER,
    "subnet": STRING,
    "interface": STRING,
    "relay": _RELAY,
    "pools": _POOLS,
    "client-class": STRING,
    "require-client-classes": ListOf(STRING),
}
_SUBNET4 = MapOf(
    "subnet4",
    {
        **_SUBNET,
        **_BOOT,
        "reservations": _RESERVATIONS4,
        "4o6-interface": STRING,
        "4o6-interface-id": STRING,
        "4o6-subnet": STRING,
        "authoritative": BOOLEAN,
        "match-client-id": BOOLEAN,
    },
)
_PD_POOL = MapOf(
    "pd-pools",
    {
        "prefix": STRING,
        "prefix-len": INTEGER,
        "delegated-len": INTEGER,
        "excluded-prefix": STRING,
        "excluded-prefix-len": INTEGER,
        "option-data": _OPTION_DATA,
        "client-class": STRING,
        **_NOTES,
    },
)
_SUBNET6 = MapOf(
    "subnet6",
    {
        **_SUBNET,
        **_PREFERRED,
        "pd-pools": ListOf(_PD_POOL),
        "reservations": _RESERVATIONS6,
        "interface-id": STRING,
        "rapid-commit": BOOLEAN,
    },
)
_SERVER: dict[str, Type] = {
    **_COMMON,
    "interfaces-config": MapOf(
        "interfaces-config",
        {
            "interfaces": ListOf(STRING),
            "dhcp-socket-type": STRING,
            "outbound-interface": STRING,
            "re-detect": BOOLEAN,
        },
    ),
    "control-socket": MapOf(
        "control-socket", {"socket-type": STRING, "socket-name": STRING, **_NOTES}
    ),
    "lease-database": MapOf(
        "lease-database",
        {"type": STRING, "persist": BOOLEAN, "name": STRING, "lfc-interval": INTEGER},
    ),
    "host-reservation-identifiers": ListOf(STRING),
    "option-def": _OPTION_DEF,
    "loggers": ListOf(
        MapOf(
            "loggers",
            {
                "name": STRING,
                "severity": STRING,
                "debuglevel": INTEGER,
                "output_options": ListOf(
                    MapOf(
                        "output_options",
                        {
                            "output": STRING,
                            "flush": BOOLEAN,
                            "maxsize": INTEGER,
                            "maxver": INTEGER,
                            "pattern": STRING,
                        },
                    )
                ),
                **_NOTES,
            },
        )
    ),
    "hooks-libraries": ListOf(MapOf("hooks-libraries", {"library": STRING, "parameters": ANY_MAP})),
    "server-tag": STRING,
    "parked-packet-limit": INTEGER,
    "decline-probation-period": INTEGER,
    "ddns-generated-prefix": STRING,
    "ddns-override-client-update": BOOLEAN,
    "ddns-override-no-update": BOOLEAN,
    "ddns-qualifying-suffix": STRING,
    "ddns-replace-client-name": STRING,
    "ddns-send-updates": BOOLEAN,
    "ddns-update-on-renew": BOOLEAN,
    "ddns-use-conflict-resolution": BOOLEAN,
    "dhcp4o6-port": INTEGER,
    "early-global-reservations-lookup": BOOLEAN,
    "hostname-char-replacement": STRING,
    "hostname-char-set": STRING,
    "ip-reservations-unique": BOOLEAN,
    "reservations-lookup-first": BOOLEAN,
    "statistic-default-sample-age": INTEGER,
    "statistic-default-sample-count": INTEGER,
}
DHCP4 = MapOf(
    "Dhcp4",
    {
        **_SERVER,
        **_BOOT,
        "subnet4": ListOf(_SUBNET4),
        "reservations": _RESERVATIONS4,
        "authoritative": BOOLEAN,
        "echo-client-id": BOOLEAN,
        "match-client-id": BOOLEAN,
    },
)
DHCP6 = MapOf(
    "Dhcp6",
    {
        **_SERVER,
        **_PREFERRED,
        "subnet6": ListOf(_SUBNET6),
        "reservations": _RESERVATIONS6,
        "mac-sources": ListOf(STRING),
        "relay-supplied-options": ListOf(STRING),
    },
)


def check(value: Any, wanted: Type, place: str = "") -> None:
    """Refuse what Kea's parser would: an unknown keyword or a value of the wrong type.

    Raises ``KeaError`` with the position as a path, since a parsed document has no columns.
    """
    if isinstance(wanted, MapOf):
        _require(value, "{", place)
        for key, member in value.items():
            if key not in wanted.keys:
                message = f'{place or "/"}: got unexpected keyword "{key}" in {wanted.name} map.'
                raise KeaError(message)
            check(member, wanted.keys[key], f"{place}/{key}")
    elif isinstance(wanted, ListOf):
        _require(value, "[", place)
        for position, member in enumerate(value):
            check(member, wanted.member, f"{place}[{position}]")
    else:
        _require(value, wanted, place)


def _kind(value: Any) -> str:
    names = {bool: BOOLEAN, int: INTEGER, float: FLOAT, str: STRING, dict: "{", list: "["}
    return names.get(type(value), "NULL")


def _require(value: Any, wanted: str, place: str) -> None:
    kind = _kind(value)
    if kind != wanted and not (wanted == FLOAT and kind == INTEGER):
        raise KeaError(f"{place}: syntax error, unexpected {kind}, expecting {wanted}")
