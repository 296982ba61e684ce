"""The fingerprint of the master key, so that another one is refused."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sealing_key",
        sa.Column("id", sa.SmallInteger, server_default="1"),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("sealed_root", sa.LargeBinary),
        sa.Column(
            "since", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sealing_key"),
        sa.CheckConstraint("id = 1", name="ck_sealing_key_single"),
    )


def downgrade() -> None:
    op.drop_table("sealing_key")
