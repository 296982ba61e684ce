"""What a policy has left to somebody else, and what the service gate found before a commit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "change",
        sa.Column("kept", postgresql.JSONB(), server_default="[]", nullable=False),
    )
    op.add_column("device_txn", sa.Column("worked", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("device_txn", "worked")
    op.drop_column("change", "kept")
