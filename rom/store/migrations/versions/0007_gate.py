"""What the service gate found working before a commit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device_txn", sa.Column("worked", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("device_txn", "worked")
