"""Tables of an order's northbound life: cancellations, and what tells a repeated POST."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from rom.store.tables import Moment, metadata

cancel_task = sa.Table(
    "cancel_task",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # No foreign key: the task tells what became of an order also when that is gone.
    sa.Column("order_id", sa.Text, nullable=False),
    # The items to cancel; the whole order without them.
    sa.Column("item_ids", ARRAY(sa.Text)),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # Where order and items were, to go back there when the request is denied.
    sa.Column("earlier", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    # By site: what is left to do there, and what was given back.
    sa.Column("sites", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("requester", sa.Text, nullable=False, server_default=""),
    sa.Column("due_at", Moment),
    sa.Column("created_at", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("effective_at", Moment),
    sa.Column("finished_at", Moment),
    sa.CheckConstraint(
        "state in ('acknowledged', 'inProgress', 'done', 'terminatedWithError')", name="state"
    ),
    sa.Index("ix_cancel_task_created_at", "created_at"),
    # One at a time for an order; the database decides when two ask at once.
    sa.Index(
        "uq_cancel_task_open_order_id",
        "order_id",
        unique=True,
        postgresql_where=sa.text("state in ('acknowledged', 'inProgress')"),
    ),
)

posted_order = sa.Table(
    "posted_order",
    metadata,
    sa.Column("requester", sa.Text, primary_key=True),
    # 'key' for an Idempotency-Key, 'body' for the hash of a body with its references.
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False, server_default=sa.func.now()),
    sa.Index("ix_posted_order_order_id", "order_id"),
)
