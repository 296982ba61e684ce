"""How many there are of what monitoring watches, by the labels of its metrics; one query each."""

from typing import Any

import sqlalchemy as sa

from rom.model.change import UNSETTLED
from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import change, device_txn, order_item, resource_order, site_intent

Counts = dict[tuple[str, ...], int]


def orders(connection: sa.Connection) -> Counts:
    """Count orders by state, deleted ones left out."""
    query = sa.select(resource_order.c.state, sa.func.count()).group_by(resource_order.c.state)
    return _counted(connection, query.where(resource_order.c.deleted_at.is_(None)))


def items(connection: sa.Connection) -> Counts:
    """Count order items by step and state."""
    by = (order_item.c.step, order_item.c.state)
    return _counted(connection, sa.select(*by, sa.func.count()).group_by(*by))


def device_transactions(connection: sa.Connection) -> Counts:
    """Count device transactions by the device's role and their state."""
    role = (
        sa.select(site_intent.c.device, sa.func.min(site_intent.c.role).label("role"))
        .group_by(site_intent.c.device)
        .subquery()
    )
    name = sa.func.coalesce(role.c.role, "none")
    query = (
        sa.select(name, device_txn.c.state, sa.func.count())
        .select_from(device_txn.outerjoin(role, role.c.device == device_txn.c.device))
        .group_by(name, device_txn.c.state)
    )
    return _counted(connection, query)


def waiting_changes(connection: sa.Connection) -> Counts:
    """Count by device the changes that it has yet to take."""
    query = sa.select(change.c.device, sa.func.count()).group_by(change.c.device)
    waiting = change.c.state.in_(sorted(UNSETTLED))
    return _counted(connection, query.where(waiting))


def failed_changes(connection: sa.Connection) -> Counts:
    """Count by reason the changes whose last try failed."""
    query = sa.select(change.c.reason, sa.func.count()).group_by(change.c.reason)
    return _counted(connection, query.where(change.c.reason.is_not(None)))


def deliveries(connection: sa.Connection) -> Counts:
    """Count by API and state the events that a listener has not taken."""
    by = (hub_subscription.c.api, delivery.c.state)
    query = sa.select(*by, sa.func.count()).select_from(delivery.join(hub_subscription))
    return _counted(connection, query.group_by(*by))


def failing_listeners(connection: sa.Connection) -> Counts:
    """Count by API the listeners to which nothing got through the last time."""
    query = sa.select(hub_subscription.c.api, sa.func.count()).group_by(hub_subscription.c.api)
    return _counted(connection, query.where(hub_subscription.c.failures > 0))


def _counted(connection: sa.Connection, query: sa.Select[Any]) -> Counts:
    return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}
