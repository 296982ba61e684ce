"""Tables of the engine, on PostgreSQL only; those of inventory live with inventory."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Moment = sa.DateTime(timezone=True)
PathColumn = ARRAY(sa.Text)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, Moment, nullable=False, server_default=sa.func.now())


resource_order = sa.Table(
    "resource_order",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("customer", sa.Text, nullable=False),
    sa.Column("requester", sa.Text, nullable=False),
    _now("created_at"),
    _now("updated_at"),
    sa.Column("started_at", Moment),
    sa.Column("completed_at", Moment),
    sa.Column("cancelled_at", Moment),
    sa.Column("cancellation_reason", sa.Text),
    # A deleted order is shown nowhere, but its items still say what its sites have and had.
    sa.Column("deleted_at", Moment),
)

order_item = sa.Table(
    "order_item",
    metadata,
    sa.Column("order_id", sa.ForeignKey("resource_order.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("item_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("specification", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("characteristics", JSONB, nullable=False),
    sa.Column("depends_on", ARRAY(sa.Text), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("due_at", Moment),
    # Pools of amounts in which it was short; whoever comes later takes nothing from them.
    sa.Column("short_of", ARRAY(sa.Text), nullable=False, server_default="{}"),
    # False once a later order or a rollback has taken back what a completed item had given.
    sa.Column("in_force", sa.Boolean, nullable=False, server_default=sa.true()),
    _now("updated_at"),
    sa.Index("ix_order_item_site_state", "site", "state"),
    sa.Index("ix_order_item_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
)

item_note = sa.Table(
    "item_note",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("order_id", sa.ForeignKey("resource_order.id", ondelete="CASCADE"), nullable=False),
    sa.Column("item_id", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    _now("date"),
    sa.Index("ix_item_note_order_id", "order_id"),
)

step_log = sa.Table(
    "step_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("order_id", sa.ForeignKey("resource_order.id", ondelete="CASCADE"), nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    _now("time"),
    sa.Index("ix_step_log_order_id", "order_id"),
)

site_intent = sa.Table(
    "site_intent",
    metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("fragments", JSONB, nullable=False),
    _now("updated_at"),
    sa.Index("ix_site_intent_site", "site"),
)

change = sa.Table(
    "change",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False, server_default="apply"),
    sa.Column("order_id", sa.Text),
    sa.Column("item_id", sa.Text),
    sa.Column("task_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("transaction", sa.Text),
    sa.Column("edits", sa.Integer),
    # Paths left as somebody else had made them, because the policy said so.
    sa.Column("kept", JSONB, nullable=False, server_default="[]"),
    sa.Column("reason", sa.Text),
    sa.Column("error", sa.Text),
    _now("requested_at"),
    sa.Column("finished_at", Moment),
    sa.Index("ix_change_device_state", "device", "state"),
    sa.Index("ix_change_order_id_item_id", "order_id", "item_id"),
    sa.CheckConstraint(
        "state in ('blocked', 'waiting', 'claimed', 'done', 'refused')", name="state"
    ),
)

device_lease = sa.Table(
    "device_lease",
    metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text),
    sa.Column("until", Moment, nullable=False),
)

device_txn = sa.Table(
    "device_txn",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("sent", sa.Text, nullable=False, server_default=""),
    sa.Column("error", sa.Text),
    _now("started_at"),
    sa.Column("finished_at", Moment),
    sa.Column("worked", JSONB(none_as_null=True)),
    sa.Index("ix_device_txn_device_state", "device", "state"),
    sa.Index("ix_device_txn_finished_at", "finished_at"),
    sa.CheckConstraint(
        "state in ('planned', 'sent', 'confirming', 'committed', 'reverted', 'unknown')",
        name="state",
    ),
)

txn_site = sa.Table(
    "txn_site",
    metadata,
    sa.Column("txn", sa.ForeignKey("device_txn.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("plan", JSONB, nullable=False),
    sa.Index("ix_txn_site_site", "site"),
    sa.Index("ix_txn_site_order_id", "order_id"),
)

effect = sa.Table(
    "effect",
    metadata,
    sa.Column("sequence", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("txn", sa.ForeignKey("device_txn.id", ondelete="CASCADE"), nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("path", PathColumn, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("intended", sa.Text),
    sa.Column("read_back", sa.Text),
    sa.Index("ix_effect_txn", "txn"),
    sa.Index("ix_effect_device_site", "device", "site"),
)

net_effect = sa.Table(
    "net_effect",
    metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("path", PathColumn, primary_key=True),
    sa.Column("before", sa.Text),
    sa.Column("intended", sa.Text),
    sa.Column("read_back", sa.Text),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Index("ix_net_effect_device_path", "device", "path"),
    sa.Index("ix_net_effect_sequence", "sequence"),
)

shared_object = sa.Table(
    "shared_object",
    metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("root", PathColumn, primary_key=True),
    sa.Column("tree", JSONB, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("created_by_rom", sa.Boolean, nullable=False),
    # The last owner, where the device would not let the object go with it.
    sa.Column("orphaned_by", sa.Text),
)

shared_owner = sa.Table(
    "shared_owner",
    metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("root", PathColumn, primary_key=True),
    sa.Column("site", sa.Text, primary_key=True),
    sa.ForeignKeyConstraint(
        ["device", "root"], ["shared_object.device", "shared_object.root"], ondelete="CASCADE"
    ),
    sa.Index("ix_shared_owner_site", "site"),
)

ztp_ticket = sa.Table(
    "ztp_ticket",
    metadata,
    sa.Column("serial", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    # The SHA-256 of the circuit's token, in hex: 256 random bits need no slow hash.
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("configuration", sa.Text, nullable=False),
    sa.Column("exec_lines", ARRAY(sa.Text), nullable=False),
    _now("updated_at"),
    sa.CheckConstraint(
        "state in ('staged', 'fetched', 'started', 'failed', 'completed', 'closed')", name="state"
    ),
)

verdict = sa.Table(
    "verdict",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("evidence", JSONB, nullable=False),
    _now("time"),
    sa.Index("ix_verdict_order_id", "order_id"),
)

event_outbox = sa.Table(
    "event_outbox",
    metadata,
    sa.Column("sequence", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("event_type", sa.Text, nullable=False),
    sa.Column("payload", JSONB, nullable=False),
    _now("time"),
    # The rollback task that caused a resource's event; the task's own events show it too.
    sa.Column("task_id", sa.Text),
    sa.Index("ix_event_outbox_order_id_sequence", "order_id", "sequence"),
    sa.Index(
        "ix_event_outbox_task_id",
        "task_id",
        "sequence",
        postgresql_where=sa.text("task_id IS NOT NULL"),
    ),
    sa.Index("ix_event_outbox_time", "time"),
)

snapshot = sa.Table(
    "snapshot",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    # None for what a load of inventory has planned anew; the transaction that follows has its own.
    sa.Column("txn", sa.ForeignKey("device_txn.id", ondelete="CASCADE")),
    sa.Column("moment", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _now("time"),
    sa.Index("ix_snapshot_site_device", "site", "device"),
    sa.Index("ix_snapshot_time", "time"),
    sa.Index("ix_snapshot_txn", "txn"),
    sa.CheckConstraint("moment in ('before', 'after', 'planned')", name="moment"),
    sa.CheckConstraint("(txn is null) = (moment = 'planned')", name="planned"),
)

# What is not kept any more of a site's history: everything before a boundary of its orders.
site_history = sa.Table(
    "site_history",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    # The first snapshot that a rollback may lead to; 0 while all are kept.
    sa.Column("kept_from", sa.BigInteger, nullable=False, server_default="0"),
    # Orders whose beginning lies before that.
    sa.Column("forgotten", ARRAY(sa.Text), nullable=False, server_default="{}"),
    _now("looked_at"),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("txn", sa.ForeignKey("device_txn.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("moment", sa.Text, primary_key=True),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _now("time"),
    sa.CheckConstraint("moment in ('before', 'after')", name="moment"),
)

rollback_task = sa.Table(
    "rollback_task",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("target", JSONB, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ticket", sa.Text, nullable=False, server_default=""),
    sa.Column("requester", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("preview", JSONB, nullable=False),
    sa.Column("result", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    _now("created_at"),
    sa.Column("finished_at", Moment),
    sa.CheckConstraint(
        "state in ('acknowledged', 'inProgress', 'done', 'terminatedWithError')", name="state"
    ),
    # One at a time for a site; the database decides when two ask at once.
    sa.Index(
        "uq_rollback_task_open_site",
        "site",
        unique=True,
        postgresql_where=sa.text("state in ('acknowledged', 'inProgress')"),
    ),
)

secret = sa.Table(
    "secret",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _now("set_at"),
    sa.Column("set_by", sa.Text, nullable=False, server_default=""),
)

site_secret = sa.Table(
    "site_secret",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    # The value that devices may still hold; none once all of them have taken the new one.
    sa.Column("former", sa.Integer),
    _now("since"),
    sa.Index("ix_site_secret_site", "site"),
    sa.CheckConstraint("former < generation", name="former"),
)

# One row at most: which master key the sealed values were made with.
sealing_key = sa.Table(
    "sealing_key",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, server_default="1"),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("sealed_root", sa.LargeBinary),
    _now("since"),
    sa.CheckConstraint("id = 1", name="single"),
)

clock = sa.Table(  # one row, see rom.store.clock
    "clock",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, server_default="1"),
    sa.Column("noted_at", Moment, nullable=False),
    sa.CheckConstraint("id = 1", name="single_row"),
)
