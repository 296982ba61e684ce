"""Specifications kept in the database, what clients say of resources, indexes of lists."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource_annotation",
        sa.Column("thing", sa.Uuid(), nullable=False),
        sa.Column(
            "document",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("thing", name=op.f("pk_resource_annotation")),
    )
    op.create_table(
        "kept_specification",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("specification", postgresql.JSONB(), nullable=False),
        sa.Column("published", postgresql.JSONB(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_kept_specification")),
    )
    op.create_table(
        "catalog_change",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalog_change_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_change")),
    )
    op.execute("INSERT INTO catalog_change (number) VALUES (0)")
    op.create_index(
        "ix_resource_order_created", "resource_order", [sa.text("created_at DESC"), "id"]
    )
    op.create_index(
        "ix_resource_order_state_created",
        "resource_order",
        ["state", sa.text("created_at DESC"), "id"],
    )
    op.create_index(
        "ix_resource_order_header",
        "resource_order",
        [sa.text("(document - 'orderItem'::text) jsonb_path_ops")],
        postgresql_using="gin",
    )
    op.create_index("ix_order_item_state", "order_item", ["state", "order_id"])


def downgrade() -> None:
    raise RuntimeError("there is no way back from the first schema")
