"""Cancellation, amendment and idempotency of orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NONE = sa.text("'{}'::jsonb")


def upgrade() -> None:
    for name in ("started_at", "cancelled_at", "deleted_at"):
        op.add_column("resource_order", sa.Column(name, _MOMENT))
    op.add_column("resource_order", sa.Column("cancellation_reason", sa.Text()))
    op.add_column(
        "order_item",
        sa.Column("short_of", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.create_table(
        "cancel_task",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("item_ids", postgresql.ARRAY(sa.Text())),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("earlier", postgresql.JSONB(), server_default=_NONE, nullable=False),
        sa.Column("sites", postgresql.JSONB(), server_default=_NONE, nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("requester", sa.Text(), server_default="", nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("effective_at", _MOMENT),
        sa.Column("finished_at", _MOMENT),
        sa.CheckConstraint(
            "state in ('acknowledged', 'inProgress', 'done', 'terminatedWithError')",
            name=op.f("ck_cancel_task_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cancel_task")),
    )
    op.create_index("ix_cancel_task_created_at", "cancel_task", ["created_at"])
    op.create_index(
        "uq_cancel_task_open_order_id",
        "cancel_task",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state in ('acknowledged', 'inProgress')"),
    )
    op.create_table(
        "posted_order",
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("requester", "kind", "key", name=op.f("pk_posted_order")),
    )
    op.create_index("ix_posted_order_order_id", "posted_order", ["order_id"])


def downgrade() -> None:
    raise RuntimeError("there is no way back from the first schema")
