"""Tables of access: tokens of the gateway's own, without their secrets."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from rom.store.tables import Moment, metadata

access_token = sa.Table(
    "access_token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("customers", ARRAY(sa.Text)),
    sa.Column("sites", ARRAY(sa.Text)),
    sa.Column("created_at", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("last_used_at", Moment),
    sa.CheckConstraint("cardinality(roles) > 0", name="roles"),
)
