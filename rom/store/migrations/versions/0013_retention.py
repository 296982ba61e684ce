"""What is kept of sites' histories, and indexes for finding what is over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_snapshot_time": ("snapshot", ["time"]),
    "ix_snapshot_txn": ("snapshot", ["txn"]),
    "ix_device_txn_finished_at": ("device_txn", ["finished_at"]),
    "ix_net_effect_sequence": ("net_effect", ["sequence"]),
}


def upgrade() -> None:
    op.create_table(
        "site_history",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("kept_from", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("forgotten", ARRAY(sa.Text), nullable=False, server_default="{}"),
        sa.Column(
            "looked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.PrimaryKeyConstraint("site", name="pk_site_history"),
    )
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, (table, _) in _INDEXES.items():
        op.drop_index(name, table)
    op.drop_table("site_history")
