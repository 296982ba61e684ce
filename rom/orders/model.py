"""A new order as the engine takes it: judged, typed, and still its own TMF document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What an item asks for; TMF652 v4 as in the data model repository (``noChange``)."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"
    NO_CHANGE = "noChange"


@dataclass(frozen=True, slots=True, order=True)
class ExternalReference:
    """How another system calls this order."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class NewItem:
    """One item of a new order.

    ``characteristics`` are as sent; ``typed`` are measured against the catalog (rates are
    ``Bandwidth``), only those sent unless the action is ``add``. ``key`` and ``typed`` are empty
    and the version may be ``None`` until ``rom.orders.validate.validate`` has judged the item.
    """

    id: str
    action: Action
    specification: str
    specification_version: str | None
    site: str
    name: str
    characteristics: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    key: str = ""
    typed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A new order: the normalised document to keep, and what the engine works with.

    ``document`` has one spelling (``noChange``, ExternalReference) and nothing that only the
    server may set; whatever else was sent is in it untouched.
    """

    document: Mapping[str, Any]
    items: tuple[NewItem, ...]
    external_references: tuple[ExternalReference, ...] = ()
    requester: str | None = None
    customer: str | None = None
