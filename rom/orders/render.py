"""The order as TMF652 v4 answers it, in one spelling whatever the sender's."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rom.model.dates import date_text
from rom.model.order_states import ItemState, OrderState


@dataclass(frozen=True, slots=True)
class Note:
    """A remark for people; the text begins with its reason code where it has one."""

    id: str
    text: str
    author: str
    date: datetime


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """What the server knows of one item.

    ``resource`` holds members to lay over the item's resource, such as the id, href and
    characteristics of what was allocated.
    """

    state: ItemState
    notes: tuple[Note, ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderStatus:
    """What the server knows of one order; dates need a time zone."""

    id: str
    state: OrderState
    order_date: datetime
    items: Mapping[str, ItemStatus]
    notes: tuple[Note, ...] = ()
    start_date: datetime | None = None
    completion_date: datetime | None = None
    expected_completion_date: datetime | None = None
    cancellation_date: datetime | None = None
    cancellation_reason: str | None = None


def render_order(document: Mapping[str, Any], status: OrderStatus, base_url: str) -> dict[str, Any]:
    """Return the TMF652 ResourceOrder for a stored document and its present status.

    ``base_url`` is the API's absolute address with its base path, such as
    ``https://rom.example/tmf-api/resourceOrdering/v4``. What the sender gave stays, unknown
    attributes and ``@`` members too; the server's members win over it. An item's notes are an
    extension: TMF652 v4 has notes on the order and on the resource only.
    """
    result: dict[str, Any] = {
        "id": status.id,
        "href": order_href(base_url, status.id),
        **deepcopy({name: value for name, value in document.items() if name != "orderItem"}),
        "orderDate": date_text(status.order_date),
        "state": status.state.value,
    }
    for name, moment in (
        ("startDate", status.start_date),
        ("completionDate", status.completion_date),
        ("expectedCompletionDate", status.expected_completion_date),
        ("cancellationDate", status.cancellation_date),
    ):
        if moment is not None:
            result[name] = date_text(moment)
    if status.cancellation_reason is not None:
        result["cancellationReason"] = status.cancellation_reason
    _add_notes(result, status.notes)
    result["orderItem"] = [_item(item, status.items[item["id"]]) for item in document["orderItem"]]
    result.setdefault("@type", "ResourceOrder")
    return result


def order_href(base_url: str, order_id: str) -> str:
    """Return the absolute address of an order, the value of ``href`` and of ``Location``."""
    return f"{base_url.rstrip('/')}/resourceOrder/{order_id}"


def _item(document: Mapping[str, Any], status: ItemStatus) -> dict[str, Any]:
    result = deepcopy(dict(document))
    result["state"] = status.state.value
    result["resource"] = {**result["resource"], **deepcopy(dict(status.resource))}
    _add_notes(result, status.notes)
    return result


def _add_notes(target: dict[str, Any], notes: tuple[Note, ...]) -> None:
    if not notes:
        return
    sent = target.get("note") or []
    target["note"] = [
        *(sent if isinstance(sent, list) else [sent]),
        *(
            {
                "id": note.id,
                "text": note.text,
                "author": note.author,
                "date": date_text(note.date),
            }
            for note in notes
        ),
    ]
