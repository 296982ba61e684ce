"""Inventory's neutral rows as TMF639 v4 resources.

Status words follow TMF639 v4 (ITU-T X.731): free and allocated things are locked, a resource is
``standby`` while its site is being activated and ``available``, ``active``, ``unlocked`` in use.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rom.model.resource import PHYSICAL_KINDS, STATUS

Document = dict[str, Any]
BASE_PATH = "/tmf-api/resourceInventoryManagement/v4/resource"
READ_ONLY = (
    "id", "href", "name", "category", "operationalState", "resourceStatus", "usageState", "place",
    "resourceOrderItem", "resourceRelationship", "resourceSpecification",
)  # fmt: skip
"""What inventory and the orders decide; a client that sets one of these is refused by its name."""


def resource_document(row: Mapping[str, Any], href: str) -> Document:
    """Return one row (the fields of ``inventory.records.ResourceRecord``) as a resource.

    A thing that several sites share has no single place; ``resourceOrderItem``, an attribute that
    TMF639 has from v5 on, names every order item that holds it.
    """
    status = STATUS[row["state"]]
    said = dict(row.get("annotation") or {})
    own = said.pop("resourceCharacteristic", [])
    document: Document = {
        "id": row["resource_id"],
        "href": href,
        "@type": "PhysicalResource" if row["kind"] in PHYSICAL_KINDS else "LogicalResource",
        "name": row["value"],
        "category": row["kind"],
        "resourceStatus": status.resource,
        "usageState": status.usage,
        "administrativeState": status.administrative,
        "operationalState": status.operational,
        "resourceCharacteristic": [*own_characteristics(row), *own],
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
    relies_on = row.get("relies_on")
    if relies_on is not None:
        other = f"{href.rpartition('/')[0]}/{relies_on}"
        document["resourceRelationship"] = [
            {"id": relies_on, "href": other, "relationshipType": "reliesOn"}
        ]
    return document | said


def own_characteristics(row: Mapping[str, Any]) -> list[Document]:
    """Return the characteristics that inventory itself has of a row."""
    named = {"pool": row["pool"], "state": row["state"], **row["pool_attributes"]}
    named |= row["attributes"]
    until = row["quarantine_until"]
    if until is not None:
        named["quarantineUntil"] = until.isoformat() if isinstance(until, datetime) else until
    return [{"name": name, "value": value} for name, value in named.items()]
