"""Cancellation tasks in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from rom.model.access import current_scope
from rom.store.order_tables import cancel_task
from rom.store.scope import order_within
from rom.store.tables import order_item

ACKNOWLEDGED = "acknowledged"
IN_PROGRESS = "inProgress"
DONE = "done"
TERMINATED = "terminatedWithError"
OPEN = (ACKNOWLEDGED, IN_PROGRESS)

_IS_OPEN = cancel_task.c.state.in_(OPEN)
_IS_DUE = sa.or_(cancel_task.c.due_at.is_(None), cancel_task.c.due_at <= sa.func.now())


def insert(
    connection: sa.Connection,
    *,
    order_id: str,
    items: Collection[str] | None,
    document: Mapping[str, Any],
    requester: str,
    due_at: datetime | None,
) -> str:
    """Write a task as acknowledged and return its id.

    Raises ``sqlalchemy.exc.IntegrityError`` when the order has an open one.
    """
    task_id = f"CO-{uuid4().hex[:12]}"
    connection.execute(
        sa.insert(cancel_task).values(
            id=task_id,
            order_id=order_id,
            item_ids=None if items is None else sorted(items),
            document=dict(document),
            state=ACKNOWLEDGED,
            requester=requester,
            due_at=due_at,
        )
    )
    return task_id


def find(connection: sa.Connection, task_id: str) -> sa.Row[Any] | None:
    """Return the task, or ``None``; one outside the limits of whoever asks is not there."""
    return connection.execute(
        sa.select(cancel_task).where(cancel_task.c.id == task_id, _is_visible())
    ).one_or_none()


def open_of_order(
    connection: sa.Connection, order_id: str, *, lock: bool = False
) -> sa.Row[Any] | None:
    """Return the order's open task, ``None`` when there is none.

    Who locks both the task and its order locks the task first.
    """
    query = sa.select(cancel_task).where(cancel_task.c.order_id == order_id, _IS_OPEN)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def next_at_site(
    connection: sa.Connection, site: str, passed: Collection[str]
) -> sa.Row[Any] | None:
    """Return and lock the oldest due task with items at the site, leaving out those ``passed``."""
    return connection.execute(
        sa.select(cancel_task)
        .where(_IS_OPEN, _IS_DUE, cancel_task.c.id.not_in(list(passed)), _concerns(site))
        .order_by(cancel_task.c.created_at, cancel_task.c.id)
        .limit(1)
        .with_for_update()
    ).one_or_none()


def sites_under_way(connection: sa.Connection) -> list[str]:
    """Return the sites with something left to do by a due task."""
    return list(
        connection.scalars(
            sa.select(order_item.c.site)
            .join(cancel_task, cancel_task.c.order_id == order_item.c.order_id)
            .where(_IS_OPEN, _IS_DUE, _is_meant())
            .distinct()
        )
    )


def write(connection: sa.Connection, task_id: str, **values: Any) -> None:
    """Set columns of the task."""
    connection.execute(sa.update(cancel_task).where(cancel_task.c.id == task_id).values(values))


def _is_visible() -> sa.ColumnElement[bool]:
    return order_within(current_scope(), cancel_task.c.order_id)


def _concerns(site: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        order_item.c.order_id == cancel_task.c.order_id, order_item.c.site == site, _is_meant()
    )


def _is_meant() -> sa.ColumnElement[bool]:
    return sa.or_(
        cancel_task.c.item_ids.is_(None), order_item.c.item_id == sa.any_(cancel_task.c.item_ids)
    )
