"""TMF652 v4 notifications: an envelope around the whole order as it is answered."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from rom.model.dates import date_text
from rom.model.event_types import OrderEventType

_HAPPENED = {
    OrderEventType.ATTRIBUTE_VALUE_CHANGE: "has changed",
    OrderEventType.DELETE: "is deleted",
    OrderEventType.INFORMATION_REQUIRED: "waits for information",
    OrderEventType.CANCEL_INFORMATION_REQUIRED: "waits for information",
}


def state_change_event(
    event_type: OrderEventType,
    order: Mapping[str, Any],
    *,
    event_id: str,
    occurred: datetime,
    sent: datetime | None = None,
    item_id: str | None = None,
    correlation_id: str | None = None,
    description: str | None = None,
    field_path: str | None = None,
) -> dict[str, Any]:
    """Return the notification for one transition or change of an order.

    ``order`` is what ``render_order`` gives. ``occurred`` is when it happened, ``sent`` when the
    notification was made (the same if not given). With ``item_id``, which the item event
    requires, the item lies beside its order as ``resourceOrderItem``. ``field_path`` says which
    attribute has changed or is awaited. Raises ``ValueError`` when item and event type do not go
    together or the order has no such item.
    """
    if (event_type is OrderEventType.ITEM_STATE_CHANGE) != (item_id is not None):
        raise ValueError(f"{event_type} and item {item_id!r} do not go together")
    payload: dict[str, Any] = {"resourceOrder": deepcopy(dict(order))}
    subject, state = f"Resource order {order['id']}", order["state"]
    if item_id is not None:
        item = _item(order, item_id)
        payload["resourceOrderItem"] = deepcopy(dict(item))
        subject, state = f"Item {item_id} of resource order {order['id']}", item["state"]
    return _envelope(
        event_type,
        payload,
        f"{subject} {_HAPPENED.get(event_type, f'is {state}')}",
        event_id=event_id,
        occurred=occurred,
        sent=sent,
        correlationId=correlation_id,
        description=description,
        fieldPath=field_path,
    )


def cancel_event(
    event_type: OrderEventType,
    task: Mapping[str, Any],
    *,
    event_id: str,
    occurred: datetime,
    correlation_id: str | None = None,
    field_path: str | None = None,
) -> dict[str, Any]:
    """Return the notification about a CancelResourceOrder, which is whole inside it."""
    happened = _HAPPENED.get(event_type, f"is {task['state']}")
    return _envelope(
        event_type,
        {"cancelResourceOrder": deepcopy(dict(task))},
        f"Cancellation {task['id']} {happened}",
        event_id=event_id,
        occurred=occurred,
        correlationId=correlation_id,
        fieldPath=field_path,
    )


def _envelope(
    event_type: OrderEventType,
    payload: dict[str, Any],
    title: str,
    *,
    event_id: str,
    occurred: datetime,
    sent: datetime | None = None,
    **optional: str | None,
) -> dict[str, Any]:
    return {
        "eventId": event_id,
        "eventTime": date_text(sent or occurred),
        "eventType": event_type.value,
        "domain": "resourceOrdering",
        "title": title,
        "timeOcurred": date_text(occurred),  # one r, as TMF652 v4 spells it
        "event": payload,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _item(order: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    items: list[Mapping[str, Any]] = order["orderItem"]
    for item in items:
        if item["id"] == item_id:
            return item
    raise ValueError(f"order {order['id']} has no item {item_id!r}")
