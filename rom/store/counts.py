"""How many there are of what monitoring watches, by the labels of its metrics; one query each."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from rom.model.change import UNSETTLED
from rom.model.order_states import ItemState
from rom.model.verdict import VerdictKind
from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import (
    change,
    device_lease,
    device_txn,
    order_item,
    resource_order,
    site_intent,
    verdict,
)

Counts = dict[tuple[str, ...], int]

_ROLES = (
    sa.select(site_intent.c.device, sa.func.min(site_intent.c.role).label("role"))
    .group_by(site_intent.c.device)
    .subquery()
)


def orders(connection: sa.Connection) -> Counts:
    """Count orders by state, deleted ones left out."""
    query = sa.select(resource_order.c.state, sa.func.count()).group_by(resource_order.c.state)
    return _counted(connection, query.where(resource_order.c.deleted_at.is_(None)))


def items(connection: sa.Connection) -> Counts:
    """Count order items by step and state."""
    by = (order_item.c.step, order_item.c.state)
    return _counted(connection, sa.select(*by, sa.func.count()).group_by(*by))


def held(connection: sa.Connection) -> Counts:
    """Count held items by reason."""
    reason = sa.func.coalesce(order_item.c.reason, "none")
    query = sa.select(reason, sa.func.count()).group_by(reason)
    return _counted(connection, query.where(order_item.c.state == ItemState.HELD))


def oldest_held(connection: sa.Connection) -> float:
    """Return for how many seconds the oldest held item is held, 0 without one."""
    oldest = sa.func.min(order_item.c.updated_at)
    age = sa.extract("epoch", sa.func.now() - oldest)
    return float(connection.scalar(sa.select(age).where(order_item.c.state == ItemState.HELD)) or 0)


def drift(connection: sa.Connection) -> Counts:
    """Count the sites on devices by what was found there last."""
    latest = (
        sa.select(verdict.c.result)
        .where(verdict.c.kind == VerdictKind.DRIFT)
        .ext(distinct_on(verdict.c.site, verdict.c.item_id))
        .order_by(verdict.c.site, verdict.c.item_id, verdict.c.id.desc())
        .subquery()
    )
    result = latest.c.result
    return _counted(connection, sa.select(result, sa.func.count()).group_by(result))


def leases(connection: sa.Connection) -> Counts:
    """Count by process the devices that a writer holds now."""
    process = sa.func.regexp_replace(device_lease.c.holder, "/[^/]*$", "")
    query = sa.select(process, sa.func.count()).group_by(process)
    in_force = device_lease.c.until > sa.func.now()
    return _counted(connection, query.where(device_lease.c.holder.is_not(None), in_force))


def durations(connection: sa.Connection) -> dict[tuple[str, ...], float]:
    """Return median, 95th percentile and longest of the last hour's transactions by role."""
    seconds = sa.extract("epoch", device_txn.c.finished_at - device_txn.c.started_at)
    name = sa.func.coalesce(_ROLES.c.role, "none")
    places = {"0.5": 0.5, "0.95": 0.95, "1": 1.0}
    query = (
        sa.select(
            name, *(sa.func.percentile_cont(p).within_group(seconds) for p in places.values())
        )
        .select_from(device_txn.outerjoin(_ROLES, _ROLES.c.device == device_txn.c.device))
        .where(device_txn.c.finished_at > sa.func.now() - timedelta(hours=1))
        .group_by(name)
    )
    return {
        (row[0], quantile): float(value)
        for row in connection.execute(query)
        for quantile, value in zip(places, row[1:], strict=True)
    }


def table_sizes(connection: sa.Connection) -> Counts:
    """Return the bytes of every table with its indexes and what is stored apart."""
    query = sa.text(
        "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return {(row[0],): int(row[1]) for row in connection.execute(query)}


def device_transactions(connection: sa.Connection) -> Counts:
    """Count device transactions by the device's role and their state."""
    name = sa.func.coalesce(_ROLES.c.role, "none")
    query = (
        sa.select(name, device_txn.c.state, sa.func.count())
        .select_from(device_txn.outerjoin(_ROLES, _ROLES.c.device == device_txn.c.device))
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


def _counted(connection: sa.Connection, query: sa.Select[Any, Any]) -> Counts:
    return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}
