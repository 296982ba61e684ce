"""Services are planned anew when inventory changes under them: snapshots without a transaction."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("snapshot", "txn", nullable=True)
    op.drop_constraint(op.f("ck_snapshot_moment"), "snapshot", type_="check")
    op.create_check_constraint("moment", "snapshot", "moment in ('before', 'after', 'planned')")
    op.create_check_constraint("planned", "snapshot", "(txn is null) = (moment = 'planned')")


def downgrade() -> None:
    """What was planned anew is forgotten; a rollback could lead to values of before it."""
    op.execute("DELETE FROM snapshot WHERE moment = 'planned'")
    op.drop_constraint(op.f("ck_snapshot_planned"), "snapshot", type_="check")
    op.drop_constraint(op.f("ck_snapshot_moment"), "snapshot", type_="check")
    op.create_check_constraint("moment", "snapshot", "moment in ('before', 'after')")
    op.alter_column("snapshot", "txn", nullable=False)
