"""Cancellation of an order under way: asked for and shown. ``cancel_runner`` carries it out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rom.fulfilment.transitions import Transitions
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import CancelImpossible, UnknownCancellation, UnknownOrder
from rom.model.event_types import OrderEventType
from rom.model.order import Order
from rom.model.order_states import FINAL_ORDER_STATES
from rom.orders.cancel.document import document, read_request
from rom.store import cancellations, order_items, orders
from rom.store.database import Connection, Engine
from rom.store.rollbacks import AlreadyOpen
from rom.store.scope import order_known
from rom.trail import trail


class Cancellations:
    """Takes cancellations and shows them."""

    def __init__(
        self,
        engine: Engine,
        transitions: Transitions,
        base_url: str,
        wake: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._transitions = transitions
        self._base_url = base_url
        self._wake = wake

    def request(self, body: object, requester: str = "", by: Actor = GATEWAY) -> dict[str, Any]:
        """Take a CancelResourceOrder and return it, acknowledged.

        Raises ``OrderRefused`` for a malformed body, ``UnknownOrder`` for an unknown order and
        ``CancelImpossible`` for a final one or one with an open cancellation.
        """
        asked = read_request(body)
        with self._engine.begin() as connection:
            row = orders.lock_order(connection, asked.order_id)
            if row is None or not order_known(connection, asked.order_id):
                raise UnknownOrder(asked.order_id)
            task = self.open_task(
                connection,
                row,
                document=asked.document,
                requester=requester,
                due_at=asked.due_at,
                by=by,
            )
        self._wake_sites(asked.order_id)
        return task

    def open_task(
        self,
        connection: Connection,
        row: Order,
        *,
        document: Mapping[str, Any],
        items: Sequence[str] | None = None,
        requester: str = "",
        due_at: datetime | None = None,
        by: Actor = GATEWAY,
    ) -> dict[str, Any]:
        """Write a task for a locked order, or for some of its items; raises ``CancelImpossible``.

        The caller wakes the order's sites once this is committed.
        """
        if row.state in FINAL_ORDER_STATES:
            raise CancelImpossible(
                "orderFinal",
                f"order {row.id} is {row.state}, which is final",
                "Order a delete, or roll the site back with POST /rom/v1/siteRollback",
            )
        if (earlier := cancellations.open_of_order(connection, row.id)) is not None:
            raise CancelImpossible(
                "cancellationOpen",
                f"order {row.id} has an open cancellation, {earlier.id}",
                "Wait until that one is done",
            )
        try:
            task_id = cancellations.insert(
                connection,
                order_id=row.id,
                items=items,
                document=document,
                requester=requester,
                due_at=due_at,
            )
        except AlreadyOpen as error:
            raise CancelImpossible(
                "cancellationOpen",
                f"order {row.id} has an open cancellation",
                "Wait until that one is done",
            ) from error
        self._record(connection, row.id, task_id, items, document, by, requester)
        return tell(
            connection, self._transitions, self._base_url, task_id, OrderEventType.CANCEL_CREATE
        )

    @staticmethod
    def _record(
        connection: Connection,
        order_id: str,
        task_id: str,
        items: Sequence[str] | None,
        document: Mapping[str, Any],
        by: Actor,
        requester: str,
    ) -> None:
        concerned = [
            item
            for item in order_items.items_of_orders(connection, [order_id])
            if items is None or item.item_id in items
        ]
        trail.record(
            connection,
            by,
            DeedKind.CANCELLATION_ASKED,
            sites={item.site for item in concerned},
            order_id=order_id,
            subject=task_id,
            reason=str(document.get("cancellationReason", "")),
            details={
                "requester": requester,
                "items": "all" if items is None else list(items),
            },
        )

    def find(self, task_id: str) -> dict[str, Any] | None:
        """Return a CancelResourceOrder, or ``None``."""
        with self._engine.connect() as connection:
            row = cancellations.find(connection, task_id)
            return None if row is None else document(row, self._base_url)

    def shown(self, connection: Connection, task_id: str) -> dict[str, Any]:
        """Return a CancelResourceOrder as a transaction sees it; raises ``UnknownCancellation``."""
        row = cancellations.find(connection, task_id)
        if row is None:
            raise UnknownCancellation(task_id)
        return document(row, self._base_url)

    def _wake_sites(self, order_id: str) -> None:
        with self._engine.connect() as connection:
            sites = {item.site for item in order_items.items_of_orders(connection, [order_id])}
        for site in sorted(sites):
            self._wake(site)


def tell(
    connection: Connection,
    transitions: Transitions,
    base_url: str,
    task_id: str,
    event_type: OrderEventType,
    field_path: str | None = None,
) -> dict[str, Any]:
    """Emit an event about the task as it is now, and return it."""
    row = cancellations.find(connection, task_id)
    if row is None:
        raise UnknownCancellation(task_id)
    shown = document(row, base_url)
    transitions.tell_cancellation(connection, event_type, shown, field_path)
    return shown
