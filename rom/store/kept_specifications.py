"""Specifications in PostgreSQL, and which orders use them."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from inventory.condition_sql import Shape, bounded, order_by, where
from inventory.conditions import Listing
from rom.model.kept_specification import KeptSpecification
from rom.model.order_states import FINAL_ITEM_STATES, ItemState
from rom.store.catalog_tables import catalog_change, kept_specification
from rom.store.database import Connection
from rom.store.tables import order_item


def change_number(connection: Connection, *, lock: bool = False) -> int:
    """Return how many changes there have been; with ``lock`` nobody else changes until the end."""
    query = sa.select(catalog_change.c.number)
    number: int = connection.scalars(query.with_for_update() if lock else query).one()
    return number


def count_change(connection: Connection) -> None:
    """Let every process know that it has to read again."""
    connection.execute(sa.update(catalog_change).values(number=catalog_change.c.number + 1))


def kept(connection: Connection) -> list[KeptSpecification]:
    """Return every kept version, withdrawn ones too."""
    key = (kept_specification.c.id, kept_specification.c.version)
    rows = connection.execute(sa.select(kept_specification).order_by(*key))
    return [KeptSpecification(**row) for row in rows.mappings()]


def keep(
    connection: Connection,
    specification: Mapping[str, Any],
    published: Mapping[str, Any],
    *,
    withdrawn: bool = False,
) -> KeptSpecification:
    """Write one version, in the place of what it was, and return it as it is kept."""
    values = {
        "specification": dict(specification),
        "published": dict(published),
        "withdrawn": withdrawn,
        "updated_at": sa.func.clock_timestamp(),
    }
    row = connection.execute(
        insert(kept_specification)
        .values(id=specification["id"], version=specification["version"], **values)
        .on_conflict_do_update(
            index_elements=[kept_specification.c.id, kept_specification.c.version], set_=values
        )
        .returning(kept_specification)
    )
    return KeptSpecification(**row.mappings().one())


def page(
    connection: Connection, documents: Sequence[Mapping[str, Any]], asked: Listing
) -> tuple[list[dict[str, Any]], int]:
    """Return those of ``documents`` that are asked for, a page of them, and how many match in all.

    PostgreSQL chooses them, so that they are filtered and sorted like everything else. Raises
    ``ListingRefused``.
    """
    with bounded(connection):
        rows = sa.func.jsonb_array_elements(sa.cast(documents, JSONB), type_=JSONB).alias()
        shape = Shape(document=rows.column)
        wanted = where(asked.condition, shape)
        total = connection.scalar(sa.select(sa.func.count()).select_from(rows).where(wanted))
        names = [rows.column.op("->>")(name) for name in ("id", "version")]
        found = connection.scalars(
            sa.select(rows.column)
            .where(wanted)
            .order_by(*order_by(asked.sort, shape), *names)
            .offset(asked.offset)
            .limit(asked.limit)
        ).all()
    return list(found), total or 0


def was_ordered(connection: Connection, identifier: str, version: str) -> bool:
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


def users(connection: Connection, identifier: str) -> list[str]:
    """Return sites that have it in force or on order, a few of them."""
    alive = sa.or_(
        order_item.c.state.not_in(FINAL_ITEM_STATES),
        sa.and_(order_item.c.state == ItemState.COMPLETED, order_item.c.in_force),
    )
    query = sa.select(order_item.c.site).where(order_item.c.specification == identifier, alive)
    return list(connection.scalars(query.distinct().order_by(order_item.c.site).limit(5)))
