"""Inventory's tables. Uniqueness is the database's: no code path can book anything twice."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from inventory.states import HoldingState, ResourceState

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

RESOURCE_STATES = tuple(ResourceState)
"""Of the thing itself. A shared one stays ``available`` however many sites hold it."""

HOLDING_STATES = tuple(HoldingState)
"""Of a site's hold on a thing or on an amount."""


def _one_of(column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, map(str, words)))})", name=column)


def _identity() -> sa.Column[uuid.UUID]:
    return sa.Column(
        "id",
        sa.Uuid,
        primary_key=True,
        default=uuid.uuid4,
        server_default=sa.text("gen_random_uuid()"),
    )


def _object(name: str) -> sa.Column[Any]:
    return sa.Column(name, pg.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb"))


customer = sa.Table(
    "customer",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("vpn", sa.Text, nullable=False),
    sa.Column("autonomous_system", sa.BigInteger, nullable=False),
)

site = sa.Table(
    "site",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("customer", sa.Text, sa.ForeignKey("customer.id"), nullable=False, index=True),
    _object("place"),
    _object("attributes"),
)

device = sa.Table(
    "device",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False, index=True),
    sa.Column("profile", sa.Text, nullable=False),
    _object("attributes"),
    _object("partners"),
    sa.Column("host", sa.Text),
    sa.Column("port", sa.Integer),
    sa.Column("username", sa.Text, nullable=False, server_default=""),
    sa.Column("secret_name", sa.Text),
    sa.Column("host_key", sa.Text),
    _object("options"),
    sa.CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
)

network_parameters = sa.Table(
    "network_parameters",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, server_default=sa.text("1")),
    _object("parameters"),
    sa.CheckConstraint("id = 1", name="single_row"),
)

pool = sa.Table(
    "pool",
    metadata,
    _identity(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False, index=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.false()),
    _object("attributes"),
    sa.Column("pattern", sa.Text),
    sa.Column("capacity", sa.BigInteger),
    sa.Column("used_elsewhere", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("watermark", sa.BigInteger),
    sa.Column("quarantine_seconds", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    _one_of("mode", ("items", "quantity", "pattern")),
    sa.CheckConstraint("(mode = 'quantity') = (capacity IS NOT NULL)", name="capacity"),
    sa.CheckConstraint("(mode = 'pattern') = (pattern IS NOT NULL)", name="pattern"),
    sa.CheckConstraint("used_elsewhere BETWEEN 0 AND coalesce(capacity, 0)", name="used_elsewhere"),
    sa.CheckConstraint("quarantine_seconds >= 0", name="quarantine_seconds"),
)

resource = sa.Table(
    "resource",
    metadata,
    _identity(),
    sa.Column("pool_id", sa.Uuid, sa.ForeignKey("pool.id"), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("prefix", pg.CIDR),
    _object("attributes"),
    _object("access"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("earmark", sa.Text),
    sa.Column("state", sa.Text, nullable=False, server_default=ResourceState.AVAILABLE),
    sa.Column("used_by", sa.Text),
    sa.Column("quarantine_until", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("pool_id", "value"),
    sa.UniqueConstraint("scope", "value"),
    _one_of("state", RESOURCE_STATES),
    # btree_gist is not everywhere, so the scope's equality is a range that only meets itself.
    pg.ExcludeConstraint(
        (sa.column("prefix"), "&&"),
        (sa.text("int8range(hashtextextended(scope, 0), hashtextextended(scope, 0), '[]')"), "&&"),
        name="ex_resource_scope_prefix",
        using="gist",
        where=sa.text("prefix IS NOT NULL"),
        ops={"prefix": "inet_ops"},
    ),
)
sa.Index(
    "ix_resource_free",
    resource.c.pool_id,
    resource.c.ordinal,
    postgresql_where=resource.c.state == sa.literal_column("'available'"),
)
sa.Index(
    "ix_resource_quarantine_until",
    resource.c.quarantine_until,
    postgresql_where=resource.c.state == sa.literal_column("'quarantined'"),
)
sa.Index(
    "uq_resource_serial",
    sa.text("(attributes ->> 'serial')"),
    unique=True,
    _table=resource,
    postgresql_where=sa.text("attributes ? 'serial'"),
)

annotation = sa.Table(
    "resource_annotation",
    metadata,
    # Of the resource or, for a share of a quantity, of its reservation, which may end any time.
    sa.Column("thing", sa.Uuid, primary_key=True),
    _object("document"),
    sa.Column(
        "updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)
"""What clients have said of resources: it never decides what is allocated."""

reservation = sa.Table(
    "reservation",
    metadata,
    _identity(),
    sa.Column("site", sa.Text, sa.ForeignKey("site.key"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("pool_id", sa.Uuid, sa.ForeignKey("pool.id"), nullable=False, index=True),
    sa.Column("resource_id", sa.Uuid, sa.ForeignKey("resource.id"), index=True),
    sa.Column("exclusive", sa.Boolean, nullable=False),
    sa.Column("amount", sa.BigInteger),
    sa.Column("order_id", sa.Text, nullable=False, index=True),
    sa.Column("item_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False, server_default=HoldingState.RESERVED),
    sa.UniqueConstraint("site", "name"),
    _one_of("state", HOLDING_STATES),
    sa.CheckConstraint("amount > 0", name="amount"),
    sa.CheckConstraint("(resource_id IS NULL) = (amount IS NOT NULL)", name="thing_or_amount"),
)
sa.Index(
    "uq_reservation_resource_id",
    reservation.c.resource_id,
    unique=True,
    postgresql_where=reservation.c.exclusive,
)
