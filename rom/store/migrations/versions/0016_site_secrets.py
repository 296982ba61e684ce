"""Secrets of sites can be replaced one by one: which value of each is in force."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site_secret",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("former", sa.Integer()),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("former < generation", name="ck_site_secret_former"),
        sa.PrimaryKeyConstraint("name", name="pk_site_secret"),
    )
    op.create_index("ix_site_secret_site", "site_secret", ["site"])


def downgrade() -> None:
    """Devices keep values that nobody could tell them again: rotate nothing before this."""
    op.drop_table("site_secret")
