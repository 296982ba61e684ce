"""Lists of resources: conditions over TMF639's attributes, answered by PostgreSQL alone."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from inventory.condition_sql import Elements, Kept, Shape, order_by, where
from inventory.conditions import Listing, Path
from inventory.listing import listed_things, records
from inventory.tables import reservation
from rom.model.access import EVERYTHING, Scope
from rom.model.resource import PHYSICAL_KINDS, words
from rom.store.scope import resource_within, site_within, visible_sites

UNSEARCHABLE: tuple[Path, ...] = (
    ("href",),
    ("place", "role"),
    ("place", "@referredType"),
    *(("resourceRelationship", name) for name in ("id", "href", "relationshipType")),
    ("resourceOrderItem", "resourceOrderHref"),
)
"""Attributes that are made when a resource is shown, so that no index can know them."""


def find_resources(
    connection: sa.Connection, asked: Listing, within: Scope = EVERYTHING
) -> tuple[list[dict[str, Any]], int]:
    """Return a page of resources as neutral rows and how many match in all.

    In the order of kind, pool and place in the pool unless asked otherwise. Run it inside
    ``inventory.condition_sql.bounded``.
    """
    listed = listed_things()
    shape = _shape(listed, within)
    wanted = [where(asked.condition, shape), resource_within(within, listed.c.resource_id)]
    total = connection.scalar(sa.select(sa.func.count()).select_from(listed).where(*wanted))
    own = (listed.c.kind, listed.c.pool, listed.c.ordinal, listed.c.value, listed.c.resource_id)
    rows = (
        connection.execute(
            sa.select(listed)
            .where(*wanted)
            .order_by(*order_by(asked.sort, shape), *own)
            .offset(asked.offset)
            .limit(asked.limit)
        )
        .mappings()
        .all()
    )
    found = [row.model_dump(mode="json") for row in records(connection, rows)]
    if within.limited:  # of a thing that several share, others' holds are nobody else's business
        seen = set(connection.scalars(visible_sites(within)))
        for row in found:
            row["holders"] = [holder for holder in row["holders"] if holder["site"] in seen]
    return found, total or 0


def _shape(listed: sa.Subquery, within: Scope) -> Shape:
    thing = sa.func.coalesce(reservation.c.resource_id, reservation.c.id)
    held = (thing == listed.c.resource_id) & site_within(within, reservation.c.site)
    named = sa.func.jsonb_build_object(
        "pool", listed.c.pool, "state", listed.c.state, type_=JSONB
    ).op("||", return_type=JSONB())(
        listed.c.pool_attributes.op("||", return_type=JSONB())(listed.c.attributes)
    )
    each = sa.func.jsonb_each(named).table_valued(
        sa.column("key", sa.Text), sa.column("value", JSONB)
    )
    value = sa.func.jsonb_build_object("value", each.c.value, type_=JSONB)
    said = listed.c.annotation
    physical = listed.c.kind.in_(sorted(PHYSICAL_KINDS))
    kind = sa.case((physical, "PhysicalResource"), else_="LogicalResource")
    return Shape(
        columns={
            ("id",): sa.cast(listed.c.resource_id, sa.Text),
            ("name",): listed.c.value,
            ("category",): listed.c.kind,
            ("@type",): sa.func.coalesce(said.op("->>")("@type"), kind, type_=sa.Text),
            ("administrativeState",): sa.func.coalesce(
                said.op("->>")("administrativeState"),
                _word(listed, words("administrativeState")),
                type_=sa.Text,
            ),
            **{
                (name,): _word(listed, words(name))
                for name in ("resourceStatus", "usageState", "operationalState")
            },
        },
        elements={
            ("place",): Elements(reservation, held, Shape({("id",): reservation.c.site})),
            ("resourceOrderItem",): Elements(
                reservation,
                held & reservation.c.item_id.is_not(None),
                Shape(
                    {
                        ("itemId",): reservation.c.item_id,
                        ("resourceOrderId",): reservation.c.order_id,
                    }
                ),
            ),
            ("resourceCharacteristic",): Elements(
                each, sa.true(), Shape({("name",): each.c.key}, document=value), Kept.APART
            ),
        },
        document=said,
    )


def _word(listed: sa.Subquery, by_state: Mapping[str, str]) -> sa.ColumnElement[Any]:
    return sa.case(
        *((listed.c.state == state, sa.literal(word)) for state, word in by_state.items())
    )
