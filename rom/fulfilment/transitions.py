"""The one place where an item changes state: compare and set, derive the order, emit events."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
import structlog

from rom.fulfilment.documents import OrderDocuments
from rom.model.event_types import OrderEventType as EventType
from rom.orders.events import cancel_event, state_change_event
from rom.orders.states import (
    CANCELLING_ITEM_STATES,
    FINAL_ORDER_STATES,
    ItemState,
    OrderState,
    derive_order_state,
    transition_path,
)
from rom.store import orders, outbox
from rom.store.tables import order_item, resource_order

log = structlog.get_logger(__name__)


class Transitions:
    """Moves items and, with them, their orders; every transition emits one event."""

    def __init__(self, documents: OrderDocuments) -> None:
        self._documents = documents

    def created(self, connection: sa.Connection, order_id: str) -> dict[str, Any]:
        """Emit the create event of a new order, and return the order as the event shows it."""
        document = self._emit(connection, order_id, EventType.CREATE)
        if document is None:
            raise LookupError(order_id)
        return document

    def changed(self, connection: sa.Connection, order_id: str, paths: Collection[str]) -> None:
        """Emit that attributes of the order have another value now."""
        path = ",".join(sorted(paths))
        self._emit(connection, order_id, EventType.ATTRIBUTE_VALUE_CHANGE, field_path=path)

    def deleted(self, connection: sa.Connection, order_id: str) -> None:
        """Emit the delete event, with the order as it is just before."""
        self._emit(connection, order_id, EventType.DELETE)

    def tell_cancellation(
        self,
        connection: sa.Connection,
        event_type: EventType,
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
        connection: sa.Connection,
        row: sa.Row[Any],
        state: ItemState,
        *,
        step: str | None = None,
        reason: str | None = None,
        note: str = "",
        due_at: datetime | None = None,
        attempts: int | None = None,
        short_of: Collection[str] = (),
        by_cancellation: bool = False,
    ) -> sa.Row[Any]:
        """Take an item to ``state`` by legal transitions only and let its order follow.

        Returns the item as it is afterwards.

        A ``note`` is what SOM and NOC read; it starts with the reason code where there is one.
        An item under cancellation is moved ``by_cancellation`` only. Raises ``StaleState`` or
        ``IllegalTransition`` and then nothing has been written.
        """
        if row.state in CANCELLING_ITEM_STATES and not by_cancellation:
            message = f"item {row.item_id} of {row.order_id} is being cancelled"
            raise orders.StaleState(message)
        # Items are locked before their order, everywhere, so that no two wait in a circle.
        orders.lock_item(connection, row)
        connection.execute(
            sa.select(resource_order.c.id)
            .where(resource_order.c.id == row.order_id)
            .with_for_update()
        )
        if note:
            orders.add_note(connection, row.order_id, row.item_id, note)
        here = row
        path = transition_path(ItemState(row.state), state) or (state,)
        for index, following in enumerate(path):
            last = index == len(path) - 1
            orders.step_item(
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
                self._emit(connection, row.order_id, EventType.ITEM_STATE_CHANGE, row.item_id)
                self._follow(connection, row.order_id)
            if following == ItemState.PENDING != here.state:
                self._ask(connection, row)
            here = orders.reread(connection, row)
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

    def move_order(self, connection: sa.Connection, order_id: str, state: OrderState) -> None:
        """Take an order itself into, through and out of its cancellation, by legal transitions.

        Everything else an order becomes follows from its items. Raises ``IllegalTransition``.
        """
        self._go(connection, order_id, transition_path(_state(connection, order_id), state))

    def _ask(self, connection: sa.Connection, row: sa.Row[Any]) -> None:
        """What an item is pending for is information that has to come from outside."""
        self._emit(
            connection,
            row.order_id,
            EventType.INFORMATION_REQUIRED,
            field_path=f"orderItem[{row.position}].note",
        )

    def _follow(self, connection: sa.Connection, order_id: str) -> None:
        current = _state(connection, order_id)
        states = [
            ItemState(state)
            for state in connection.scalars(
                sa.select(order_item.c.state).where(order_item.c.order_id == order_id)
            )
        ]
        path = transition_path(current, derive_order_state(states, current))
        self._go(connection, order_id, path)

    def _go(self, connection: sa.Connection, order_id: str, path: tuple[OrderState, ...]) -> None:
        now = sa.func.clock_timestamp()
        for following in path:
            values: dict[str, Any] = {"state": following, "updated_at": now}
            if following is OrderState.IN_PROGRESS:
                values["started_at"] = sa.func.coalesce(resource_order.c.started_at, now)
            if following in FINAL_ORDER_STATES:
                values["completed_at"] = now
            connection.execute(
                sa.update(resource_order).where(resource_order.c.id == order_id).values(values)
            )
            self._emit(connection, order_id, EventType.STATE_CHANGE)
            log.info("order.moved", order_id=order_id, state=following)

    def _emit(
        self,
        connection: sa.Connection,
        order_id: str,
        event_type: EventType,
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


def _state(connection: sa.Connection, order_id: str) -> OrderState:
    return OrderState(
        connection.execute(
            sa.select(resource_order.c.state).where(resource_order.c.id == order_id)
        ).scalar_one()
    )
