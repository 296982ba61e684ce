"""The devices as the gateway knows them, without asking any."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from inventory import queries
from rom.store.tables import change, device_txn, site_intent


def overview(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return inventory's devices, and the routers of sites, by name."""
    found: dict[str, dict[str, Any]] = {
        record.name: _entry(record.name, record.role, record.profile)
        for record in queries.devices(connection)
    }
    for row in connection.execute(
        sa.select(site_intent.c.device, site_intent.c.site, site_intent.c.role).order_by(
            site_intent.c.site
        )
    ):
        entry = found.setdefault(row.device, _entry(row.device, row.role, None))
        entry["sites"].append(row.site)
    for name, number in connection.execute(
        sa.select(change.c.device, sa.func.count())
        .where(change.c.state.in_(("blocked", "waiting", "claimed")))
        .group_by(change.c.device)
    ):
        if name in found:
            found[name]["waiting"] = number
    for row in connection.execute(
        sa.select(device_txn)
        .ext(distinct_on(device_txn.c.device))
        .order_by(device_txn.c.device, device_txn.c.started_at.desc())
    ):
        if row.device in found:
            found[row.device]["lastTransaction"] = {
                "id": row.id,
                "kind": row.kind,
                "state": row.state,
                "time": row.started_at.isoformat(),
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
