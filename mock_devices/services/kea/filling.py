"""What ``config-get`` shows though nobody has set it: Kea fills in every default (seen on 2.2.0).

What a subnet is not told it has from the server, and is shown there as if it had been set.
"""

from collections.abc import Mapping
from typing import Any

from mock_devices.services.kea.options import STANDARD

Json = dict[str, Any]

_SERVER: Json = {
    "ddns-generated-prefix": "myhost",
    "ddns-override-client-update": False,
    "ddns-override-no-update": False,
    "ddns-qualifying-suffix": "",
    "ddns-replace-client-name": "never",
    "ddns-send-updates": True,
    "ddns-update-on-renew": False,
    "ddns-use-conflict-resolution": True,
    "decline-probation-period": 86400,
    "dhcp4o6-port": 0,
    "early-global-reservations-lookup": False,
    "hostname-char-replacement": "",
    "hostname-char-set": "[^A-Za-z0-9.-]",
    "ip-reservations-unique": True,
    "parked-packet-limit": 256,
    "reservations-global": False,
    "reservations-in-subnet": True,
    "reservations-lookup-first": False,
    "reservations-out-of-pool": False,
    "server-tag": "",
    "statistic-default-sample-age": 0,
    "statistic-default-sample-count": 20,
    "store-extended-info": False,
    "t1-percent": 0.5,
    "valid-lifetime": 7200,
    "hooks-libraries": [],
    "option-data": [],
    "option-def": [],
}
_BOOT: Json = {"boot-file-name": "", "next-server": "0.0.0.0", "server-hostname": ""}  # noqa: S104 - what Kea shows for none
_OF_SERVER: Mapping[int, Json] = {
    4: {
        **_SERVER,
        **_BOOT,
        "authoritative": False,
        "calculate-tee-times": False,
        "echo-client-id": True,
        "match-client-id": True,
        "t2-percent": 0.875,
    },
    6: {
        **_SERVER,
        "calculate-tee-times": True,
        "mac-sources": ["any"],
        "preferred-lifetime": 3600,
        "relay-supplied-options": ["65"],
        "t2-percent": 0.8,
    },
}
_INHERITED = (
    "calculate-tee-times",
    "store-extended-info",
    "t1-percent",
    "t2-percent",
    "valid-lifetime",
)
_SUBNET: Json = {"relay": {"ip-addresses": []}, "pools": [], "option-data": [], "reservations": []}
_OF_SUBNET: Mapping[int, Json] = {
    4: {**_SUBNET, "4o6-interface": "", "4o6-interface-id": "", "4o6-subnet": ""},
    6: {**_SUBNET, "pd-pools": [], "rapid-commit": False},
}
_RESERVATION: Json = {"client-classes": [], "hostname": "", "option-data": []}
_OF_RESERVATION: Mapping[int, Json] = {4: {**_RESERVATION, **_BOOT}, 6: _RESERVATION}
_POOL: Json = {"option-data": []}


def filled(version: int, server: Mapping[str, Any]) -> Json:
    """Return a server's configuration as ``config-get`` shows it."""
    shown = {**_OF_SERVER[version], **server}
    shown["option-data"] = _options(version, shown["option-data"])
    subnets = f"subnet{version}"
    shown[subnets] = [_subnet(version, shown, each) for each in shown.get(subnets, ())]
    return shown


def _subnet(version: int, server: Json, subnet: Json) -> Json:
    inherited = {name: server[name] for name in _INHERITED}
    lifetimes = ("valid", "preferred") if version == 6 else ("valid",)
    for kind in lifetimes:
        own = subnet.get(f"{kind}-lifetime", server[f"{kind}-lifetime"])
        names = (f"{kind}-lifetime", f"min-{kind}-lifetime", f"max-{kind}-lifetime")
        inherited |= {name: server.get(name, own) for name in names}
    shown = {**_OF_SUBNET[version], **inherited, **subnet}
    for part, defaults in (
        ("pools", _POOL),
        ("pd-pools", _POOL),
        ("reservations", _OF_RESERVATION[version]),
    ):
        if part in shown:
            shown[part] = [_member(version, defaults, each) for each in shown[part]]
    shown["option-data"] = _options(version, shown["option-data"])
    return shown


def _member(version: int, defaults: Json, entry: Json) -> Json:
    shown = {**defaults, **entry}
    return {**shown, "option-data": _options(version, shown["option-data"])}


def _options(version: int, options: list[Json]) -> list[Json]:
    space = f"dhcp{version}"
    made = []
    for option in options:
        defaults: Json = {"always-send": False, "csv-format": True, "space": space}
        known = STANDARD[space].get(option.get("name", ""))
        if known is not None:
            defaults["code"] = known[0]
        made.append({**defaults, **option})
    return made
