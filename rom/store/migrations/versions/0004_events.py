"""Listeners and deliveries of events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

# Two transactions that write events of one stream do so one after the other, and a number given
# under the lock is visible before the next is given. Resource events go without: one transaction
# writes many of them in any order, and the rows they tell of are locked by whoever changes them.
_IN_ORDER = """
CREATE FUNCTION event_outbox_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.event_type NOT IN ('ResourceCreateEvent', 'ResourceAttributeValueChangeEvent',
                            'ResourceStateChangeEvent', 'ResourceDeleteEvent') THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.order_id, 688));
    NEW.sequence := nextval(pg_get_serial_sequence('event_outbox', 'sequence'));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER event_outbox_in_order BEFORE INSERT ON event_outbox
  FOR EACH ROW EXECUTE FUNCTION event_outbox_in_order();
"""
_PENDING = """
CREATE FUNCTION event_outbox_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_pending (sequence) VALUES (NEW.sequence);
  RETURN NULL;
END $$;
CREATE TRIGGER event_outbox_pending AFTER INSERT ON event_outbox
  FOR EACH ROW EXECUTE FUNCTION event_outbox_pending();
"""


def upgrade() -> None:
    op.add_column("event_outbox", sa.Column("task_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_event_outbox_task_id",
        "event_outbox",
        ["task_id", "sequence"],
        postgresql_where=sa.text("task_id IS NOT NULL"),
    )
    op.create_index("ix_event_outbox_time", "event_outbox", ["time"])
    _listeners()
    _positions()
    _deliveries()
    op.execute(_IN_ORDER)
    op.execute(_PENDING)


def _listeners() -> None:
    op.create_table(
        "hub_subscription",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("api", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("customers", ARRAY(sa.Text()), nullable=True),
        sa.Column("sites", ARRAY(sa.Text()), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("paused_until", _MOMENT, nullable=True),
        sa.Column("last_success_at", _MOMENT, nullable=True),
        sa.Column("last_failure_at", _MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("lease_holder", sa.Text(), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_subscription")),
        sa.UniqueConstraint(
            "owner",
            "api",
            "callback",
            "query",
            name=op.f("uq_hub_subscription_owner_api_callback_query"),
        ),
    )


def _positions() -> None:
    op.create_table(
        "event_pending",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["event_outbox.sequence"],
            name=op.f("fk_event_pending_sequence"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_event_pending")),
    )
    op.create_table(
        "event_position",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["event_outbox.sequence"],
            name=op.f("fk_event_position_sequence"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event_position")),
        sa.UniqueConstraint("sequence", name=op.f("uq_event_position_sequence")),
    )


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("listener_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("dead_at", _MOMENT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'dead')", name=op.f("ck_delivery_state")),
        sa.ForeignKeyConstraint(
            ["listener_id"],
            ["hub_subscription.id"],
            name=op.f("fk_delivery_listener_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["event_outbox.sequence"],
            name=op.f("fk_delivery_sequence"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "listener_id", "sequence", name=op.f("uq_delivery_listener_id_sequence")
        ),
    )
    columns = ["listener_id", "state", "position"]
    op.create_index("ix_delivery_listener_id_state_position", "delivery", columns)
    columns = ["listener_id", "stream", "position"]
    op.create_index("ix_delivery_listener_id_stream", "delivery", columns)
    op.create_index("ix_delivery_sequence", "delivery", ["sequence"])


def downgrade() -> None:
    raise RuntimeError("there is no way back from the first schema")
