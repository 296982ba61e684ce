"""Order items in PostgreSQL: written, stepped and read again one by one or by order."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from rom.model.errors import StaleState
from rom.model.order import Action, Item, NewItem, StepEntry
from rom.model.order_states import ItemState, Step
from rom.store.item_rows import SHORT, is_item, read_items
from rom.store.tables import order_item, step_log


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
            "step": Step.ASSESSING,
        }
        for position, item in items
    ]
    if rows:
        connection.execute(sa.insert(order_item), rows)


def remove_items(connection: sa.Connection, order_id: str, item_ids: Collection[str]) -> None:
    """Take items out of an order that is amended."""
    connection.execute(
        sa.delete(order_item).where(
            order_item.c.order_id == order_id, order_item.c.item_id.in_(list(item_ids))
        )
    )


def amend_item(
    connection: sa.Connection, order_id: str, item_id: str, position: int, new: NewItem | None
) -> None:
    """Write an item's place in its amended order, and what it asks for where that is ``new``."""
    values: dict[str, Any] = {"position": position}
    if new is not None:
        values["characteristics"] = dict(new.characteristics)
        values["depends_on"] = list(new.depends_on)
    connection.execute(sa.update(order_item).where(is_item(order_id, item_id)).values(values))


def items_of_orders(connection: sa.Connection, order_ids: Iterable[str]) -> list[Item]:
    """Return the orders' items in their order's sequence."""
    return read_items(
        connection,
        sa.select(order_item)
        .where(order_item.c.order_id.in_(list(order_ids)))
        .order_by(order_item.c.order_id, order_item.c.position),
    )


def states_of_order(connection: sa.Connection, order_id: str) -> list[ItemState]:
    """Return the states of an order's items."""
    found = connection.scalars(
        sa.select(order_item.c.state).where(order_item.c.order_id == order_id)
    )
    return [ItemState(state) for state in found]


def locked(connection: sa.Connection, order_id: str, item_id: str) -> Item | None:
    """Return and lock one item, ``None`` when there is none."""
    query = sa.select(order_item).where(is_item(order_id, item_id)).with_for_update()
    return next(iter(read_items(connection, query)), None)


def supersede(connection: sa.Connection, item: Item) -> None:
    """Let ``item`` take the place of what the site had of its key; a delete leaves nothing."""
    connection.execute(
        sa.update(order_item)
        .where(order_item.c.site == item.site, order_item.c.key == item.key)
        .where(~is_item(item.order_id, item.item_id), order_item.c.state == ItemState.COMPLETED)
        .values(in_force=False)
    )
    if item.action is Action.DELETE:
        retire(connection, item)


def retire(connection: sa.Connection, item: Item) -> None:
    """Note that the item gives its site nothing, now or any more."""
    _set_in_force(connection, item, value=False)


def reinstate(connection: sa.Connection, item: Item) -> None:
    """Note that the item gives its site again what a later one had taken the place of."""
    _set_in_force(connection, item, value=True)


def retire_order_at(connection: sa.Connection, order_id: str, site: str) -> list[str]:
    """Note that an order's items give the site nothing any more; returns those that had."""
    return list(
        connection.scalars(
            sa.update(order_item)
            .where(
                order_item.c.order_id == order_id,
                order_item.c.site == site,
                order_item.c.in_force,
            )
            .values(in_force=False)
            .returning(order_item.c.item_id)
        )
    )


def _set_in_force(connection: sa.Connection, item: Item, *, value: bool) -> None:
    connection.execute(
        sa.update(order_item).where(is_item(item.order_id, item.item_id)).values(in_force=value)
    )


def resources_came(connection: sa.Connection) -> None:
    """Let those held for want of resources be tried at once: something was added or given back.

    Whoever is being tried at this moment is passed over: it may wait for a lock of ours.
    """
    waiting = (
        sa.select(order_item.c.order_id, order_item.c.item_id)
        .where(*SHORT)
        .with_for_update(skip_locked=True)
    )
    connection.execute(
        sa.update(order_item)
        .where(sa.tuple_(order_item.c.order_id, order_item.c.item_id).in_(waiting))
        .values(due_at=sa.func.now())
    )


def step_item(
    connection: sa.Connection,
    item: Item,
    *,
    state: ItemState | None = None,
    step: Step | None = None,
    reason: str | None = None,
    note: str = "",
    due_at: datetime | timedelta | None = None,
    attempts: int | None = None,
    short_of: Collection[str] = (),
) -> None:
    """Compare and set one item; raises ``StaleState`` when somebody else moved it first.

    ``due_at`` is a moment, or a pause from now on by the database's clock.
    """
    due: Any = sa.func.now() + due_at if isinstance(due_at, timedelta) else due_at
    state, step = state or item.state, step or item.step
    values: Mapping[str, Any] = {
        "state": state,
        "step": step,
        "reason": reason,
        "due_at": due,
        "attempts": item.attempts if attempts is None else attempts,
        "short_of": sorted(short_of),
        "updated_at": sa.func.clock_timestamp(),
    }
    done = connection.execute(
        sa.update(order_item)
        .where(is_item(item.order_id, item.item_id))
        .where(order_item.c.state == item.state, order_item.c.step == item.step)
        .values(values)
    )
    if done.rowcount != 1:
        message = f"item {item.item_id} of {item.order_id} is no longer {item.state}/{item.step}"
        raise StaleState(message)
    if (step, state, reason) != (item.step, item.state, item.reason):
        connection.execute(
            sa.insert(step_log).values(
                order_id=item.order_id,
                item_id=item.item_id,
                step=step,
                state=state,
                note=note,
                time=sa.func.clock_timestamp(),
            )
        )


def steps_of_order(connection: sa.Connection, order_id: str) -> list[StepEntry]:
    """Return the steps that an order's items have taken, oldest first."""
    rows = connection.execute(
        sa.select(step_log).where(step_log.c.order_id == order_id).order_by(step_log.c.id)
    )
    return [
        StepEntry(row.item_id, Step(row.step), ItemState(row.state), row.note, row.time)
        for row in rows
    ]


def lock_item(connection: sa.Connection, item: Item) -> None:
    """Keep others from moving the item until the transaction ends."""
    connection.execute(
        sa.select(order_item.c.item_id)
        .where(is_item(item.order_id, item.item_id))
        .with_for_update()
    )


def reread(connection: sa.Connection, item: Item) -> Item:
    """Return the item as it is now."""
    (found,) = read_items(
        connection, sa.select(order_item).where(is_item(item.order_id, item.item_id))
    )
    return found
