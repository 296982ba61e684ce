"""Inventory's neutral rows as TMF639 v4 resources.

Status words follow TMF639 v4 (ITU-T X.731): free and allocated things are locked, a resource is
``standby`` while its site is being activated and ``available``, ``active``, ``unlocked`` in use.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from api.ports import Document

PHYSICAL_KINDS = frozenset({"pon-port", "access-port", "ont", "cpe"})
FILTERS: Mapping[str, str] = {"category": "kind", "name": "value", "place.id": "site"}
"""Which of inventory's filters each query parameter of TMF639 means."""


class _Status(NamedTuple):
    resource: str
    usage: str
    administrative: str


_FREE = _Status("available", "idle", "locked")
_STATUS = {
    "available": _FREE,
    "reserved": _Status("reserved", "idle", "locked"),
    "standby": _Status("standby", "idle", "locked"),
    "in-use": _Status("available", "active", "unlocked"),
    "used-elsewhere": _Status("available", "active", "unlocked"),
    "quarantined": _Status("suspended", "idle", "locked"),
    "retired": _Status("unknown", "idle", "locked"),
}


def resource_document(row: Mapping[str, Any], href: str) -> Document:
    """Return one row (the fields of ``inventory.records.ResourceRecord``) as a resource.

    A thing that several sites share has no single place; ``resourceOrderItem``, an attribute that
    TMF639 has from v5 on, names every order item that holds it.
    """
    status = _STATUS[row["state"]]
    document = {
        "id": row["resource_id"],
        "href": href,
        "@type": "PhysicalResource" if row["kind"] in PHYSICAL_KINDS else "LogicalResource",
        "name": row["value"],
        "category": row["kind"],
        "resourceStatus": status.resource,
        "usageState": status.usage,
        "administrativeState": status.administrative,
        "resourceCharacteristic": _characteristics(row),
        "resourceOrderItem": [
            {"resourceOrderId": holder["order_id"], "itemId": holder["item_id"]}
            for holder in row["holders"]
            if holder["item_id"] is not None
        ],
    }
    sites = {holder["site"] for holder in row["holders"]}
    if len(sites) == 1:
        document["place"] = {
            "id": sites.pop(),
            "role": "installationSite",
            "@type": "RelatedPlaceRefOrValue",
            "@referredType": "GeographicSite",
        }
    return document


def _characteristics(row: Mapping[str, Any]) -> list[Document]:
    named = {"pool": row["pool"], "state": row["state"], **row["pool_attributes"]}
    named |= row["attributes"]
    until = row["quarantine_until"]
    if until is not None:
        named["quarantineUntil"] = until.isoformat() if isinstance(until, datetime) else until
    return [{"name": name, "value": value} for name, value in named.items()]
