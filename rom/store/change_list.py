"""Changes as PostgreSQL lists them: by item, by task, by device, and what is due."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from device_profiles.tree import Path
from rom.model.change import QUEUED, UNSETTLED, Change, ChangeKind, ChangeState, Policy
from rom.model.order import Item
from rom.store.tables import change

DUE = sa.or_(change.c.due_at.is_(None), change.c.due_at <= sa.func.now())
"""A change whose pause, if it has one, is over."""


def kept_at(connection: sa.Connection, site: str) -> dict[str, tuple[str, frozenset[Path]]]:
    """Return by device which rollback task has left paths of the site to somebody else, and which.

    Only where nothing has been brought out for the site on the device since.
    """
    rows = connection.execute(
        sa.select(change.c.device, change.c.task_id, change.c.kept)
        .ext(distinct_on(change.c.device))
        .where(change.c.site == site, change.c.state == ChangeState.DONE)
        .order_by(change.c.device, change.c.id.desc())
    )
    return {
        row.device: (row.task_id, frozenset(tuple(path) for path in row.kept))
        for row in rows
        if row.kept
    }


def of_item(connection: sa.Connection, order_id: str, item_id: str) -> list[Change]:
    """Return the item's changes."""
    return read_changes(
        connection,
        sa.select(change)
        .where(change.c.order_id == order_id, change.c.item_id == item_id)
        .order_by(change.c.id),
    )


def claimed(connection: sa.Connection, device: str) -> list[Change]:
    """Return what the device's writer has in hand."""
    return read_changes(
        connection,
        sa.select(change)
        .where(change.c.device == device, change.c.state == ChangeState.CLAIMED)
        .order_by(change.c.id),
    )


def of_task(connection: sa.Connection, task_id: str, *, lock: bool = False) -> list[Change]:
    """Return the changes a task has asked for so far; with ``lock`` no writer claims them now."""
    query = sa.select(change).where(change.c.task_id == task_id).order_by(change.c.id)
    return read_changes(connection, query.with_for_update() if lock else query)


def of_numbers(connection: sa.Connection, numbers: Collection[int]) -> list[Change]:
    """Return changes by their ids."""
    query = sa.select(change).where(change.c.id.in_(list(numbers))).order_by(change.c.id)
    return read_changes(connection, query)


def was_taken(connection: sa.Connection, items: Sequence[Item], device: str | None = None) -> bool:
    """Tell whether a writer has, or has had, a change of the items in hand that was not refused.

    On one ``device``, or on any.
    """
    taken = [of_items(items), change.c.state.in_((ChangeState.DONE, ChangeState.CLAIMED))]
    if device is not None:
        taken.append(change.c.device == device)
    return bool(connection.scalar(sa.select(sa.exists().where(*taken))))


def unsettled(connection: sa.Connection) -> set[tuple[str, str]]:
    """Return ``(device, site)`` of everything that is still to become true."""
    rows = connection.execute(
        sa.select(change.c.device, change.c.site).where(change.c.state.in_(UNSETTLED))
    )
    return {(row.device, row.site) for row in rows}


def unsettled_by_device(connection: sa.Connection) -> dict[str, int]:
    """Return how many changes each device has yet to take."""
    rows = connection.execute(
        sa.select(change.c.device, sa.func.count())
        .where(change.c.state.in_(UNSETTLED))
        .group_by(change.c.device)
    )
    return {row[0]: row[1] for row in rows}


def unchanged_devices(connection: sa.Connection, order_id: str) -> list[str]:
    """Return the devices that held what the order wants already, so that nothing was sent."""
    return sorted(
        connection.scalars(
            sa.select(change.c.device)
            .where(change.c.order_id == order_id, change.c.state == ChangeState.DONE)
            .where(change.c.transaction.is_(None), change.c.kind != ChangeKind.ROLLBACK)
            .distinct()
        )
    )


def sites_waiting(connection: sa.Connection, device: str) -> list[str]:
    """Return the sites whose changes wait for the device, or were claimed for it."""
    return list(
        connection.scalars(
            sa.select(change.c.site)
            .where(change.c.device == device, change.c.state.in_(QUEUED), DUE)
            .distinct()
        )
    )


def due_devices(connection: sa.Connection) -> set[str]:
    """Return the devices that have something to write now, or something left by a dead writer."""
    waits = sa.and_(change.c.state == ChangeState.WAITING, DUE)
    return set(
        connection.scalars(
            sa.select(change.c.device)
            .where(sa.or_(waits, change.c.state == ChangeState.CLAIMED))
            .distinct()
        )
    )


def of_items(items: Sequence[Item]) -> sa.ColumnElement[bool]:
    """Return the condition that a change belongs to one order's items."""
    return sa.and_(
        change.c.order_id == items[0].order_id,
        change.c.item_id.in_([item.item_id for item in items]),
    )


def read_changes(connection: sa.Connection, query: sa.Select[Any]) -> list[Change]:
    """Return the changes that a query finds."""
    return [_change(dict(row)) for row in connection.execute(query).mappings()]


def _change(row: Mapping[str, Any]) -> Change:
    return Change(
        **{
            **row,
            "kind": ChangeKind(row["kind"]),
            "policy": Policy(row["policy"]),
            "state": ChangeState(row["state"]),
            "kept": tuple(tuple(path) for path in row["kept"]),
        }
    )
