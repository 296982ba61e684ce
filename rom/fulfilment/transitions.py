"""The one place where an item changes state: compare and set, derive the order, emit events."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

import structlog

from rom.events.order_events import cancel_event, state_change_event
from rom.model.errors import StaleState, UnknownOrder
from rom.model.event_types import OrderEventType
from rom.model.order import Item, Order
from rom.model.order_states import (
    CANCELLING_ITEM_STATES,
    ITEM_LIFE,
    ORDER_LIFE,
    ItemState,
    OrderState,
    Step,
    derive_order_state,
)
from rom.store import order_items, orders, outbox
from rom.store.database import Connection

log = structlog.get_logger(__name__)


class Documents(Protocol):
    """Shows orders; every event carries its order as it is shown."""

    def render(self, connection: Connection, rows: list[Order]) -> list[dict[str, Any]]:
        """Return the TMF652 document of each order, in their sequence."""


class Transitions:
    """Moves items and, with them, their orders; every transition emits one event."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def created(self, connection: Connection, order_id: str) -> dict[str, Any]:
        """Emit the create event of a new order, and return the order as the event shows it."""
        document = self._emit(connection, order_id, OrderEventType.CREATE)
        if document is None:
            raise UnknownOrder(order_id)
        return document

    def changed(self, connection: Connection, order_id: str, paths: Collection[str]) -> None:
        """Emit that attributes of the order have another value now."""
        path = ",".join(sorted(paths))
        self._emit(connection, order_id, OrderEventType.ATTRIBUTE_VALUE_CHANGE, field_path=path)

    def deleted(self, connection: Connection, order_id: str) -> None:
        """Emit the delete event, with the order as it is just before."""
        self._emit(connection, order_id, OrderEventType.DELETE)

    def tell_cancellation(
        self,
        connection: Connection,
        event_type: OrderEventType,
        task: Mapping[str, Any],
        field_path: str | None = None,
    ) -> None:
        """Emit an event about a cancellation, in one sequence with those of its order."""
        order_id = task["resourceOrder"]["id"]
        event = cancel_event(
            event_type,
            task,
            event_id=str(uuid4()),
            occurred=datetime.now(UTC),
            correlation_id=order_id,
            field_path=field_path,
        )
        outbox.emit(connection, order_id, event)

    def move(
        self,
        connection: Connection,
        row: Item,
        state: ItemState,
        *,
        step: Step | None = None,
        reason: str | None = None,
        note: str = "",
        due_at: datetime | timedelta | None = None,
        attempts: int | None = None,
        short_of: Collection[str] = (),
        by_cancellation: bool = False,
    ) -> Item:
        """Take an item to ``state`` by legal transitions only and let its order follow.

        Returns the item as it is afterwards.

        A ``note`` is what SOM and NOC read; it starts with the reason code where there is one.
        An item under cancellation is moved ``by_cancellation`` only. Raises ``StaleState`` or
        ``IllegalTransition`` and then nothing has been written.
        """
        if row.state in CANCELLING_ITEM_STATES and not by_cancellation:
            message = f"item {row.item_id} of {row.order_id} is being cancelled"
            raise StaleState(message)
        # Items are locked before their order, everywhere, so that no two wait in a circle.
        order_items.lock_item(connection, row)
        orders.lock_alone(connection, row.order_id)
        if note:
            orders.add_note(connection, row.order_id, row.item_id, note)
        here = row
        path = ITEM_LIFE.path(row.state, state) or (state,)
        for index, following in enumerate(path):
            last = index == len(path) - 1
            order_items.step_item(
                connection,
                here,
                state=following,
                step=step if last else here.step,
                reason=reason if last else None,
                note=note if last else "",
                due_at=due_at if last else None,
                attempts=attempts,
                short_of=short_of if last else (),
            )
            if following != here.state:
                # The cause is told first: who stops listening at "completed" has heard every item.
                self._emit(connection, row.order_id, OrderEventType.ITEM_STATE_CHANGE, row.item_id)
                self._follow(connection, row.order_id)
            if following is ItemState.PENDING and here.state is not ItemState.PENDING:
                self._ask(connection, row)
            here = order_items.reread(connection, row)
        if (here.state, here.step, here.reason) != (row.state, row.step, row.reason):
            log.info(
                "item.moved",
                order_id=row.order_id,
                item_id=row.item_id,
                site=row.site,
                state=here.state,
                step=here.step,
                reason=here.reason,
            )
        return here

    def hold(self, connection: Connection, item: Item, reason: str, text: str) -> None:
        """Leave an item to people, with its reason code and words for them."""
        log.warning(
            "item.held",
            order_id=item.order_id,
            item_id=item.item_id,
            site=item.site,
            reason=reason,
        )
        self.move(connection, item, ItemState.HELD, reason=reason, note=f"{reason}: {text}")

    def move_order(self, connection: Connection, order_id: str, state: OrderState) -> None:
        """Take an order itself into, through and out of its cancellation, by legal transitions.

        Everything else an order becomes follows from its items. Raises ``IllegalTransition``.
        """
        self._go(
            connection, order_id, ORDER_LIFE.path(orders.state_of(connection, order_id), state)
        )

    def _ask(self, connection: Connection, row: Item) -> None:
        """What an item is pending for is information that has to come from outside."""
        self._emit(
            connection,
            row.order_id,
            OrderEventType.INFORMATION_REQUIRED,
            field_path=f"orderItem[{row.position}].note",
        )

    def _follow(self, connection: Connection, order_id: str) -> None:
        current = orders.state_of(connection, order_id)
        states = order_items.states_of_order(connection, order_id)
        path = ORDER_LIFE.path(current, derive_order_state(states, current))
        self._go(connection, order_id, path)

    def _go(self, connection: Connection, order_id: str, path: tuple[OrderState, ...]) -> None:
        for following in path:
            orders.enter_state(connection, order_id, following)
            self._emit(connection, order_id, OrderEventType.STATE_CHANGE)
            log.info("order.moved", order_id=order_id, state=following)

    def _emit(
        self,
        connection: Connection,
        order_id: str,
        event_type: OrderEventType,
        item_id: str | None = None,
        field_path: str | None = None,
    ) -> dict[str, Any] | None:
        row = orders.find_order(connection, order_id)
        if row is None:
            return None
        (document,) = self._documents.render(connection, [row])
        event = state_change_event(
            event_type,
            document,
            event_id=str(uuid4()),
            occurred=datetime.now(UTC),
            item_id=item_id,
            correlation_id=order_id,
            field_path=field_path,
        )
        outbox.emit(connection, order_id, event)
        return document
