"""The devices as the gateway knows them, without asking any."""

import re
from typing import Any

from inventory import queries
from inventory.records import DeviceRecord, EndpointData
from rom.store import change_list, intents, transactions
from rom.store.database import Connection


def overview(connection: Connection) -> list[dict[str, Any]]:
    """Return inventory's devices, and the routers of sites, by name."""
    ways = queries.endpoints(connection)
    found: dict[str, dict[str, Any]] = {
        record.name: _device(record, ways.get(record.name))
        for record in queries.devices(connection)
    }
    roles = intents.roles(connection)
    for device, sites in intents.sites_by_device(connection).items():
        entry = found.setdefault(device, _entry(device, roles[device], None))
        entry["sites"] += sites
    for name, number in change_list.unsettled_by_device(connection).items():
        if name in found:
            found[name]["waiting"] = number
    for last in transactions.last_of_devices(connection):
        if last.device in found:
            found[last.device]["lastTransaction"] = {
                "id": last.id,
                "kind": "+".join(sorted(last.kinds)),
                "state": last.state,
                "time": last.started_at.isoformat(),
            }
    return [found[name] for name in sorted(found)]


def _entry(name: str, role: str, profile: str | None) -> dict[str, Any]:
    return {
        "device": name,
        "role": role,
        "profile": profile,
        "attributes": {},
        "endpoint": None,
        "sites": [],
        "waiting": 0,
        "lastTransaction": None,
    }


def _device(record: DeviceRecord, way: EndpointData | None) -> dict[str, Any]:
    entry = _entry(record.name, record.role, record.profile)
    return {**entry, "attributes": dict(record.attributes), "endpoint": way and _endpoint(way)}


def _endpoint(way: EndpointData) -> dict[str, Any]:
    """Return where a device is and how to know it. The gateway's login to it stays here."""
    return {
        "host": way.host,
        "port": way.port,
        "hostKey": way.host_key,
        "options": {name: _without_login(value) for name, value in way.options.items()},
    }


def _without_login(value: str) -> str:
    """Return a URL without its user, password and query; other text as it is."""
    return re.sub(r"//.*@", "//", value.partition("?")[0]) if "//" in value else value
