"""Tables of event delivery: who listens, what is still to be sent to whom.

An event is written into ``event_outbox`` with its state's transaction. A trigger enters it in
``event_pending`` too; the fan-out takes it from there, whenever it became visible, gives it its
place in ``event_position`` and makes its deliveries. So nothing hangs on sequence numbers, which
become visible in another order than they were given.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from rom.store.tables import Moment, event_outbox, metadata


def _of_event() -> sa.Column[int]:
    return sa.Column(
        "sequence",
        sa.ForeignKey(event_outbox.c.sequence, ondelete="CASCADE"),
        nullable=False,
    )


hub_subscription = sa.Table(
    "hub_subscription",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("api", sa.Text, nullable=False),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    # Who has registered it, empty in an open lab, and that client's limits, as they were then.
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    # Whether the owner is known by a token of the gateway's own, which then decides.
    sa.Column("by_token", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("customers", ARRAY(sa.Text)),
    sa.Column("sites", ARRAY(sa.Text)),
    sa.Column("sealed_secret", sa.LargeBinary),
    sa.Column("created_at", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("delivered", sa.BigInteger, nullable=False, server_default="0"),
    # Rounds in a row in which nothing got through; the pause grows with them.
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("paused_until", Moment),
    sa.Column("last_success_at", Moment),
    sa.Column("last_failure_at", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("lease_holder", sa.Text),
    sa.Column("lease_until", Moment),
    sa.UniqueConstraint("owner", "api", "callback", "query"),
)

event_pending = sa.Table(
    "event_pending",
    metadata,
    sa.Column(
        "sequence",
        sa.ForeignKey(event_outbox.c.sequence, ondelete="CASCADE"),
        primary_key=True,
    ),
)

event_position = sa.Table(
    "event_position",
    metadata,
    sa.Column("position", sa.BigInteger, sa.Identity(), primary_key=True),
    _of_event(),
    sa.UniqueConstraint("sequence"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column(
        "listener_id", sa.ForeignKey("hub_subscription.id", ondelete="CASCADE"), nullable=False
    ),
    _of_event(),
    sa.Column("position", sa.BigInteger, nullable=False),
    # The events of one stream, an order's for instance, are delivered one after the other.
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("since", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("due_at", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("dead_at", Moment),
    sa.Column("error", sa.Text),
    sa.UniqueConstraint("listener_id", "sequence"),
    sa.Index("ix_delivery_listener_id_state_position", "listener_id", "state", "position"),
    sa.Index("ix_delivery_listener_id_stream", "listener_id", "stream", "position"),
    sa.Index("ix_delivery_sequence", "sequence"),
    sa.CheckConstraint("state in ('waiting', 'dead')", name="state"),
)
