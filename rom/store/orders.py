"""Orders in PostgreSQL, with the notes on them. Their items are in ``rom.store.items``."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from rom.model.errors import UnknownOrder
from rom.model.order import ItemNote, NewOrder, Order
from rom.model.order_states import FINAL_ORDER_STATES, OrderState
from rom.store import order_items
from rom.store.tables import item_note, order_item, resource_order


def new_id() -> str:
    """Return an id for an order that is to be written."""
    return f"RO-{uuid4().hex[:12]}"


def insert_order(connection: sa.Connection, order: NewOrder, order_id: str | None = None) -> str:
    """Write a new order as acknowledged and return its id."""
    order_id = order_id or new_id()
    connection.execute(
        sa.insert(resource_order).values(
            id=order_id,
            document=dict(order.document),
            state=OrderState.ACKNOWLEDGED,
            customer=order.customer or "",
            requester=order.requester or "",
        )
    )
    order_items.insert_items(connection, order_id, list(enumerate(order.items)))
    return order_id


def find_order(connection: sa.Connection, order_id: str) -> Order | None:
    """Return the order, or ``None``; a deleted order is not there any more."""
    row = connection.execute(
        sa.select(resource_order).where(
            resource_order.c.id == order_id, resource_order.c.deleted_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else order_of(row)


def lock_order(connection: sa.Connection, order_id: str) -> Order | None:
    """Return and lock the order, its items before it; ``None`` when there is none."""
    connection.execute(
        sa.select(order_item.c.item_id)
        .where(order_item.c.order_id == order_id)
        .order_by(order_item.c.position)
        .with_for_update()
    )
    row = connection.execute(
        sa.select(resource_order)
        .where(resource_order.c.id == order_id, resource_order.c.deleted_at.is_(None))
        .with_for_update()
    ).one_or_none()
    return None if row is None else order_of(row)


def lock_alone(connection: sa.Connection, order_id: str) -> None:
    """Keep others from moving the order until the transaction ends; its items come before it."""
    connection.execute(
        sa.select(resource_order.c.id).where(resource_order.c.id == order_id).with_for_update()
    )


def state_of(connection: sa.Connection, order_id: str) -> OrderState:
    """Return an order's state; raises ``UnknownOrder``."""
    state = connection.scalar(
        sa.select(resource_order.c.state).where(resource_order.c.id == order_id)
    )
    if state is None:
        raise UnknownOrder(order_id)
    return OrderState(state)


def enter_state(connection: sa.Connection, order_id: str, state: OrderState) -> None:
    """Write the order's next state with the dates that it brings."""
    now = sa.func.clock_timestamp()
    values: dict[str, Any] = {"state": state, "updated_at": now}
    if state is OrderState.IN_PROGRESS:
        values["started_at"] = sa.func.coalesce(resource_order.c.started_at, now)
    if state in FINAL_ORDER_STATES:
        values["completed_at"] = now
    _write(connection, order_id, values)


def amend(
    connection: sa.Connection, order_id: str, document: Mapping[str, Any], customer: str
) -> None:
    """Write the order's document as it shall be from now on."""
    _write(
        connection,
        order_id,
        {
            "document": dict(document),
            "customer": customer,
            "updated_at": sa.func.clock_timestamp(),
        },
    )


def note_cancelled(
    connection: sa.Connection, order_id: str, when: datetime, reason: str | None
) -> None:
    """Write when and why the order was cancelled."""
    _write(connection, order_id, {"cancelled_at": when, "cancellation_reason": reason})


def hide(connection: sa.Connection, order_id: str) -> None:
    """Let the order be there for nobody any more; its items stay on record."""
    _write(connection, order_id, {"deleted_at": sa.func.clock_timestamp()})


def _write(connection: sa.Connection, order_id: str, values: Mapping[str, Any]) -> None:
    connection.execute(
        sa.update(resource_order).where(resource_order.c.id == order_id).values(values)
    )


def notes_of_orders(connection: sa.Connection, order_ids: Iterable[str]) -> list[ItemNote]:
    """Return the orders' notes, oldest first."""
    rows = connection.execute(
        sa.select(item_note)
        .where(item_note.c.order_id.in_(list(order_ids)))
        .order_by(item_note.c.id)
    )
    return [
        ItemNote(row.id, row.order_id, row.item_id, row.text, row.author, row.date) for row in rows
    ]


def add_note(connection: sa.Connection, order_id: str, item_id: str | None, text: str) -> None:
    """Add a note that SOM and NOC will read; the author is the gateway."""
    connection.execute(
        sa.insert(item_note).values(order_id=order_id, item_id=item_id, text=text, author="ROM")
    )


def order_of(row: sa.Row[Any]) -> Order:
    """Return a row of the table as the noun."""
    return Order(
        id=row.id,
        document=row.document,
        state=OrderState(row.state),
        customer=row.customer,
        requester=row.requester,
        created_at=row.created_at,
        updated_at=row.updated_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        cancelled_at=row.cancelled_at,
        cancellation_reason=row.cancellation_reason,
    )
