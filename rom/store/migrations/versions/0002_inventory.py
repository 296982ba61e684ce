"""Inventory."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("vpn", sa.Text(), nullable=False),
        sa.Column("autonomous_system", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("number", name=op.f("uq_customer_number")),
    )
    op.create_table(
        "device",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "partners",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("username", sa.Text(), server_default="", nullable=False),
        sa.Column("secret_name", sa.Text(), nullable=True),
        sa.Column("host_key", sa.Text(), nullable=True),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint("port BETWEEN 1 AND 65535", name=op.f("ck_device_port")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_device")),
    )
    op.create_index(op.f("ix_device_role"), "device", ["role"], unique=False)
    op.create_table(
        "network_parameters",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "parameters",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_network_parameters_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_parameters")),
    )
    op.create_table(
        "pool",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("pattern", sa.Text(), nullable=True),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.Column("used_elsewhere", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=True),
        sa.Column(
            "quarantine_seconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.CheckConstraint(
            "(mode = 'pattern') = (pattern IS NOT NULL)", name=op.f("ck_pool_pattern")
        ),
        sa.CheckConstraint(
            "(mode = 'quantity') = (capacity IS NOT NULL)", name=op.f("ck_pool_capacity")
        ),
        sa.CheckConstraint("mode IN ('items', 'quantity', 'pattern')", name=op.f("ck_pool_mode")),
        sa.CheckConstraint("quarantine_seconds >= 0", name=op.f("ck_pool_quarantine_seconds")),
        sa.CheckConstraint(
            "used_elsewhere BETWEEN 0 AND coalesce(capacity, 0)",
            name=op.f("ck_pool_used_elsewhere"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool")),
        sa.UniqueConstraint("name", name=op.f("uq_pool_name")),
    )
    op.create_index(op.f("ix_pool_kind"), "pool", ["kind"], unique=False)
    op.create_table(
        "resource",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("prefix", postgresql.CIDR(), nullable=True),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "access",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("earmark", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="available", nullable=False),
        sa.Column("used_by", sa.Text(), nullable=True),
        sa.Column("quarantine_until", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("prefix"), "&&"),
            (
                sa.text("int8range(hashtextextended(scope, 0), hashtextextended(scope, 0), '[]')"),
                "&&",
            ),
            where=sa.text("prefix IS NOT NULL"),
            using="gist",
            ops={"prefix": "inet_ops"},
            name="ex_resource_scope_prefix",
        ),
        sa.CheckConstraint(
            "state IN ('available', 'allocated', 'used-elsewhere', 'quarantined', 'retired')",
            name=op.f("ck_resource_state"),
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_resource_pool_id_pool")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("pool_id", "value", name=op.f("uq_resource_pool_id_value")),
        sa.UniqueConstraint("scope", "value", name=op.f("uq_resource_scope_value")),
    )
    op.create_index(
        "ix_resource_free",
        "resource",
        ["pool_id", "ordinal"],
        unique=False,
        postgresql_where=sa.text("state = 'available'"),
    )
    op.create_index(
        "ix_resource_quarantine_until",
        "resource",
        ["quarantine_until"],
        unique=False,
        postgresql_where=sa.text("state = 'quarantined'"),
    )
    op.create_index(
        "uq_resource_serial",
        "resource",
        [sa.literal_column("(attributes ->> 'serial')")],
        unique=True,
        postgresql_where=sa.text("attributes ? 'serial'"),
    )
    op.create_table(
        "site",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column(
            "place",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["customer"], ["customer.id"], name=op.f("fk_site_customer_customer")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_site")),
    )
    op.create_index(op.f("ix_site_customer"), "site", ["customer"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="reserved", nullable=False),
        sa.CheckConstraint(
            "state IN ('reserved', 'standby', 'in-use')", name=op.f("ck_reservation_state")
        ),
        sa.CheckConstraint(
            "(resource_id IS NULL) = (amount IS NOT NULL)",
            name=op.f("ck_reservation_thing_or_amount"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_reservation_amount")),
        sa.ForeignKeyConstraint(["pool_id"], ["pool.id"], name=op.f("fk_reservation_pool_id_pool")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_reservation_resource_id_resource")
        ),
        sa.ForeignKeyConstraint(["site"], ["site.key"], name=op.f("fk_reservation_site_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("site", "name", name=op.f("uq_reservation_site_name")),
    )
    op.create_index(op.f("ix_reservation_order_id"), "reservation", ["order_id"], unique=False)
    op.create_index(op.f("ix_reservation_pool_id"), "reservation", ["pool_id"], unique=False)
    op.create_index(
        op.f("ix_reservation_resource_id"), "reservation", ["resource_id"], unique=False
    )
    op.create_index(
        "uq_reservation_resource_id",
        "reservation",
        ["resource_id"],
        unique=True,
        postgresql_where="exclusive",
    )


def downgrade() -> None:
    raise RuntimeError("there is no way back from the first schema")
