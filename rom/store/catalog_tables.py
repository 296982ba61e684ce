"""Indexes that only lists need, and the specifications kept beside the shipped ones."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from rom.store.tables import Moment, metadata, order_item, resource_order

sa.Index("ix_resource_order_created", resource_order.c.created_at.desc(), resource_order.c.id)
sa.Index(
    "ix_resource_order_state_created",
    resource_order.c.state,
    resource_order.c.created_at.desc(),
    resource_order.c.id,
)
sa.Index(
    "ix_resource_order_header",
    sa.text("(document - 'orderItem'::text) jsonb_path_ops"),
    _table=resource_order,
    postgresql_using="gin",
)
sa.Index("ix_order_item_state", order_item.c.state, order_item.c.order_id)

kept_specification = sa.Table(
    "kept_specification",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("specification", JSONB, nullable=False),
    sa.Column("published", JSONB, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("updated_at", Moment, nullable=False, server_default=sa.func.now()),
)
"""Versions made over TMF634. A row of a shipped version replaces what was shipped.

``published`` is what else the client has said of it. A ``withdrawn`` one is no longer shown or
ordered, but orders of before still find it.
"""

catalog_change = sa.Table(
    "catalog_change",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, server_default=sa.text("1")),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="single_row"),
)
"""Counts the changes of ``kept_specification``, so that every process knows what it has read."""
