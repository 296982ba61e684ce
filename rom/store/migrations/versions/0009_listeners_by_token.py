"""Listeners end with the tokens of whoever has registered them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "hub_subscription",
        sa.Column("by_token", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.execute(
        "UPDATE hub_subscription SET by_token = true "
        "WHERE EXISTS (SELECT FROM access_token WHERE access_token.name = owner)"
    )


def downgrade() -> None:
    op.drop_column("hub_subscription", "by_token")
