"""Events are written in the transaction of what they tell, and given their place afterwards."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from rom.model.event import Notification
from rom.store.event_tables import delivery, event_pending, event_position
from rom.store.tables import event_outbox

_PLACING = 688_001  # any number, the same in every process


def emit(
    connection: sa.Connection, stream: str, event: Notification, *, task_id: str | None = None
) -> None:
    """Write one notification; those of one ``stream``, an order's for instance, keep their order.

    The stream is locked until the transaction ends, so its owner's row has to be locked before.
    """
    emit_many(connection, [(stream, event)], task_id=task_id)


def emit_many(
    connection: sa.Connection,
    events: Sequence[tuple[str, Notification]],
    *,
    task_id: str | None = None,
) -> None:
    """Write several notifications, each with its stream."""
    rows = [
        {
            "order_id": stream,
            "event_type": event["eventType"],
            "payload": event,
            "task_id": task_id,
        }
        for stream, event in events
    ]
    if rows:
        connection.execute(sa.insert(event_outbox), rows)


def anything_pending(connection: sa.Connection) -> bool:
    """Tell whether an event waits for its place."""
    return bool(connection.scalar(sa.select(sa.exists().select_from(event_pending))))


def may_place(connection: sa.Connection) -> bool:
    """Become the only one that gives places until the transaction ends; false if another is.

    One gateway at a time does it, so places are given in the order in which events become visible.
    """
    return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_PLACING))))


def place_pending(connection: sa.Connection, most: int) -> list[int]:
    """Append the first pending events to the log; return their sequence numbers.

    They go in the order of their numbers, which within a stream is that of commits.
    """
    first = sa.select(event_pending.c.sequence).order_by(event_pending.c.sequence).limit(most)
    taken = sa.delete(event_pending).where(event_pending.c.sequence.in_(first))
    sequences = sorted(connection.scalars(taken.returning(event_pending.c.sequence)))
    if sequences:
        ordered = (
            sa.select(event_outbox.c.sequence)
            .where(event_outbox.c.sequence.in_(sequences))
            .order_by(event_outbox.c.sequence)
        )
        connection.execute(sa.insert(event_position).from_select(["sequence"], ordered))
    return sequences


def prune(connection: sa.Connection, keep: timedelta, most: int) -> int:
    """Delete some events older than ``keep`` that no listener waits for; dead letters do.

    Returns how many; 0 when there are no more.
    """
    outbox = event_outbox.c
    needed = sa.or_(
        sa.exists().where(delivery.c.sequence == outbox.sequence),
        sa.exists().where(event_pending.c.sequence == outbox.sequence),
    )
    old = (
        sa.select(outbox.sequence)
        .where(outbox.time < sa.func.clock_timestamp() - keep, ~needed)
        .limit(most)
    )
    return connection.execute(sa.delete(event_outbox).where(outbox.sequence.in_(old))).rowcount
