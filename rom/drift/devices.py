"""The devices as the gateway knows them, without asking any."""

from typing import Any

from inventory import queries
from rom.store import changes, intents, transactions
from rom.store.database import Connection


def overview(connection: Connection) -> list[dict[str, Any]]:
    """Return inventory's devices, and the routers of sites, by name."""
    found: dict[str, dict[str, Any]] = {
        record.name: _entry(record.name, record.role, record.profile)
        for record in queries.devices(connection)
    }
    roles = intents.roles(connection)
    for device, sites in intents.sites_by_device(connection).items():
        entry = found.setdefault(device, _entry(device, roles[device], None))
        entry["sites"] += sites
    for name, number in changes.unsettled_by_device(connection).items():
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
        "sites": [],
        "waiting": 0,
        "lastTransaction": None,
    }
