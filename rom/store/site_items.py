"""Items by site: what a site has, what is under way there, who waits for what."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa

from inventory.states import HoldingState
from inventory.tables import pool, reservation
from rom.model.order import Action, Item, WaitingSite
from rom.model.order_states import FINAL_ITEM_STATES, ItemState, Step
from rom.model.reason import Reason
from rom.store.item_rows import SHORT, read_items
from rom.store.tables import change, order_item, resource_order

_MOVING = (ItemState.ACKNOWLEDGED, ItemState.IN_PROGRESS, ItemState.PENDING)
"""Held items wait for people, who may put right what a check found, or for resources, which
are tried for in fair order.
"""
_UNWOKEN = timedelta(seconds=5)


def open_items_of_site(connection: sa.Connection, site: str, *, lock: bool = True) -> list[Item]:
    """Return the site's items that are not final, in the order of their arrival; locks them."""
    query = (
        sa.select(order_item)
        .join(resource_order, resource_order.c.id == order_item.c.order_id)
        .where(order_item.c.site == site, order_item.c.state.not_in(FINAL_ITEM_STATES))
        .order_by(resource_order.c.created_at, order_item.c.order_id, order_item.c.position)
    )
    return read_items(connection, query.with_for_update(of=order_item) if lock else query)


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


def sites_waiting_for_resources(connection: sa.Connection) -> list[WaitingSite]:
    """Return the sites held for want of resources, first in, first out."""
    rows = connection.execute(
        sa.select(
            order_item.c.site,
            sa.func.bool_or(order_item.c.due_at <= sa.func.now()).label("due"),
        )
        .join(resource_order, resource_order.c.id == order_item.c.order_id)
        .where(*SHORT)
        .group_by(order_item.c.site)
        .order_by(sa.func.min(resource_order.c.created_at), order_item.c.site)
    )
    return [WaitingSite(row.site, bool(row.due)) for row in rows]


def is_arriving(connection: sa.Connection, site: str) -> bool:
    """Tell whether the site has items that nothing has been reserved for, or tried for, yet."""
    return bool(
        connection.scalar(
            sa.select(
                sa.exists().where(
                    order_item.c.site == site,
                    order_item.c.state.in_((ItemState.ACKNOWLEDGED, ItemState.IN_PROGRESS)),
                    order_item.c.step == Step.ASSESSING,
                )
            )
        )
    )


def sites_depending(connection: sa.Connection, site: str) -> list[str]:
    """Return other sites with items of the same orders that wait for items they name."""
    here = sa.select(order_item.c.order_id).where(order_item.c.site == site)
    return list(
        connection.scalars(
            sa.select(order_item.c.site)
            .where(order_item.c.order_id.in_(here), order_item.c.site != site)
            .where(order_item.c.state.not_in(FINAL_ITEM_STATES))
            .where(sa.func.cardinality(order_item.c.depends_on) > 0)
            .distinct()
        )
    )


def due_sites(connection: sa.Connection) -> set[str]:
    """Return the sites with an item whose pause is over."""
    return set(
        connection.scalars(
            sa.select(order_item.c.site)
            .where(order_item.c.due_at <= sa.func.now())
            .where(
                sa.or_(
                    order_item.c.state.in_(_MOVING),
                    sa.and_(
                        order_item.c.state == ItemState.HELD,
                        order_item.c.step == Step.VERIFYING,
                    ),
                )
            )
            .distinct()
        )
    )


def unwoken_sites(connection: sa.Connection) -> set[str]:
    """Return the sites with an item that nothing outside has to happen for."""
    unsettled = sa.exists().where(
        change.c.order_id == order_item.c.order_id,
        change.c.item_id == order_item.c.item_id,
        change.c.state.in_(("blocked", "waiting", "claimed")),
    )
    return set(
        connection.scalars(
            sa.select(order_item.c.site)
            .where(order_item.c.state.in_(_MOVING), order_item.c.due_at.is_(None))
            .where(order_item.c.updated_at < sa.func.now() - _UNWOKEN)
            .where(sa.or_(order_item.c.step != Step.QUEUED, ~unsettled))
            .distinct()
        )
    )


def completed_items_of_site(connection: sa.Connection, site: str) -> list[Item]:
    """Return the site's completed items, oldest first: what its present intent consists of."""
    return read_items(
        connection,
        sa.select(order_item)
        .join(resource_order, resource_order.c.id == order_item.c.order_id)
        .where(order_item.c.site == site, order_item.c.state == ItemState.COMPLETED)
        .where(order_item.c.in_force)
        .order_by(resource_order.c.created_at, order_item.c.order_id, order_item.c.position),
    )


def items_of_site(connection: sa.Connection, site: str) -> list[Item]:
    """Return every item the site has ever had, by the arrival of their orders."""
    return read_items(
        connection,
        sa.select(order_item)
        .join(resource_order, resource_order.c.id == order_item.c.order_id)
        .where(order_item.c.site == site)
        .order_by(resource_order.c.created_at, order_item.c.order_id, order_item.c.position),
    )


def giving_items(connection: sa.Connection, sites: Collection[str]) -> list[Item]:
    """Return the items that give the sites something, or are about to; completed ones first."""
    return read_items(
        connection,
        sa.select(order_item)
        .where(order_item.c.site == sa.any_(sa.literal(list(sites))), order_item.c.in_force)
        .where(
            sa.or_(
                order_item.c.state == ItemState.COMPLETED,
                order_item.c.state.not_in(FINAL_ITEM_STATES),
            )
        )
        .order_by(order_item.c.state != ItemState.COMPLETED),
    )


def live_items(connection: sa.Connection, sites: Collection[str]) -> dict[tuple[str, str], Item]:
    """Return by site and key the item that gives, or is about to give, the site what it names."""
    # One under way hides the completed one.
    return {(item.site, item.key): item for item in giving_items(connection, sites)}


def built_since(connection: sa.Connection, order_id: str, sites: Collection[str]) -> list[Item]:
    """Return the giving items at the sites of orders that came after ``order_id``."""
    own = (
        sa.select(resource_order.c.created_at)
        .where(resource_order.c.id == order_id)
        .scalar_subquery()
    )
    later = sa.exists().where(
        resource_order.c.id == order_item.c.order_id, resource_order.c.created_at > own
    )
    return read_items(
        connection,
        sa.select(order_item)
        .where(order_item.c.site.in_(list(sites)), order_item.c.in_force)
        .where(order_item.c.state.not_in(FINAL_ITEM_STATES - {ItemState.COMPLETED}))
        .where(order_item.c.order_id != order_id, later)
        .order_by(order_item.c.order_id, order_item.c.position),
    )


def items_in_force(connection: sa.Connection, site: str) -> list[Item]:
    """Return the completed items that make up the site now."""
    return read_items(
        connection,
        sa.select(order_item).where(
            order_item.c.site == site,
            order_item.c.state == ItemState.COMPLETED,
            order_item.c.action.in_((Action.ADD, Action.MODIFY)),
            order_item.c.in_force,
        ),
    )


class Overtaken(NamedTuple):
    """Who is short of what somebody else has just been given."""

    name: str
    pool: str
    order_id: str


def overtaken_by(
    connection: sa.Connection, group: Sequence[Item], amounts: Collection[str]
) -> Overtaken | None:
    """Return an earlier order that is short in a pool the group has just reserved ``amounts`` of.

    ``None`` when nobody is.
    """
    waiting = order_item.alias()
    earlier, own = resource_order.alias(), resource_order.alias()
    row = connection.execute(
        sa.select(reservation.c.name, pool.c.name.label("pool"), waiting.c.order_id)
        .select_from(reservation.join(pool, pool.c.id == reservation.c.pool_id))
        .join(waiting, pool.c.name == sa.any_(waiting.c.short_of))
        .join(earlier, earlier.c.id == waiting.c.order_id)
        .join(own, own.c.id == group[0].order_id)
        .where(reservation.c.site == group[0].site, reservation.c.name.in_(list(amounts)))
        .where(reservation.c.state == HoldingState.RESERVED)
        .where(waiting.c.state == ItemState.HELD, waiting.c.reason == Reason.RESOURCE_EXHAUSTED)
        .where(
            sa.tuple_(earlier.c.created_at, earlier.c.id) < sa.tuple_(own.c.created_at, own.c.id)
        )
        .order_by(earlier.c.created_at)
        .limit(1)
    ).one_or_none()
    return None if row is None else Overtaken(row.name, row.pool, row.order_id)
