"""Rows of the item table as nouns, and the conditions that several repositories share."""

from typing import Any

import sqlalchemy as sa

from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.store.tables import order_item

SHORT = (
    order_item.c.state == ItemState.HELD,
    order_item.c.step == Step.ASSESSING,
    order_item.c.due_at.is_not(None),
)
"""Held for want of resources, which is tried again by itself."""

_IS_DUE = sa.func.coalesce(order_item.c.due_at <= sa.func.now(), sa.true()).label("is_due")


def is_item(order_id: str, item_id: str) -> sa.ColumnElement[bool]:
    """Return the condition that a row is this item."""
    return sa.and_(order_item.c.order_id == order_id, order_item.c.item_id == item_id)


def read_items(connection: sa.Connection, query: sa.Select[Any]) -> list[Item]:
    """Return the items that a query over the table finds."""
    return [
        Item(
            order_id=row.order_id,
            item_id=row.item_id,
            position=row.position,
            action=Action(row.action),
            specification=row.specification,
            version=row.version,
            key=row.key,
            site=row.site,
            characteristics=row.characteristics,
            depends_on=tuple(row.depends_on),
            state=ItemState(row.state),
            step=Step(row.step),
            updated_at=row.updated_at,
            reason=row.reason,
            attempts=row.attempts,
            due_at=row.due_at,
            is_due=row.is_due,
            short_of=tuple(row.short_of),
            in_force=row.in_force,
        )
        for row in connection.execute(query.add_columns(_IS_DUE))
    ]
