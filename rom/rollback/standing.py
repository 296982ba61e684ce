"""What stands at a site once orders are taken back: earlier items, and what can never stand again.

Resources that were given back may be another site's tomorrow. A target that needs them is
therefore refused: the site has to be ordered again, with resources of its own.
"""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from rom.ledger import snapshots
from rom.orders.model import Action
from rom.orders.states import FINAL_ITEM_STATES, ItemState
from rom.store.tables import order_item, resource_order, rollback_task, snapshot


class TargetGone(Exception):
    """The site has given back since then what the target needs."""


def orders_under_way(connection: sa.Connection, site: str) -> list[str]:
    """Return the orders with items at the site that are not final."""
    return list(
        connection.scalars(
            sa.select(order_item.c.order_id)
            .where(order_item.c.site == site, order_item.c.state.not_in(FINAL_ITEM_STATES))
            .distinct()
            .order_by(order_item.c.order_id)
        )
    )


def refuse_what_is_gone(connection: sa.Connection, site: str, number: int) -> None:
    """Raise ``TargetGone`` for a snapshot older than a rollback or delete of what it shows."""
    for task in _tasks_after(connection, site, number):
        for order_id in task.target["orders"]:
            first = snapshots.first_of_order(connection, site, order_id)
            if first is not None and first <= number:
                message = f"order {order_id}, which it shows, was taken back by {task.id}"
                raise TargetGone(message)
    deleted = connection.scalar(
        sa.select(order_item.c.order_id)
        .join(
            snapshot,
            sa.and_(
                snapshot.c.order_id == order_item.c.order_id, snapshot.c.site == order_item.c.site
            ),
        )
        .where(order_item.c.site == site, order_item.c.action == Action.DELETE)
        .where(order_item.c.state == ItemState.COMPLETED, snapshot.c.id > number)
        .limit(1)
    )
    if deleted is not None:
        message = f"order {deleted} has deleted something since and given its resources back"
        raise TargetGone(message)


def _tasks_after(connection: sa.Connection, site: str, number: int) -> list[sa.Row[Any]]:
    # The number may lie between two of the site's snapshots: numbers are counted over all sites.
    taken = (
        sa.select(sa.func.max(snapshot.c.time))
        .where(snapshot.c.site == site, snapshot.c.id <= number)
        .scalar_subquery()
    )
    return list(
        connection.execute(
            sa.select(rollback_task).where(
                rollback_task.c.site == site,
                rollback_task.c.finished_at.is_not(None),
                rollback_task.c.created_at > taken,
            )
        )
    )


def items_in_force(connection: sa.Connection, site: str) -> list[sa.Row[Any]]:
    """Return the completed items that make up the site now."""
    return list(
        connection.execute(
            sa.select(order_item).where(
                order_item.c.site == site,
                order_item.c.state == ItemState.COMPLETED,
                order_item.c.action.in_((Action.ADD, Action.MODIFY)),
                order_item.c.in_force,
            )
        )
    )


def earlier_items(
    connection: sa.Connection, site: str, taken_back: Collection[str]
) -> list[sa.Row[Any]]:
    """Return the items that stand again once modifies of the orders ``taken_back`` are undone.

    Of each key the latest completed one before them that no earlier rollback has taken back.
    """
    gone = set(taken_back)
    for orders in connection.scalars(
        sa.select(rollback_task.c.target["orders"]).where(
            rollback_task.c.site == site, rollback_task.c.finished_at.is_not(None)
        )
    ):
        gone.update(orders)
    undone = set(
        connection.scalars(
            sa.select(order_item.c.key).where(
                order_item.c.site == site,
                order_item.c.order_id.in_(list(taken_back)),
                order_item.c.action == Action.MODIFY,
                order_item.c.in_force,
            )
        )
    )
    rows = connection.execute(
        sa.select(order_item)
        .join(resource_order, resource_order.c.id == order_item.c.order_id)
        .where(order_item.c.site == site, order_item.c.key.in_(undone))
        .where(order_item.c.state == ItemState.COMPLETED)
        .where(order_item.c.action.in_((Action.ADD, Action.MODIFY)))
        .where(order_item.c.order_id.not_in(gone))
        .order_by(resource_order.c.created_at)
    )
    latest = {row.key: row for row in rows}
    return list(latest.values())
