"""Limits by customer and site as conditions of SQL, and as columns.

Everything belongs to sites and a site to one customer, so one selection of site keys decides what
a limited client may see. Queries for a request take ``current_scope()``.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from inventory.tables import reservation, site
from rom.model.access import Scope, ScopedKind, current_scope
from rom.store.order_tables import cancel_task
from rom.store.tables import order_item, resource_order, rollback_task


def visible_sites(scope: Scope) -> sa.Select[tuple[str]]:
    """Select the keys of the sites within ``scope``."""
    query = sa.select(site.c.key)
    if scope.customers is not None:
        query = query.where(site.c.customer.in_(sorted(scope.customers)))
    if scope.sites is not None:
        query = query.where(site.c.key.in_(sorted(scope.sites)))
    return query


def known_sites(connection: sa.Connection, keys: Collection[str]) -> dict[str, str]:
    """Return those of the sites that the request being served may see, with their customers."""
    found = visible_sites(current_scope()).where(site.c.key == sa.any_(sa.literal(list(keys))))
    rows = connection.execute(found.add_columns(site.c.customer))
    return {row.key: row.customer for row in rows}


def order_known(connection: sa.Connection, order_id: str) -> bool:
    """Tell whether there is such an order within the scope of the request being served."""
    return bool(connection.scalar(sa.select(order_within(current_scope(), sa.literal(order_id)))))


def sees(connection: sa.Connection, scope: Scope, kind: ScopedKind, identifier: str) -> bool:
    """Tell whether something lies within ``scope``; what there is not does not."""
    if kind is ScopedKind.RESOURCE:
        try:
            condition = resource_within(scope, sa.literal(UUID(identifier)))
        except ValueError:  # no UUID names no resource
            return False
    else:
        condition = _WITHIN[kind](scope, sa.literal(identifier))
    return bool(connection.scalar(sa.select(condition)))


def order_within(scope: Scope, order_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that all sites of the order ``order_id`` lie within ``scope``.

    An order with one site outside is not visible at all: half an order would tell of the rest.
    """
    if not scope.limited:
        return sa.true()
    outside = order_item.c.site.not_in(visible_sites(scope))
    known = sa.exists().where(resource_order.c.id == order_id)
    return known & ~sa.exists().where(order_item.c.order_id == order_id, outside)


def site_within(scope: Scope, key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that the site ``key`` lies within ``scope``."""
    return key.in_(visible_sites(scope)) if scope.limited else sa.true()


def task_within(scope: Scope, task_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a rollback's site, or a cancellation's order, is visible."""
    if not scope.limited:
        return sa.true()
    rollbacks = sa.select(rollback_task.c.id).where(site_within(scope, rollback_task.c.site))
    cancels = sa.select(cancel_task.c.id).where(order_within(scope, cancel_task.c.order_id))
    return sa.or_(task_id.in_(rollbacks), task_id.in_(cancels))


_WITHIN = {
    ScopedKind.ORDER: order_within,
    ScopedKind.SITE: site_within,
    ScopedKind.TASK: task_within,
}


def stream_within(scope: Scope, stream: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that an event's stream, an order or a rollback task, is visible."""
    return sa.or_(order_within(scope, stream), task_within(scope, stream))


def resource_within(scope: Scope, identifier: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the condition that a site within ``scope`` holds the resource or the share.

    ``identifier`` is the resource's own, or its reservation's for a share of a quantity. What
    nobody holds is stock, and no business of a limited client.
    """
    if not scope.limited:
        return sa.true()
    held = sa.select(sa.func.coalesce(reservation.c.resource_id, reservation.c.id))
    return identifier.in_(held.where(reservation.c.site.in_(visible_sites(scope))))


def limit_column(limit: frozenset[str] | None) -> list[str] | None:
    """Return one side of a scope as an array column keeps it."""
    return None if limit is None else sorted(limit)


def scope_from_columns(customers: list[str] | None, sites: list[str] | None) -> Scope:
    """Return the scope that two array columns keep; an empty array is a limit, ``NULL`` none."""
    return Scope(
        None if customers is None else frozenset(customers),
        None if sites is None else frozenset(sites),
    )
