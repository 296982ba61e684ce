"""Tokens of the gateway's own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "access_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("roles", ARRAY(sa.Text()), nullable=False),
        sa.Column("customers", ARRAY(sa.Text()), nullable=True),
        sa.Column("sites", ARRAY(sa.Text()), nullable=True),
        sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.CheckConstraint("cardinality(roles) > 0", name=op.f("ck_access_token_roles")),
    )
    op.create_index(op.f("ix_access_token_name"), "access_token", ["name"], unique=False)


def downgrade() -> None:
    raise RuntimeError("there is no way back from the first schema")
