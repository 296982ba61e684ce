"""What a patch changes: the patched document against the one that was shown.

A sender patches what it sees, and sees more than it has sent: states, dates, notes and allocated
resources are the server's. They may stay in the patched document as they were shown.
"""

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from rom.documents.fields import as_node, check_storable, json_type
from rom.model.errors import OrderRefused
from rom.model.order import NewOrder
from rom.model.order_states import ItemState, OrderState
from rom.orders.parse import SERVER_OWNED, parse_order

Document = dict[str, Any]

FIXED = (
    *(name for name in SERVER_OWNED if name != "state"),
    "@type",
    "@baseType",
    "@schemaLocation",
)
"""Attributes that nobody patches: the server's own, and what says which kind of thing it is."""


@dataclass(frozen=True)
class Amended:
    """An order as it shall be, and in what it differs."""

    order: NewOrder
    attributes: set[str]
    """First-level attributes with another value, ``orderItem`` and ``state`` left out."""
    items: bool
    """An item has come, gone or changed."""
    state: OrderState | None = None
    item_states: Mapping[str, ItemState] = field(default_factory=dict)


def read_amended(
    stored: Mapping[str, Any],
    shown: Document,
    patched: Document,
    server_notes: Collection[str],
) -> Amended:
    """Return what the patch changes; ``server_notes`` are the ids of the server's own notes.

    Raises ``OrderRefused`` for an attribute that cannot be patched and for what is no order.
    """
    check_storable(patched)
    for name in FIXED:
        if patched.get(name) != shown.get(name):
            raise OrderRefused(name, "cannot be changed", "leave it out")
    candidate = {
        name: value for name, value in patched.items() if name not in ("orderItem", "state")
    }
    if "@type" not in stored:
        candidate.pop("@type", None)
    _drop_notes(candidate, server_notes)
    items, item_states = _items(stored, shown, patched, server_notes)
    candidate["orderItem"] = items
    order = parse_order(candidate)
    attributes = {
        name
        for name in order.document.keys() | stored.keys()
        if name != "orderItem" and order.document.get(name) != stored.get(name)
    }
    return Amended(
        order=order,
        attributes=attributes,
        items=order.document["orderItem"] != stored["orderItem"],
        state=_order_state(shown, patched),
        item_states=item_states,
    )


def _order_state(shown: Document, patched: Document) -> OrderState | None:
    if patched.get("state") == shown["state"]:
        return None
    try:
        return OrderState(patched["state"])
    except (KeyError, ValueError) as error:
        raise _no_state("state", list(OrderState)) from error


def _items(
    stored: Mapping[str, Any],
    shown: Document,
    patched: Document,
    server_notes: Collection[str],
) -> tuple[list[Document], dict[str, ItemState]]:
    kept = {item["id"]: item for item in stored["orderItem"]}
    seen = {item["id"]: item for item in shown["orderItem"]}
    given = patched.get("orderItem")
    if not isinstance(given, list):
        raise OrderRefused("orderItem", f"is {json_type(given)}", "send an array of items")
    items: list[Document] = []
    states: dict[str, ItemState] = {}
    for index, each in enumerate(given):
        node = as_node(each, f"orderItem[{index}]")
        item = dict(node.content)
        name = item.get("id")
        earlier = seen.get(name) if isinstance(name, str) else None
        if earlier is None:
            items.append(item)
            continue
        wanted = item.pop("state", earlier["state"])
        if wanted != earlier["state"]:
            states[earlier["id"]] = _item_state(f"{node.path}.state", wanted)
        _drop_notes(item, server_notes)
        items.append(_without_overlay(item, earlier, kept[earlier["id"]]))
    return items, states


def _item_state(path: str, wanted: object) -> ItemState:
    try:
        return ItemState(wanted)  # type: ignore[arg-type]  # anything else is refused with the rest
    except ValueError as error:
        raise _no_state(path, list(ItemState)) from error


def _no_state(path: str, words: Collection[str]) -> OrderRefused:
    return OrderRefused(path, "is no state", f"use one of {', '.join(words)}")


def _without_overlay(item: Document, shown: Document, kept: Document) -> Document:
    """Take what the server laid over the item's resource away again, where it is unchanged."""
    resource, seen, own = item.get("resource"), shown.get("resource"), kept.get("resource")
    if not (isinstance(resource, dict) and isinstance(seen, dict) and isinstance(own, dict)):
        return item
    restored = deepcopy(resource)
    for name, value in seen.items():
        if own.get(name) == value or restored.get(name) != value:
            continue
        if name in own:
            restored[name] = deepcopy(own[name])
        else:
            restored.pop(name)
    return {**item, "resource": restored}


def _drop_notes(target: Document, server_notes: Collection[str]) -> None:
    """Take the server's notes out: they are laid over again, and nobody can erase them."""
    notes = target.get("note")
    if not isinstance(notes, list):
        return
    own = [note for note in notes if not _is_of(note, server_notes)]
    if own:
        target["note"] = own
    elif len(own) != len(notes) or not notes:
        target.pop("note")


def _is_of(note: object, server_notes: Collection[str]) -> bool:
    name = note.get("id") if isinstance(note, dict) else None
    return isinstance(name, str) and name in server_notes
