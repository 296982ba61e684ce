"""Lists of orders: conditions over TMF652's attributes, answered by PostgreSQL alone."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from inventory.condition_sql import Elements, Kept, Shape, order_by, where
from inventory.conditions import Listing, Path
from rom.model.access import EVERYTHING, Scope
from rom.model.order import Order
from rom.model.task import Cancellation
from rom.store.cancellations import cancellation_of
from rom.store.order_tables import cancel_task
from rom.store.orders import order_of
from rom.store.scope import order_within
from rom.store.tables import item_note, order_item, resource_order

UNSEARCHABLE: tuple[Path, ...] = (
    ("href",),
    ("orderItem", "href"),
    ("orderItem", "resource", "value"),
)
"""Attributes that are made when an order is shown, so that no index can know them."""

HEADER: sa.ColumnElement[Any] = resource_order.c.document.op("-", return_type=JSONB())(
    sa.literal_column("'orderItem'::text")
)
"""The order without its items; ``ix_resource_order_header`` indexes it."""


def find_orders(
    connection: sa.Connection, asked: Listing, within: Scope = EVERYTHING
) -> tuple[list[Order], int]:
    """Return a page of orders, newest first unless asked otherwise, and how many match in all.

    Run it inside ``inventory.condition_sql.bounded``.
    """
    wanted = [where(asked.condition, ORDER), order_within(within, resource_order.c.id)]
    total = connection.scalar(sa.select(sa.func.count()).select_from(resource_order).where(*wanted))
    order = [
        *order_by(asked.sort, ORDER),
        resource_order.c.created_at.desc(),
        resource_order.c.id,
    ]
    # The ids first: skipped orders are then skipped in an index, their documents never read.
    place = sa.func.row_number().over(order_by=order).label("place")
    page = (
        sa.select(resource_order.c.id, place)
        .where(*wanted)
        .order_by(*order)
        .offset(asked.offset)
        .limit(asked.limit)
        .subquery()
    )
    rows = connection.execute(
        sa.select(resource_order)
        .join(page, page.c.id == resource_order.c.id)
        .order_by(page.c.place)
    ).all()
    return [order_of(row) for row in rows], total or 0


def find_cancellations(
    connection: sa.Connection, asked: Listing, within: Scope = EVERYTHING
) -> tuple[list[Cancellation], int]:
    """Return a page of cancellations of whole orders, newest first, and how many match in all."""
    wanted = [
        where(asked.condition, CANCELLATION),
        cancel_task.c.item_ids.is_(None),
        order_within(within, cancel_task.c.order_id),
    ]
    total = connection.scalar(sa.select(sa.func.count()).select_from(cancel_task).where(*wanted))
    rows = connection.execute(
        sa.select(cancel_task)
        .where(*wanted)
        .order_by(
            *order_by(asked.sort, CANCELLATION), cancel_task.c.created_at.desc(), cancel_task.c.id
        )
        .offset(asked.offset)
        .limit(asked.limit)
    )
    return [cancellation_of(row) for row in rows], total or 0


def _stored_item() -> sa.ColumnElement[Any]:
    element = sa.func.jsonb_path_query(
        resource_order.c.document, sa.literal_column("'$.orderItem[*]'::jsonpath"), type_=JSONB
    ).column_valued("stored_item")
    return (
        sa.select(element)
        .where(element.op("->>")("id") == order_item.c.item_id)
        .correlate(resource_order, order_item)
        .limit(1)
        .scalar_subquery()
    )


def _notes(item: sa.ColumnElement[bool]) -> Elements:
    """Return the notes that the gateway has added to those sent."""
    columns: dict[Path, sa.ColumnElement[Any]] = {
        ("id",): sa.cast(item_note.c.id, sa.Text),
        ("text",): item_note.c.text,
        ("author",): item_note.c.author,
    }
    belongs = sa.and_(item_note.c.order_id == resource_order.c.id, item)
    return Elements(item_note, belongs, Shape(columns), Kept.APART)


def _order_shape() -> Shape:
    item = Shape(
        columns={
            ("id",): order_item.c.item_id,
            ("action",): order_item.c.action,
            ("state",): order_item.c.state,
            # The installation site, the one place that an item must have.
            ("resource", "place", "id"): order_item.c.site,
        },
        elements={("note",): _notes(item_note.c.item_id == order_item.c.item_id)},
        document=_stored_item(),
    )
    return Shape(
        columns={
            ("id",): resource_order.c.id,
            ("state",): resource_order.c.state,
            ("orderDate",): resource_order.c.created_at,
            ("completionDate",): resource_order.c.completed_at,
        },
        elements={
            ("note",): _notes(item_note.c.item_id.is_(None)),
            ("orderItem",): Elements(
                order_item, order_item.c.order_id == resource_order.c.id, item, Kept.IN_BOTH
            ),
        },
        document=resource_order.c.document,
        searched=HEADER,
        unsearched=frozenset({"orderItem"}),
    )


CANCELLATION = Shape(
    columns={
        ("id",): cancel_task.c.id,
        ("state",): cancel_task.c.state,
        ("effectiveCancellationDate",): cancel_task.c.effective_at,
        ("resourceOrder", "id"): cancel_task.c.order_id,
        # Shown as this where the sender has given none.
        ("@type",): sa.func.coalesce(
            cancel_task.c.document["@type"].astext, "CancelResourceOrder", type_=sa.Text
        ),
    },
    document=cancel_task.c.document,
)
"""Where the attributes of a TMF652 CancelResourceOrder are."""

ORDER = _order_shape()
"""Where the attributes of a TMF652 ResourceOrder are."""
