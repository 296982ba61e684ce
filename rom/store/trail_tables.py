"""Tables of the trail. They refuse to be changed, so nothing that empties tables knows them.

The migration makes the triggers: an entry gets its place and link when its transaction commits.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from rom.store import tables

metadata = sa.MetaData(naming_convention=tables.metadata.naming_convention)

trail_entry = sa.Table(
    "trail_entry",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("place", sa.BigInteger, unique=True),
    sa.Column("time", tables.Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("sites", ARRAY(sa.Text), nullable=False),
    sa.Column("devices", ARRAY(sa.Text), nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("ticket", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("previous", sa.LargeBinary),
    sa.Column("link", sa.LargeBinary),
    sa.Index("ix_trail_entry_sites", "sites", postgresql_using="gin"),
    sa.Index("ix_trail_entry_devices", "devices", postgresql_using="gin"),
    sa.Index("ix_trail_entry_order_id", "order_id"),
    sa.Index("ix_trail_entry_actor", "actor"),
)

trail_head = sa.Table(
    "trail_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, server_default=sa.text("1")),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("link", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("id = 1", name="single_row"),
)
"""The last place and its link, kept beside the entries: the last ones cannot go unseen."""
