"""The trail of deeds, which the database keeps append-only and chains."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Places are given when a transaction commits, behind a lock that is held for the commit only: a
# deed that takes longer keeps nobody waiting, and the order of places is the order of commits.
_SEAL = """
CREATE FUNCTION trail_seal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last trail_head%ROWTYPE;
    made bytea;
BEGIN
    SELECT * INTO STRICT last FROM trail_head FOR UPDATE;
    made := sha256(last.link || int8send(last.place + 1) || NEW.digest);
    UPDATE trail_head SET place = last.place + 1, link = made;
    UPDATE trail_entry SET place = last.place + 1, previous = last.link, link = made
        WHERE id = NEW.id;
    RETURN NULL;
END $$
"""
_KEEP = """
CREATE FUNCTION trail_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN  -- the seal, and nothing else
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'trail_entry' THEN
        NEW.place := NULL;
        NEW.previous := NULL;
        NEW.link := NULL;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the trail is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "trail_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("place", sa.BigInteger()),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("kind", "actor", "actor_kind", "client", "request_id")
        ),
        sa.Column("sites", ARRAY(sa.Text()), nullable=False),
        sa.Column("devices", ARRAY(sa.Text()), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("order_id", "subject", "ticket", "reason")
        ),
        sa.Column("details", JSONB(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary()),
        sa.Column("link", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_trail_entry"),
        sa.UniqueConstraint("place", name="uq_trail_entry_place"),
    )
    op.create_index("ix_trail_entry_sites", "trail_entry", ["sites"], postgresql_using="gin")
    op.create_index("ix_trail_entry_devices", "trail_entry", ["devices"], postgresql_using="gin")
    op.create_index("ix_trail_entry_order_id", "trail_entry", ["order_id"])
    op.create_index("ix_trail_entry_actor", "trail_entry", ["actor"])
    op.create_table(
        "trail_head",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_trail_head_single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_trail_head"),
    )
    op.execute("INSERT INTO trail_head (place, link) VALUES (0, decode(repeat('00', 32), 'hex'))")
    op.execute(_SEAL)
    op.execute(_KEEP)
    op.execute(
        "CREATE CONSTRAINT TRIGGER trail_seal AFTER INSERT ON trail_entry "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trail_seal()"
    )
    for table in ("trail_entry", "trail_head"):
        op.execute(
            f"CREATE TRIGGER trail_keep BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION trail_keep()"
        )
        op.execute(
            f"CREATE TRIGGER trail_keep_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION trail_keep()"
        )


def downgrade() -> None:
    op.drop_table("trail_entry")
    op.drop_table("trail_head")
    op.execute("DROP FUNCTION trail_seal()")
    op.execute("DROP FUNCTION trail_keep()")
