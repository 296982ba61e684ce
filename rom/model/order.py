"""Orders and their items: as somebody sends them, and as the gateway keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from device_profiles.words import Word
from rom.model.order_states import ITEM_LIFE, ItemState, OrderState, Step


class Action(Word):
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


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is kept."""

    id: str
    document: Mapping[str, Any]
    """The TMF652 document as sent, in one spelling."""
    state: OrderState
    customer: str
    requester: str
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An order item as it is kept."""

    order_id: str
    item_id: str
    position: int
    action: Action
    specification: str
    version: str
    key: str
    site: str
    characteristics: Mapping[str, Any]
    depends_on: tuple[str, ...]
    """Items of the order that it waits for, whatever their site."""
    state: ItemState
    step: Step
    updated_at: datetime
    reason: str | None = None
    """Why it waits or is held: a reason code."""
    attempts: int = 0
    due_at: datetime | None = None
    short_of: tuple[str, ...] = ()
    """Pools of amounts in which it is short; whoever came later takes nothing from them."""
    is_due: bool = True
    """Whether its pause, if it has one, was over by the database's clock when it was read."""
    in_force: bool = True
    """False once a later order or an undo has taken back what a completed item had given."""

    @property
    def is_open(self) -> bool:
        """Whether something is still to become of it."""
        return self.state in ITEM_LIFE.open

    @property
    def gives(self) -> bool:
        """Whether it gives its site something, or is about to."""
        return self.in_force and (self.is_open or self.state is ItemState.COMPLETED)


@dataclass(frozen=True, slots=True)
class ItemNote:
    """A note on an order, or on one of its items, that the gateway has written."""

    id: int
    order_id: str
    item_id: str | None
    text: str
    author: str
    date: datetime


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One step of an item's way, as it was taken."""

    item_id: str
    step: Step
    state: ItemState
    note: str
    time: datetime


@dataclass(frozen=True, slots=True)
class WaitingSite:
    """A site held for want of resources; ``due`` once a pause between two tries is over."""

    site: str
    due: bool
