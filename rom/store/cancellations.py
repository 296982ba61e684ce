"""Cancellations in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from pydantic import TypeAdapter

from rom.model.access import current_scope
from rom.model.task import TASK_LIFE, Before, Cancellation, CancelledSite, TaskState
from rom.store.order_tables import cancel_task
from rom.store.rollbacks import AlreadyOpen
from rom.store.scope import order_within
from rom.store.tables import order_item

_BEFORE = TypeAdapter(Before)
_SITES = TypeAdapter(dict[str, CancelledSite])
_IS_OPEN = cancel_task.c.state.in_(TASK_LIFE.open)
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

    Raises ``AlreadyOpen`` when the order has an open one.
    """
    task_id = f"CO-{uuid4().hex[:12]}"
    try:
        with connection.begin_nested():
            connection.execute(
                sa.insert(cancel_task).values(
                    id=task_id,
                    order_id=order_id,
                    item_ids=None if items is None else sorted(items),
                    document=dict(document),
                    state=TaskState.ACKNOWLEDGED,
                    requester=requester,
                    due_at=due_at,
                )
            )
    except sa.exc.IntegrityError as error:
        raise AlreadyOpen(order_id) from error
    return task_id


def find(connection: sa.Connection, task_id: str) -> Cancellation | None:
    """Return the task, or ``None``; one outside the limits of whoever asks is not there."""
    return _one(
        connection, sa.select(cancel_task).where(cancel_task.c.id == task_id, _is_visible())
    )


def open_of_order(
    connection: sa.Connection, order_id: str, *, lock: bool = False
) -> Cancellation | None:
    """Return the order's open task, ``None`` when there is none.

    Who locks both the task and its order locks the task first.
    """
    query = sa.select(cancel_task).where(cancel_task.c.order_id == order_id, _IS_OPEN)
    return _one(connection, query.with_for_update() if lock else query)


def next_at_site(
    connection: sa.Connection, site: str, passed: Collection[str]
) -> Cancellation | None:
    """Return and lock the oldest due task with items at the site, leaving out those ``passed``."""
    return _one(
        connection,
        sa.select(cancel_task)
        .where(_IS_OPEN, _IS_DUE, cancel_task.c.id.not_in(list(passed)), _concerns(site))
        .order_by(cancel_task.c.created_at, cancel_task.c.id)
        .limit(1)
        .with_for_update(),
    )


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


def begin(connection: sa.Connection, task_id: str, before: Before) -> None:
    """Let the task go; ``before`` is where order and items were."""
    earlier = _BEFORE.dump_python(before, mode="json")
    _enter(connection, task_id, TaskState.IN_PROGRESS, earlier=earlier)


def write_sites(
    connection: sa.Connection, task_id: str, sites: Mapping[str, CancelledSite]
) -> None:
    """Write how far the task is at each site."""
    shown = _SITES.dump_python(dict(sites), mode="json")
    connection.execute(
        sa.update(cancel_task).where(cancel_task.c.id == task_id).values(sites=shown)
    )


def end(
    connection: sa.Connection, task_id: str, note: str, effective_at: datetime | None = None
) -> None:
    """Write that the task is done, and from when on what it cancels is cancelled."""
    _enter(
        connection,
        task_id,
        TaskState.DONE,
        note=note,
        effective_at=effective_at,
        finished_at=sa.func.clock_timestamp(),
    )


def finished(connection: sa.Connection, site: str) -> list[Cancellation]:
    """Return the ended tasks that have taken something back at the site, oldest first."""
    rows = connection.execute(
        sa.select(cancel_task)
        .where(cancel_task.c.effective_at.is_not(None), cancel_task.c.sites.has_key(site))
        .order_by(cancel_task.c.created_at)
    )
    return [cancellation_of(row) for row in rows]


def resting(connection: sa.Connection, site: str) -> list[str]:
    """Return the resources that cancellations at the site have left to rest until it is cleaned."""
    here = cancel_task.c.sites[site]
    found = connection.scalars(sa.select(here["resting"]).where(here.has_key("resting")))
    return [each for left in found for each in left]


def _enter(connection: sa.Connection, task_id: str, state: TaskState, **values: Any) -> None:
    connection.execute(
        sa.update(cancel_task)
        .where(cancel_task.c.id == task_id, cancel_task.c.state.in_(TASK_LIFE.before(state)))
        .values(state=state, **values)
    )


def cancellation_of(row: sa.Row[Any]) -> Cancellation:
    """Return a row of the table as the noun."""
    return Cancellation(
        id=row.id,
        order_id=row.order_id,
        item_ids=None if row.item_ids is None else tuple(row.item_ids),
        document=row.document,
        state=TaskState(row.state),
        before=_BEFORE.validate_python(row.earlier),
        sites=_SITES.validate_python(row.sites),
        note=row.note,
        requester=row.requester,
        created_at=row.created_at,
        due_at=row.due_at,
        effective_at=row.effective_at,
        finished_at=row.finished_at,
    )


def _one(connection: sa.Connection, query: sa.Select[Any]) -> Cancellation | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else cancellation_of(row)


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
