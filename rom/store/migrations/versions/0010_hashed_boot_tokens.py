"""Of a circuit's boot token only the SHA-256 is kept."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("ztp_ticket", "token", new_column_name="token_hash")
    _rename_constraint("token", "token_hash")
    op.execute(
        "UPDATE ztp_ticket SET token_hash = encode(sha256(convert_to(token_hash, 'UTF8')), 'hex')"
    )


def downgrade() -> None:
    """A router that is under way has to be staged again: nobody can tell its token from a hash."""
    op.execute("DELETE FROM ztp_ticket WHERE state NOT IN ('completed', 'closed')")
    op.alter_column("ztp_ticket", "token_hash", new_column_name="token")
    _rename_constraint("token_hash", "token")


def _rename_constraint(before: str, after: str) -> None:
    op.execute(
        f"ALTER TABLE ztp_ticket RENAME CONSTRAINT uq_ztp_ticket_{before} TO uq_ztp_ticket_{after}"
    )
