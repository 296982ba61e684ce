"""Who has set a secret, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "secret",
        sa.Column(
            "set_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.add_column("secret", sa.Column("set_by", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("secret", "set_by")
    op.drop_column("secret", "set_at")
