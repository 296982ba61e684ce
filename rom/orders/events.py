"""TMF652 v4 notifications: an envelope around the whole order as it is answered."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from enum import StrEnum
from typing import Any

from rom.orders.dates import date_text


class EventType(StrEnum):
    """Events about an order.

    TMF652 v4 has none about an item; ours is an extension under the name the standard's own
    pattern would give it.
    """

    CREATE = "ResourceOrderCreateEvent"
    STATE_CHANGE = "ResourceOrderStateChangeEvent"
    ITEM_STATE_CHANGE = "ResourceOrderItemStateChangeEvent"


def state_change_event(
    event_type: EventType,
    order: Mapping[str, Any],
    *,
    event_id: str,
    occurred: datetime,
    sent: datetime | None = None,
    item_id: str | None = None,
    correlation_id: str | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """Return the notification for one transition; ``order`` is what ``render_order`` gives.

    ``occurred`` is when it happened, ``sent`` when the notification was made (the same if not
    given). With ``item_id``, which the item event requires, the item lies beside its order as
    ``resourceOrderItem``. Raises ``ValueError`` when item and event type do not go together or
    the order has no such item.
    """
    if (event_type is EventType.ITEM_STATE_CHANGE) != (item_id is not None):
        raise ValueError(f"{event_type} and item {item_id!r} do not go together")
    payload: dict[str, Any] = {"resourceOrder": deepcopy(dict(order))}
    subject, state = f"Resource order {order['id']}", order["state"]
    if item_id is not None:
        item = _item(order, item_id)
        payload["resourceOrderItem"] = deepcopy(dict(item))
        subject, state = f"Item {item_id} of resource order {order['id']}", item["state"]
    event = {
        "eventId": event_id,
        "eventTime": date_text(sent or occurred),
        "eventType": event_type.value,
        "domain": "resourceOrdering",
        "title": f"{subject} is {state}",
        "timeOcurred": date_text(occurred),  # one r, as TMF652 v4 spells it
        "event": payload,
    }
    if correlation_id is not None:
        event["correlationId"] = correlation_id
    if description is not None:
        event["description"] = description
    return event


def _item(order: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    items: list[Mapping[str, Any]] = order["orderItem"]
    for item in items:
        if item["id"] == item_id:
            return item
    raise ValueError(f"order {order['id']} has no item {item_id!r}")
