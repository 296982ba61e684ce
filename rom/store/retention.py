"""What is not kept for ever: a site's old snapshots, and records of what is long over.

Everything is deleted in small numbers, each in a transaction of its own, so that nobody waits.
"""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.model.change import SETTLED
from rom.model.order_states import FINAL_ORDER_STATES
from rom.model.transaction import TRANSACTION_LIFE
from rom.store.order_tables import posted_order
from rom.store.tables import (
    change,
    device_txn,
    effect,
    net_effect,
    order_item,
    resource_order,
    rollback_task,
    site_history,
    snapshot,
    step_log,
    txn_site,
    verdict,
)

_HISTORY = 652_639_637  # any number, the same in every process
_LOOK_AGAIN = timedelta(hours=1)


def forgotten(connection: sa.Connection, site: str) -> tuple[int, frozenset[str]]:
    """Return the first snapshot that is kept, and the orders that had ended by then."""
    row = connection.execute(
        sa.select(site_history).where(site_history.c.site == site)
    ).one_or_none()
    return (0, frozenset()) if row is None else (row.kept_from, frozenset(row.forgotten))


def keep_history(connection: sa.Connection, site: str) -> None:
    """Keep housekeeping away from the site's history until the transaction ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(*_lock(site))))


def may_forget(connection: sa.Connection, site: str) -> bool:
    """Take the site's history alone; false while somebody is deciding by it, or a way is open.

    An order that is not final may still be taken back whole, and a rollback under way reads its
    target again with each step.
    """
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(*_lock(site)))):
        return False
    ordered = (
        sa.exists()
        .where(order_item.c.site == site)
        .where(resource_order.c.id == order_item.c.order_id)
        .where(resource_order.c.state.not_in(FINAL_ORDER_STATES))
    )
    under_way = sa.exists().where(
        rollback_task.c.site == site, rollback_task.c.finished_at.is_(None)
    )
    unsettled = sa.exists().where(change.c.site == site, change.c.state.not_in(SETTLED))
    return not connection.scalar(sa.select(sa.or_(ordered, under_way, unsettled)))


def sites_to_look_at(connection: sa.Connection, older: timedelta, most: int) -> list[str]:
    """Return some sites with snapshots older than that which nobody has looked at for an hour."""
    seen = sa.exists().where(
        site_history.c.site == snapshot.c.site,
        site_history.c.looked_at > sa.func.clock_timestamp() - _LOOK_AGAIN,
    )
    return list(
        connection.scalars(
            sa.select(snapshot.c.site)
            .where(snapshot.c.time < sa.func.clock_timestamp() - older, ~seen)
            .distinct()
            .limit(most)
        )
    )


def looked_at(connection: sa.Connection, site: str) -> None:
    """Note that the site's history was looked at just now."""
    now = sa.func.clock_timestamp()
    statement = insert(site_history).values(site=site, looked_at=now)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[site_history.c.site], set_={"looked_at": now}
        )
    )


def forget_before(connection: sa.Connection, site: str, number: int, orders: frozenset[str]) -> int:
    """Delete the site's snapshots before a boundary, and note which orders had ended by then.

    Each device's latest one up to there stays: with those the site is whole at the boundary.
    Returns how many were deleted.
    """
    connection.execute(
        sa.update(site_history)
        .where(site_history.c.site == site)
        .values(kept_from=number, forgotten=sorted(orders))
    )
    needed = (
        sa.select(sa.func.max(snapshot.c.id))
        .where(snapshot.c.site == site, snapshot.c.id <= number)
        .group_by(snapshot.c.device)
    )
    return connection.execute(
        sa.delete(snapshot).where(
            snapshot.c.site == site, snapshot.c.id < number, snapshot.c.id.not_in(needed)
        )
    ).rowcount


def delete_transactions(connection: sa.Connection, older: timedelta, most: int) -> int:
    """Delete some device transactions that ended longer ago, with their effects and evidence.

    One stays as long as a site's snapshot or something that a site still has on a device comes
    from it, while an order of its sites is not final, and the latest of each device.
    """
    later = device_txn.alias()
    carried = (
        sa.exists()
        .where(effect.c.txn == device_txn.c.id)
        .where(net_effect.c.sequence == effect.c.sequence)
    )
    ordered = (
        sa.exists()
        .where(txn_site.c.txn == device_txn.c.id)
        .where(order_item.c.site == txn_site.c.site)
        .where(resource_order.c.id == order_item.c.order_id)
        .where(resource_order.c.state.not_in(FINAL_ORDER_STATES))
    )
    over = (
        sa.select(device_txn.c.id)
        .where(device_txn.c.finished_at < sa.func.clock_timestamp() - older)
        .where(device_txn.c.state.in_(TRANSACTION_LIFE.final))
        .where(~sa.exists().where(snapshot.c.txn == device_txn.c.id))
        .where(
            sa.exists().where(
                later.c.device == device_txn.c.device,
                later.c.started_at > device_txn.c.started_at,
            )
        )
        .where(~carried, ~ordered)
        .limit(most)
    )
    return connection.execute(sa.delete(device_txn).where(device_txn.c.id.in_(over))).rowcount


def delete_changes(connection: sa.Connection, older: timedelta, most: int) -> int:
    """Delete some settled changes that ended longer ago and whose order is final.

    The latest of a site on a device stays: it says what was left there by decision.
    """
    later = change.alias()
    under_way = (
        sa.exists()
        .where(resource_order.c.id == change.c.order_id)
        .where(resource_order.c.state.not_in(FINAL_ORDER_STATES))
    )
    over = (
        sa.select(change.c.id)
        .where(change.c.finished_at < sa.func.clock_timestamp() - older)
        .where(change.c.state.in_(SETTLED), ~under_way)
        .where(
            sa.exists().where(
                later.c.device == change.c.device,
                later.c.site == change.c.site,
                later.c.id > change.c.id,
                later.c.state == change.c.state,
            )
        )
        .where(
            ~sa.exists().where(
                rollback_task.c.id == change.c.task_id, rollback_task.c.finished_at.is_(None)
            )
        )
        .limit(most)
    )
    return connection.execute(sa.delete(change).where(change.c.id.in_(over))).rowcount


def delete_steps(connection: sa.Connection, older: timedelta, most: int) -> int:
    """Delete some lines of final orders' timelines that are older; each item's last one stays."""
    later = step_log.alias()
    final = sa.exists().where(
        resource_order.c.id == step_log.c.order_id, resource_order.c.state.in_(FINAL_ORDER_STATES)
    )
    over = (
        sa.select(step_log.c.id)
        .where(step_log.c.time < sa.func.clock_timestamp() - older, final)
        .where(
            sa.exists().where(
                later.c.order_id == step_log.c.order_id,
                later.c.item_id == step_log.c.item_id,
                later.c.id > step_log.c.id,
            )
        )
        .limit(most)
    )
    return connection.execute(sa.delete(step_log).where(step_log.c.id.in_(over))).rowcount


def delete_verdicts(connection: sa.Connection, older: timedelta, most: int) -> int:
    """Delete some verdicts that are older, as long as a later one tells of the same thing."""
    later = verdict.alias()
    over = (
        sa.select(verdict.c.id)
        .where(verdict.c.time < sa.func.clock_timestamp() - older)
        .where(
            sa.exists().where(
                later.c.site == verdict.c.site,
                later.c.order_id == verdict.c.order_id,
                later.c.item_id == verdict.c.item_id,
                later.c.kind == verdict.c.kind,
                later.c.id > verdict.c.id,
            )
        )
        .limit(most)
    )
    return connection.execute(sa.delete(verdict).where(verdict.c.id.in_(over))).rowcount


def delete_posts(connection: sa.Connection, older: timedelta, most: int) -> int:
    """Delete some notes of what was posted longer ago; the same again is a new order then."""
    keys = list(posted_order.primary_key)
    over = (
        sa.select(*keys)
        .where(posted_order.c.created_at < sa.func.clock_timestamp() - older)
        .limit(most)
    )
    return connection.execute(sa.delete(posted_order).where(sa.tuple_(*keys).in_(over))).rowcount


def _lock(site: str) -> tuple[int, sa.ColumnElement[int]]:
    return _HISTORY, sa.func.hashtext(site)
