"""Specifications in PostgreSQL, and which orders use them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.model.order_states import FINAL_ITEM_STATES, ItemState
from rom.store.catalog_tables import catalog_change, kept_specification
from rom.store.tables import order_item


def change_number(connection: sa.Connection, *, lock: bool = False) -> int:
    """Return how many changes there have been; with ``lock`` nobody else changes until the end."""
    query = sa.select(catalog_change.c.number)
    number: int = connection.scalars(query.with_for_update() if lock else query).one()
    return number


def count_change(connection: sa.Connection) -> None:
    """Let every process know that it has to read again."""
    connection.execute(sa.update(catalog_change).values(number=catalog_change.c.number + 1))


def kept(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Return every kept version, withdrawn ones too."""
    return list(
        connection.execute(
            sa.select(kept_specification).order_by(
                kept_specification.c.id, kept_specification.c.version
            )
        )
    )


def keep(
    connection: sa.Connection,
    specification: Mapping[str, Any],
    published: Mapping[str, Any],
    *,
    withdrawn: bool = False,
) -> sa.Row[Any]:
    """Write one version, in the place of what it was, and return its row."""
    values = {
        "specification": dict(specification),
        "published": dict(published),
        "withdrawn": withdrawn,
        "updated_at": sa.func.clock_timestamp(),
    }
    return connection.execute(
        insert(kept_specification)
        .values(id=specification["id"], version=specification["version"], **values)
        .on_conflict_do_update(
            index_elements=[kept_specification.c.id, kept_specification.c.version], set_=values
        )
        .returning(kept_specification)
    ).one()


def was_ordered(connection: sa.Connection, identifier: str, version: str) -> bool:
    """Tell whether any order has ever named this version."""
    return bool(
        connection.scalar(
            sa.select(
                sa.exists().where(
                    order_item.c.specification == identifier, order_item.c.version == version
                )
            )
        )
    )


def users(connection: sa.Connection, identifier: str) -> list[str]:
    """Return sites that have it in force or on order, a few of them."""
    alive = sa.or_(
        order_item.c.state.not_in(FINAL_ITEM_STATES),
        sa.and_(order_item.c.state == ItemState.COMPLETED, order_item.c.in_force),
    )
    query = sa.select(order_item.c.site).where(order_item.c.specification == identifier, alive)
    return list(connection.scalars(query.distinct().order_by(order_item.c.site).limit(5)))
