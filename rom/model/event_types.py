"""Types of events, and the API each belongs to; a hub's listeners get those of its API only.

TMF652 v4.0.0, TMF639 v4.0.0 and TMF634 v4.1.0, and what TM Forum has no word for.
"""

from collections.abc import Mapping

from device_profiles.words import Word


class Api(Word):
    """An API with a hub of its own, by the number TM Forum gave it."""

    ORDERING = "tmf652"
    INVENTORY = "tmf639"
    CATALOG = "tmf634"
    ROM = "rom"  # what TM Forum has no word for


class OrderEventType(Word):
    """Events about an order and its cancellation.

    TMF652 v4 has none about an item; ours is an extension under the name the standard's own
    pattern would give it.
    """

    CREATE = "ResourceOrderCreateEvent"
    ATTRIBUTE_VALUE_CHANGE = "ResourceOrderAttributeValueChangeEvent"
    STATE_CHANGE = "ResourceOrderStateChangeEvent"
    DELETE = "ResourceOrderDeleteEvent"
    INFORMATION_REQUIRED = "ResourceOrderInformationRequiredEvent"
    CANCEL_CREATE = "CancelResourceOrderCreateEvent"
    CANCEL_STATE_CHANGE = "CancelResourceOrderStateChangeEvent"
    CANCEL_INFORMATION_REQUIRED = "CancelResourceOrderInformationRequiredEvent"
    ITEM_STATE_CHANGE = "ResourceOrderItemStateChangeEvent"


class ResourceEventType(Word):
    """Events about a resource."""

    CREATE = "ResourceCreateEvent"
    ATTRIBUTE_VALUE_CHANGE = "ResourceAttributeValueChangeEvent"
    STATE_CHANGE = "ResourceStateChangeEvent"
    DELETE = "ResourceDeleteEvent"


class SpecificationEventType(Word):
    """Events about a specification; TMF634 v4.1 has no AttributeValueChange here."""

    CREATE = "ResourceSpecificationCreateEvent"
    CHANGE = "ResourceSpecificationChangeEvent"
    DELETE = "ResourceSpecificationDeleteEvent"


class RollbackEventType(Word):
    """Events about the rollback of a site."""

    CREATE = "SiteRollbackCreateEvent"
    STATE_CHANGE = "SiteRollbackStateChangeEvent"


EVENT_TYPES: Mapping[Api, tuple[str, ...]] = {
    Api.ORDERING: tuple(OrderEventType),
    Api.INVENTORY: tuple(ResourceEventType),
    Api.CATALOG: tuple(SpecificationEventType),
    Api.ROM: tuple(RollbackEventType),
}

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
