"""Which API an event belongs to; a hub's listeners get the events of its own API only."""

from collections.abc import Mapping
from enum import StrEnum


class Api(StrEnum):
    """An API with a hub of its own, by the number TM Forum gave it."""

    ORDERING = "tmf652"
    INVENTORY = "tmf639"
    CATALOG = "tmf634"
    ROM = "rom"  # what TM Forum has no word for


RESOURCE_CREATE = "ResourceCreateEvent"
RESOURCE_ATTRIBUTE_VALUE_CHANGE = "ResourceAttributeValueChangeEvent"
RESOURCE_STATE_CHANGE = "ResourceStateChangeEvent"
RESOURCE_DELETE = "ResourceDeleteEvent"
SPECIFICATION_CREATE = "ResourceSpecificationCreateEvent"
SPECIFICATION_CHANGE = "ResourceSpecificationChangeEvent"  # not AttributeValueChange: TMF634 v4.1
SPECIFICATION_DELETE = "ResourceSpecificationDeleteEvent"

EVENT_TYPES: Mapping[Api, tuple[str, ...]] = {
    Api.ORDERING: (
        "ResourceOrderCreateEvent",
        "ResourceOrderAttributeValueChangeEvent",
        "ResourceOrderStateChangeEvent",
        "ResourceOrderDeleteEvent",
        "ResourceOrderInformationRequiredEvent",
        "CancelResourceOrderCreateEvent",
        "CancelResourceOrderStateChangeEvent",
        "CancelResourceOrderInformationRequiredEvent",
        "ResourceOrderItemStateChangeEvent",  # ours; TMF652 v4 has none about an item
    ),
    Api.INVENTORY: (
        RESOURCE_CREATE,
        RESOURCE_ATTRIBUTE_VALUE_CHANGE,
        RESOURCE_STATE_CHANGE,
        RESOURCE_DELETE,
    ),
    Api.CATALOG: (
        SPECIFICATION_CREATE,
        SPECIFICATION_CHANGE,
        SPECIFICATION_DELETE,
    ),
    Api.ROM: ("SiteRollbackCreateEvent", "SiteRollbackStateChangeEvent"),
}
"""TMF652 v4.0.0, TMF639 v4.0.0 and TMF634 v4.1.0, the events this gateway knows."""

SUBJECTS: Mapping[Api, tuple[str, ...]] = {
    Api.ORDERING: ("resourceOrder", "cancelResourceOrder", "resourceOrderItem"),
    Api.INVENTORY: ("resource",),
    Api.CATALOG: ("resourceSpecification",),
    Api.ROM: ("siteRollback",),
}
"""What lies below ``event`` in each API's notifications."""

_API_OF = {name: api for api, names in EVENT_TYPES.items() for name in names}


def api_of(event_type: str) -> Api | None:
    """Return the API an event belongs to, ``None`` for one no hub knows."""
    return _API_OF.get(event_type)
