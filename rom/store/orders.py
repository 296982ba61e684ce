"""Orders and items in PostgreSQL. Every change of state goes through ``move_item``.

A transition is a compare-and-set that writes its event and its note in the same transaction.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from rom.orders.model import Action, NewItem, NewOrder
from rom.orders.states import FINAL_ITEM_STATES, ItemState, OrderState
from rom.store.tables import item_note, order_item, resource_order, step_log

FIRST_STEP = "assessing"


class StaleState(Exception):
    """The item was no longer in the state that the caller had read."""


def new_id() -> str:
    """Return an id for an order that is to be written."""
    return f"RO-{uuid4().hex[:12]}"


def insert_order(connection: sa.Connection, order: NewOrder, order_id: str | None = None) -> str:
    """Write a new order as acknowledged and return its id."""
    order_id = order_id or new_id()
    connection.execute(
        sa.insert(resource_order).values(
            id=order_id,
            document=dict(order.document),
            state=OrderState.ACKNOWLEDGED,
            customer=order.customer or "",
            requester=order.requester or "",
        )
    )
    insert_items(connection, order_id, list(enumerate(order.items)))
    return order_id


def insert_items(
    connection: sa.Connection, order_id: str, items: Iterable[tuple[int, NewItem]]
) -> None:
    """Write new items, each at its position in the order, as acknowledged."""
    rows = [
        {
            "order_id": order_id,
            "item_id": item.id,
            "position": position,
            "action": item.action,
            "specification": item.specification,
            "version": item.specification_version,
            "key": item.key,
            "site": item.site,
            "characteristics": dict(item.characteristics),
            "depends_on": list(item.depends_on),
            "state": ItemState.ACKNOWLEDGED,
            "step": FIRST_STEP,
        }
        for position, item in items
    ]
    if rows:
        connection.execute(sa.insert(order_item), rows)


def find_order(connection: sa.Connection, order_id: str) -> sa.Row[Any] | None:
    """Return the order's row, or ``None``; a deleted order is not there any more."""
    return connection.execute(
        sa.select(resource_order).where(
            resource_order.c.id == order_id, resource_order.c.deleted_at.is_(None)
        )
    ).one_or_none()


def lock_order(connection: sa.Connection, order_id: str) -> sa.Row[Any] | None:
    """Return and lock the order, its items before it; ``None`` when there is none."""
    connection.execute(
        sa.select(order_item.c.item_id)
        .where(order_item.c.order_id == order_id)
        .order_by(order_item.c.position)
        .with_for_update()
    )
    return connection.execute(
        sa.select(resource_order)
        .where(resource_order.c.id == order_id, resource_order.c.deleted_at.is_(None))
        .with_for_update()
    ).one_or_none()


def items_of_orders(connection: sa.Connection, order_ids: Iterable[str]) -> list[sa.Row[Any]]:
    """Return the orders' items in their order's sequence."""
    return list(
        connection.execute(
            sa.select(order_item)
            .where(order_item.c.order_id.in_(list(order_ids)))
            .order_by(order_item.c.order_id, order_item.c.position)
        )
    )


def notes_of_orders(connection: sa.Connection, order_ids: Iterable[str]) -> list[sa.Row[Any]]:
    """Return the orders' notes, oldest first."""
    return list(
        connection.execute(
            sa.select(item_note)
            .where(item_note.c.order_id.in_(list(order_ids)))
            .order_by(item_note.c.id)
        )
    )


def open_items_of_site(
    connection: sa.Connection, site: str, *, lock: bool = True
) -> list[sa.Row[Any]]:
    """Return the site's items that are not final, in the order of their arrival; locks them."""
    query = (
        sa.select(order_item)
        .join(resource_order, resource_order.c.id == order_item.c.order_id)
        .where(order_item.c.site == site, order_item.c.state.not_in(FINAL_ITEM_STATES))
        .order_by(resource_order.c.created_at, order_item.c.order_id, order_item.c.position)
    )
    return list(connection.execute(query.with_for_update(of=order_item) if lock else query))


def sites_waiting_for_resources(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Return ``(site, due)`` of the sites held for want of resources, first in, first out.

    ``due`` tells whether a pause between two tries is over.
    """
    return list(
        connection.execute(
            sa.select(
                order_item.c.site,
                sa.func.bool_or(order_item.c.due_at <= sa.func.now()).label("due"),
            )
            .join(resource_order, resource_order.c.id == order_item.c.order_id)
            .where(order_item.c.state == ItemState.HELD, order_item.c.step == FIRST_STEP)
            .where(order_item.c.due_at.is_not(None))
            .group_by(order_item.c.site)
            .order_by(sa.func.min(resource_order.c.created_at), order_item.c.site)
        )
    )


def is_arriving(connection: sa.Connection, site: str) -> bool:
    """Tell whether the site has items that nothing has been reserved for, or tried for, yet."""
    return bool(
        connection.scalar(
            sa.select(
                sa.exists().where(
                    order_item.c.site == site,
                    order_item.c.state.in_((ItemState.ACKNOWLEDGED, ItemState.IN_PROGRESS)),
                    order_item.c.step == FIRST_STEP,
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


def completed_items_of_site(connection: sa.Connection, site: str) -> list[sa.Row[Any]]:
    """Return the site's completed items, oldest first: what its present intent consists of."""
    return list(
        connection.execute(
            sa.select(order_item)
            .join(resource_order, resource_order.c.id == order_item.c.order_id)
            .where(order_item.c.site == site, order_item.c.state == ItemState.COMPLETED)
            .where(order_item.c.in_force)
            .order_by(resource_order.c.created_at, order_item.c.order_id, order_item.c.position)
        )
    )


def live_items(
    connection: sa.Connection, sites: Collection[str]
) -> dict[tuple[str, str], sa.Row[Any]]:
    """Return by site and key the item that gives, or is about to give, the site what it names."""
    rows = connection.execute(
        sa.select(order_item)
        .where(order_item.c.site == sa.any_(sa.literal(list(sites))), order_item.c.in_force)
        .where(
            sa.or_(
                order_item.c.state == ItemState.COMPLETED,
                order_item.c.state.not_in(FINAL_ITEM_STATES),
            )
        )
        .order_by(order_item.c.state != ItemState.COMPLETED)
    )
    return {(row.site, row.key): row for row in rows}  # one under way hides the completed one


def supersede(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Let ``row`` take the place of what the site had of its key; a delete leaves nothing."""
    own = sa.and_(order_item.c.order_id == row.order_id, order_item.c.item_id == row.item_id)
    connection.execute(
        sa.update(order_item)
        .where(order_item.c.site == row.site, order_item.c.key == row.key, ~own)
        .where(order_item.c.state == ItemState.COMPLETED)
        .values(in_force=False)
    )
    if row.action == Action.DELETE:
        retire(connection, row)


def retire(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Note that the item gives its site nothing, now or any more."""
    connection.execute(
        sa.update(order_item)
        .where(order_item.c.order_id == row.order_id, order_item.c.item_id == row.item_id)
        .values(in_force=False)
    )


def reinstate(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Note that the item gives its site again what a later one had taken the place of."""
    connection.execute(
        sa.update(order_item)
        .where(order_item.c.order_id == row.order_id, order_item.c.item_id == row.item_id)
        .values(in_force=True)
    )


def resources_came(connection: sa.Connection) -> None:
    """Let those held for want of resources be tried at once: something was added or given back.

    Whoever is being tried at this moment is passed over: it may wait for a lock of ours.
    """
    waiting = (
        sa.select(order_item.c.order_id, order_item.c.item_id)
        .where(order_item.c.state == ItemState.HELD, order_item.c.step == FIRST_STEP)
        .where(order_item.c.due_at.is_not(None))
        .with_for_update(skip_locked=True)
    )
    connection.execute(
        sa.update(order_item)
        .where(sa.tuple_(order_item.c.order_id, order_item.c.item_id).in_(waiting))
        .values(due_at=sa.func.now())
    )


def step_item(
    connection: sa.Connection,
    row: sa.Row[Any],
    *,
    state: str | None = None,
    step: str | None = None,
    reason: str | None = None,
    note: str = "",
    due_at: datetime | None = None,
    attempts: int | None = None,
    short_of: Collection[str] = (),
) -> None:
    """Compare and set one item; raises ``StaleState`` when somebody else moved it first."""
    values: Mapping[str, Any] = {
        "state": state or row.state,
        "step": step or row.step,
        "reason": reason,
        "due_at": due_at,
        "attempts": row.attempts if attempts is None else attempts,
        "short_of": sorted(short_of),
        "updated_at": sa.func.clock_timestamp(),
    }
    done = connection.execute(
        sa.update(order_item)
        .where(
            order_item.c.order_id == row.order_id,
            order_item.c.item_id == row.item_id,
            order_item.c.state == row.state,
            order_item.c.step == row.step,
        )
        .values(values)
    )
    if done.rowcount != 1:
        message = f"item {row.item_id} of {row.order_id} is no longer {row.state}/{row.step}"
        raise StaleState(message)
    if values["step"] != row.step or values["state"] != row.state or reason != row.reason:
        connection.execute(
            sa.insert(step_log).values(
                order_id=row.order_id,
                item_id=row.item_id,
                step=values["step"],
                state=values["state"],
                note=note,
                time=sa.func.clock_timestamp(),
            )
        )


def lock_item(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Keep others from moving the item until the transaction ends."""
    connection.execute(
        sa.select(order_item.c.item_id)
        .where(order_item.c.order_id == row.order_id, order_item.c.item_id == row.item_id)
        .with_for_update()
    )


def reread(connection: sa.Connection, row: sa.Row[Any]) -> sa.Row[Any]:
    """Return the item as it is now."""
    return connection.execute(
        sa.select(order_item).where(
            order_item.c.order_id == row.order_id, order_item.c.item_id == row.item_id
        )
    ).one()


def add_note(connection: sa.Connection, order_id: str, item_id: str | None, text: str) -> None:
    """Add a note that SOM and NOC will read; the author is the gateway."""
    connection.execute(
        sa.insert(item_note).values(order_id=order_id, item_id=item_id, text=text, author="ROM")
    )
