"""CancelResourceOrder as TMF652 v4 writes it: read from a request, shown from a task's row."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rom.documents.fields import as_node, check_storable
from rom.model.dates import date_text, parse_date
from rom.model.errors import OrderRefused
from rom.model.reason import Reason
from rom.model.task import Cancellation
from rom.orders.render import order_href

_SERVER_OWNED = ("id", "href", "state", "effectiveCancellationDate", "note")


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """A cancellation somebody asks for."""

    order_id: str
    document: Mapping[str, Any]
    due_at: datetime | None
    """When it shall begin; ``None`` is at once."""


def read_request(body: object) -> CancelRequest:
    """Return what a request body asks for; raises ``OrderRefused`` naming the field."""
    node = as_node(body, "")
    check_storable(node.content)
    order = node.member("resourceOrder")
    if order is None:
        raise OrderRefused("resourceOrder", "is missing", "name the order by its id")
    order_id = order.required_word("id", "give the id of the order")
    node.word("cancellationReason")
    document = deepcopy(dict(node.content))
    for name in _SERVER_OWNED:
        document.pop(name, None)
    due_at = None
    text = node.word("requestedCancellationDate")
    if text is not None:
        try:
            due_at = parse_date(text)
        except ValueError as error:
            raise OrderRefused(
                "requestedCancellationDate",
                f"is no date-time: {error}",
                "send one such as 2026-03-31T19:50:43Z",
            ) from error
        document["requestedCancellationDate"] = date_text(due_at)
    if due_at is not None and due_at <= datetime.now(UTC):
        due_at = None
    return CancelRequest(order_id, document, due_at)


def cancel_href(base_url: str, task_id: str) -> str:
    """Return the absolute address of a cancellation."""
    return f"{base_url.rstrip('/')}/cancelResourceOrder/{task_id}"


def document(row: Cancellation, base_url: str) -> dict[str, Any]:
    """Return the task as it is answered; what the sender gave stays, the server's members win.

    ``note`` is an extension: TMF652 v4 has no place that says why a request was denied.
    """
    result: dict[str, Any] = {
        "id": row.id,
        "href": cancel_href(base_url, row.id),
        **deepcopy(dict(row.document)),
        "resourceOrder": {
            **row.document.get("resourceOrder", {}),
            "id": row.order_id,
            "href": order_href(base_url, row.order_id),
        },
        "state": row.state,
    }
    if row.effective_at is not None:
        result["effectiveCancellationDate"] = date_text(row.effective_at)
    notes = _notes(row)
    if notes:
        result["note"] = notes
    if row.item_ids is not None:
        result["orderItem"] = [{"id": item_id} for item_id in row.item_ids]
    result.setdefault("@type", "CancelResourceOrder")
    return result


def _notes(row: Cancellation) -> list[dict[str, str]]:
    texts = [row.note] if row.note else []
    texts += [
        f"{site}: {device}: {why}"
        for site, found in sorted(row.sites.items())
        for device, why in sorted(found.devices.items())
    ]
    texts += [
        f"{site}: {device}: {Reason.CANCEL_GIVEN_UP}: {words}"
        for site, found in sorted(row.sites.items())
        for device, words in sorted(found.given_up.items())
    ]
    return [
        {"id": str(number), "author": "ROM", "text": text} for number, text in enumerate(texts, 1)
    ]
