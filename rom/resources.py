"""Inventory's resources in the words of TMF639 v4.

Free is available and idle; booked for an order is reserved; configured but not handed over is
standby; in service is available and active. A resting (quarantined) resource is reserved, which
keeps everybody off it, and says so in a characteristic.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from inventory.listing import list_resources
from inventory.records import ResourceFilter, ResourceRecord

API_PATH = "/tmf-api/resourceInventoryManagement/v4"
PHYSICAL = frozenset({"pon-port", "access-port", "ont", "cpe"})

# allocation state -> (resourceStatus, usageState, administrativeState)
STATES: Mapping[str, tuple[str, str, str]] = {
    "available": ("available", "idle", "locked"),
    "reserved": ("reserved", "idle", "locked"),
    "standby": ("standby", "idle", "unlocked"),
    "in-use": ("available", "active", "unlocked"),
    "quarantined": ("reserved", "idle", "locked"),
    "used-elsewhere": ("available", "busy", "unlocked"),
    "retired": ("unknown", "idle", "locked"),
}


class Resources:
    """Reads resources; ``base_url`` is the gateway's address without a path."""

    def __init__(self, engine: sa.Engine, base_url: str) -> None:
        self._engine = engine
        self._base_url = f"{base_url}{API_PATH}"

    def find(self, resource_id: str) -> dict[str, Any] | None:
        """Return one resource, or ``None``."""
        with self._engine.connect() as connection:
            found = list_resources(connection, ResourceFilter(resource_id=resource_id), limit=1)
        return self._document(found.rows[0]) if found.rows else None

    def page(
        self, *, offset: int, limit: int, filters: Mapping[str, str]
    ) -> tuple[list[dict[str, Any]], int]:
        """Return a page of the resources that match every filter, and how many match in all.

        Filters: ``category``, ``name``, ``place.id``, ``resourceStatus``, ``usageState``.
        """
        wanted = ResourceFilter(
            kind=filters.get("category"),
            value=filters.get("name"),
            site=filters.get("place.id"),
            states=_states(filters),
        )
        with self._engine.connect() as connection:
            found = list_resources(connection, wanted, offset=offset, limit=limit)
        return [self._document(row) for row in found.rows], found.total

    def _document(self, row: ResourceRecord) -> dict[str, Any]:
        status, usage, administrative = STATES[row.state]
        characteristics: dict[str, Any] = {
            name: value for name, value in row.attributes.items() if name != "value"
        }
        characteristics |= {"pool": row.pool, "allocation": row.state}
        if row.quarantine_until is not None:
            characteristics["quarantinedUntil"] = row.quarantine_until.isoformat()
        document: dict[str, Any] = {
            "id": row.resource_id,
            "href": f"{self._base_url}/resource/{row.resource_id}",
            "@type": "PhysicalResource" if row.kind in PHYSICAL else "LogicalResource",
            "@baseType": "Resource",
            "category": row.kind,
            "name": row.value,
            "resourceStatus": status,
            "usageState": usage,
            "administrativeState": administrative,
            "operationalState": "enable",
            "resourceCharacteristic": [
                {"name": name, "value": value} for name, value in sorted(characteristics.items())
            ],
        }
        if row.holders:
            holder = row.holders[0]
            document["place"] = {
                "id": holder.site,
                "role": "installationSite",
                "@referredType": "GeographicSite",
            }
            # v4 has no resourceOrderItem; v5's shape serves as the extension.
            document["resourceOrderItem"] = [
                {"resourceOrderId": each.order_id, "itemId": each.item_id, "site": each.site}
                for each in row.holders
            ]
        return document


def _states(filters: Mapping[str, str]) -> tuple[str, ...] | None:
    status, usage = filters.get("resourceStatus"), filters.get("usageState")
    if status is None and usage is None:
        return None
    return tuple(
        state
        for state, (its_status, its_usage, _) in STATES.items()
        if status in (None, its_status) and usage in (None, its_usage)
    )
