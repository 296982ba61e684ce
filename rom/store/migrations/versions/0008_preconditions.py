"""Kept specifications call technical preconditions by that name."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rename("gates", "preconditions")


def downgrade() -> None:
    _rename("preconditions", "gates")


def _rename(before: str, after: str) -> None:
    op.execute(
        sa.text(
            "UPDATE kept_specification SET specification = (specification - CAST(:before AS text))"
            " || jsonb_build_object(CAST(:after AS text), specification -> :before)"
            " WHERE jsonb_exists(specification, :before)"
        ).bindparams(before=before, after=after)
    )
