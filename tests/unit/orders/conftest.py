from collections.abc import Callable
from typing import Any

import pytest

from rom.catalog.loader import Catalog, load_catalog

Body = dict[str, Any]
Item = Callable[..., Body]

VALUES: dict[str, Body] = {
    "GPON-Bearer": {"bearerSpeed": "1G", "oltArea": "SOUTH-03"},
    "VLAN-Service": {"vlanType": "c-tag", "serviceType": "enterprise"},
    "IP-Profile": {"ipVersion": "dualStack", "pool": "SOUTH-ENT"},
    "QoS-Policy": {
        "downstream": "500M",
        "upstream": "500M",
        "slaTier": "Gold",
        "serviceClass": "enterprise",
    },
    "SLA-Monitoring": {"availabilityPercent": 99.95, "latencyMs": 10, "packetLossPercent": 0.01},
    "CE-Router": {"model": "ISR-4431", "config": "enterprise-fibre", "mgmt": "fullManaged"},
}


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def item() -> Item:
    """Makes one order item, by default the VLAN of a site in Hobart."""

    def _item(
        name: str = "1",
        *,
        rfs: str = "VLAN-Service",
        site: str = "ENT-7-HOB1",
        after: tuple[str, ...] = (),
        **members: Any,
    ) -> Body:
        content: Body = {
            "id": name,
            "action": "add",
            "resourceSpecification": {"id": f"RFS:{rfs}"},
            "resource": {
                "@type": "LogicalResource",
                "place": {"id": site, "role": "installationSite"},
                "resourceCharacteristic": [
                    {"name": key, "value": value} for key, value in VALUES[rfs].items()
                ],
            },
        }
        if after:
            content["orderItemRelationship"] = [
                {"relationshipType": "dependency", "orderItem": {"itemId": other}}
                for other in after
            ]
        return content | members

    return _item


@pytest.fixture
def whole_site(item: Item) -> Body:
    """An order for one site with every item, related as a SOM relates them."""
    return {
        "@type": "ResourceOrder",
        "priority": 2,
        "externalReference": [{"externalReferenceType": "serviceOrder", "name": "SO-7"}],
        "relatedParty": [
            {"id": "CUST-ENT-7", "role": "customer", "@referredType": "Organization"},
            {"id": "SOM", "role": "requester", "@referredType": "System"},
        ],
        "orderItem": [
            item("1", rfs="GPON-Bearer"),
            item("2", rfs="VLAN-Service", after=("1",)),
            item("3", rfs="IP-Profile", after=("2",)),
            item("4", rfs="QoS-Policy", after=("1",)),
            item("5", rfs="SLA-Monitoring", after=("4",)),
            item("6", rfs="CE-Router"),
        ],
    }
