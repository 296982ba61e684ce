"""Reads a TMF652 v4 order, tolerant where the two published variants differ.

Sources: the published swagger (variant A: ``no_change``, ExternalId) and the data model
repository (variant B: ``noChange``, ExternalReference); answers always use B's spelling.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from rom.documents.fields import Node, as_date, as_node, check_storable, json_type
from rom.model.dates import date_text
from rom.model.errors import OrderRefused
from rom.model.order import Action, ExternalReference, NewItem, NewOrder
from rom.orders.notes import check_notes
from rom.orders.relationships import check_references, item_references

MAXIMUM_ITEMS = 1000
"""Items of one order unless the caller sets another limit."""

_ACTIONS = {action.value: action for action in Action} | {"no_change": Action.NO_CHANGE}
SERVER_OWNED = (
    "id",
    "href",
    "state",
    "orderDate",
    "startDate",
    "completionDate",
    "expectedCompletionDate",
    "cancellationDate",
    "cancellationReason",
)
"""What of an order only the server sets."""
_INSTALLATION_SITE = "installationsite"


def parse_order(body: object, *, maximum_items: int = MAXIMUM_ITEMS) -> NewOrder:
    """Return the order a request body describes; the catalog is not asked yet.

    Members that only the server sets (id, href, state, dates) are dropped, as TMF652 v4's create
    schema skips them. Raises ``OrderRefused`` naming the first field that is wrong.
    """
    order = as_node(body, "")
    check_storable(order.content)
    document = _document(order)
    items = _items(order, maximum_items)
    check_references([(item.id, item.depends_on) for item in items])
    return NewOrder(
        document=document,
        items=items,
        external_references=_external_references(order),
        requester=_party(order, "requester"),
        customer=_party(order, "customer"),
    )


def _document(order: Node) -> dict[str, Any]:
    document: dict[str, Any] = deepcopy(dict(order.content))
    for name in SERVER_OWNED:
        document.pop(name, None)
    _check_priority(order)
    check_notes(order)
    for name in ("requestedStartDate", "requestedCompletionDate"):
        text = order.word(name)
        if text is not None:
            document[name] = date_text(as_date(order, name, text))
    if order.content.get("externalReference") is not None:
        document["externalReference"] = [
            _reference_document(entry) for entry in order.members("externalReference")
        ]
    items = [deepcopy(dict(item.content)) for item in order.members("orderItem")]
    for item in items:
        item.pop("state", None)
        item.pop("href", None)
        if isinstance(item.get("id"), str):
            item["id"] = item["id"].strip()
        if item.get("action") == "no_change":
            item["action"] = Action.NO_CHANGE.value
    document["orderItem"] = items
    return document


def _check_priority(order: Node) -> None:
    priority = order.content.get("priority")
    if priority is None:
        return
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 4:
        raise OrderRefused(
            order.at("priority"), "is no priority", "send a whole number from 0 (highest) to 4"
        )


def _reference_document(entry: Node) -> dict[str, Any]:
    """Return an external reference in B's shape; A's ExternalId is told by its missing name."""
    document = deepcopy(dict(entry.content))
    if entry.word("name") is None and entry.word("id") is not None:
        document["name"] = document["id"]
        if "entityType" in document:
            document.setdefault("externalReferenceType", document.pop("entityType"))
    return document


def _external_references(order: Node) -> tuple[ExternalReference, ...]:
    found: set[ExternalReference] = set()
    for entry in order.members("externalReference"):
        name = entry.word("name") or entry.word("id")
        if name is None:
            raise OrderRefused(entry.at("name"), "is missing", "give the name of the reference")
        kind = entry.word("externalReferenceType") or entry.word("entityType") or ""
        found.add(ExternalReference(kind, name))
    deprecated = order.word("externalId")
    if deprecated is not None:
        found.add(ExternalReference("externalId", deprecated))
    return tuple(sorted(found))


def _party(order: Node, role: str) -> str | None:
    for party in order.members("relatedParty"):
        found = party.word("role")
        if found is not None and found.lower() == role:
            return party.required_word("id", f"give the id of the {role}")
    return None


def _items(order: Node, maximum: int) -> tuple[NewItem, ...]:
    nodes = list(order.members("orderItem"))
    if not nodes:
        raise OrderRefused("orderItem", "is missing or empty", "send at least one order item")
    if len(nodes) > maximum:
        raise OrderRefused(
            "orderItem", f"has {len(nodes)} items", f"send at most {maximum} items an order"
        )
    items: dict[str, NewItem] = {}
    for index, node in enumerate(nodes):
        # A lone object instead of an array of one has no index in its path.
        item = _item(Node(node.content, f"orderItem[{index}]"))
        if item.id in items:
            raise OrderRefused(
                f"orderItem[{index}].id",
                f"{item.id!r} is used twice in this order",
                "give every item its own id",
            )
        items[item.id] = item
    return tuple(items.values())


def _item(item: Node) -> NewItem:
    item_id = item.required_word("id", "give every item an id")
    _check_quantity(item)
    check_notes(item)
    resource = item.member("resource")
    if resource is None:
        raise OrderRefused(item.at("resource"), "is missing", "describe the resource to order")
    specification, version = _specification(item, resource)
    site = _installation_site(resource)
    return NewItem(
        id=item_id,
        action=_action(item),
        specification=specification,
        specification_version=version,
        site=site,
        name=resource.word("name") or f"{specification.removeprefix('RFS:')} {site}",
        characteristics=_characteristics(resource),
        depends_on=item_references(item, item_id),
    )


def _action(item: Node) -> Action:
    text = item.required_word("action", f"use one of {', '.join(Action)}")
    try:
        return _ACTIONS[text]
    except KeyError as error:
        raise OrderRefused(
            item.at("action"), f"{text!r} is no action", f"use one of {', '.join(Action)}"
        ) from error


def _check_quantity(item: Node) -> None:
    quantity = item.content.get("quantity")
    if quantity is not None and (isinstance(quantity, bool) or quantity != 1):
        raise OrderRefused(item.at("quantity"), "is not 1", "send one item for each resource")


def _specification(item: Node, resource: Node) -> tuple[str, str | None]:
    """Return id and version; the standard allows them on the item, in the resource, or on both."""
    found = [
        (reference.required_word("id", "give the id of the specification"), reference)
        for reference in (
            item.member("resourceSpecification"),
            resource.member("resourceSpecification"),
        )
        if reference is not None
    ]
    if not found:
        raise OrderRefused(
            item.at("resourceSpecification"), "is missing", "give the id of the specification"
        )
    identifiers = {identifier for identifier, _ in found}
    versions = {version for _, reference in found if (version := reference.word("version"))}
    for name, values in (("id", identifiers), ("version", versions)):
        if len(values) > 1:
            raise OrderRefused(
                found[1][1].at(name),
                f"contradicts the item's: {' and '.join(sorted(values))}",
                "name the same specification on the item and in its resource",
            )
    return found[0][0], versions.pop() if versions else None


def _installation_site(resource: Node) -> str:
    keys: dict[str, None] = {}
    for place in resource.members("place"):
        role = place.word("role")
        if role is not None and role.lower() == _INSTALLATION_SITE:
            keys[place.required_word("id", "give the key of the site")] = None
    if len(keys) != 1:
        reason = "names more than one site" if keys else "has no place of role installationSite"
        raise OrderRefused(
            resource.at("place"), reason, "give one place with role installationSite and its id"
        )
    return next(iter(keys))


def _characteristics(resource: Node) -> Mapping[str, Any]:
    result: dict[str, Any] = {}
    for entry in resource.members("resourceCharacteristic"):
        name = entry.required_word("name", "name every characteristic")
        field = resource.at(f"resourceCharacteristic[{name}]")
        if name in result:
            raise OrderRefused(field, "is given twice", "give every characteristic once")
        if "value" not in entry.content:
            raise OrderRefused(field, "has no value", "give its value")
        value = entry.content["value"]
        if isinstance(value, Mapping | list):
            raise OrderRefused(field, f"is {json_type(value)}", "give a single value")
        result[name] = value
    return result
